import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { app, flag, jobPod, proxy, wrapped } from './mutated-pod.ts';

describe('L21 the termination message', () => {
  const cases: [fields: object, text: string | undefined][] = [
    [{}, undefined],
    [{ terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' }, undefined],
    [{ terminationMessagePath: '' }, undefined],
    [{ terminationMessagePath: '/shared/my log' }, '/shared/my log'],
    [{ terminationMessagePolicy: 'FallbackToLogsOnError' }, 'none'],
    [{ terminationMessagePath: '/log', terminationMessagePolicy: 'FallbackToLogsOnError' }, 'none'],
    // No runtime mounts it there; the kubelet would expand it in a command.
    [{ terminationMessagePath: 'log' }, 'none'],
    [{ terminationMessagePath: '/$(HOME)/log' }, 'none'],
    [{ terminationMessagePath: `/${'x'.repeat(4_095)}` }, 'none'],
  ];
  for (const [fields, text] of cases)
    test(`L21 ${JSON.stringify(fields).slice(0, 90)}: the shim is told ${text ?? 'nothing, for it knows the default'}`, () => {
      const pod = wrapped(jobPod(undefined, [app(fields), proxy(fields)]));
      for (const name of ['app', 'proxy']) assert.equal(flag(pod, name, 'termination-message'), text);
    });
});
