import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { createAuthority } from '../certificate/throw-away-certificate.ts';
import { jobPod, review } from '../server/review-examples.ts';
import { curfew } from './test-terminal.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'webhook', 'main.ts');

function start(t: TestContext, args: string[]): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

test('--help lists the commands; help X and X --help tell a command', async () => {
  const help = await curfew(['--help']);
  assert.equal(help.code, 0);
  for (const name of [
    'serve',
    'inject',
    'explain',
    'webhook-configuration',
    'why',
    'audit',
    'check',
    'completion',
  ]) {
    assert.match(help.out, new RegExp(`^ {2}${name} +\\S`, 'm'));
    const long = await curfew(['help', name]);
    assert.equal(long.code, 0);
    assert.match(long.out, new RegExp(`^curfew ${name} `));
    assert.deepEqual(await curfew([name, '--help']), long);
    assert.deepEqual(await curfew([name, '-f', 'x', '-h']), long);
  }
});

test('serve --help tells every key of the configuration with its default', async () => {
  const { out } = await curfew(['serve', '--help']);
  assert.match(out, /listen\.port +port of the webhook/);
  assert.match(out, /default 8443/);
  assert.match(out, /shutdown\.gracePeriod/);
  assert.match(out, /catalogue\.disabled/);
});

test('--version', async () => {
  const { code, out } = await curfew(['--version']);
  assert.equal(code, 0);
  assert.match(out, /^curfew \d+\.\d+\.\d+\S*\n$/);
});

test('nothing at all is exit code 2 with the overview', async () => {
  const { code, out, err } = await curfew([]);
  assert.deepEqual([code, out], [2, '']);
  assert.match(err, /Usage: curfew COMMAND/);
});

const WRONG: [string[], RegExp][] = [
  [['srve'], /unknown command "srve", did you mean serve\?/],
  [['help', 'injct'], /unknown command "injct", did you mean inject\?/],
  [['--verbos'], /unknown flag "--verbos"/],
  [['constructor'], /unknown command "constructor"/],
  [
    ['serve', '--prot', '1'],
    /unknown flag "--prot", did you mean --port\?; "curfew serve --help" lists the flags/,
  ],
  [['serve', 'now'], /"curfew serve --help"/],
  [['serve', '--port', 'x'], /--port \(listen\.port\) is "x", which is not allowed/],
  [['serve', '--log-level', 'loud'], /--log-level \(log\.level\) is "loud"/],
  [['serve', '--config', '/nonexistent/c.yaml'], /c\.yaml cannot be read/],
  [['inject', '--filname', 'x'], /did you mean --filename\?/],
  [['inject', '-f'], /argument missing/],
  [
    ['inject', '-f', '--config', 'c.yaml'],
    /Option '-f' is followed by a flag where its argument belongs; "curfew inject/,
  ],
  [
    ['explain', 'my.job.yaml'],
    /"my\.job\.yaml" is no flag, a file is given with -f: -f my\.job\.yaml; "curfew explain --help"/,
  ],
  [['inject', '-f', 'a.yaml', "it's. This command"], /"it's\. This command" is no flag, a file/],
  [['serve', 'my.yaml'], /"my\.yaml" is no flag; "curfew serve --help" lists the flags/],
];

for (const [args, message] of WRONG) {
  test(`curfew ${args.join(' ')}: exit code 2 and a way out`, async () => {
    const { code, out, err } = await curfew(args);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, message);
    assert.match(err, /^curfew: /);
  });
}

test('what a file, a flag or a key is called commands no terminal', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(folder, { recursive: true }));
  const evil = 'a\u001b[2J\u009b\u202eb\u2028c\u{e0001}';
  const [config, manifest] = [join(folder, 'c.yaml'), join(folder, 'p.yaml')];
  await writeFile(
    config,
    JSON.stringify({ [evil]: 1, [`x\n${evil}`]: 1, log: { level: evil, [evil]: evil } }),
  );
  const name = JSON.stringify(evil);
  await writeFile(
    manifest,
    `apiVersion: v1\nkind: Pod\nmetadata: { name: ${name} }\nspec: { containers: 1 }\n`,
  );
  for (const args of [
    ['serve', '--config', config],
    ['inject', '-f', evil],
    ['inject', evil],
    ['inject', `--${evil}`, 'x'],
    [evil],
    ['explain', '-f', manifest],
    ['explain', '-f', manifest, '--config', evil],
    ['explain', '-f', manifest, '-o', evil],
    ['explain', '-f', manifest, '--shim-image', evil],
    ['webhook-configuration', '--ca', evil],
  ]) {
    const { out, err } = await curfew(args);
    assert.notEqual(out + err, '');
    assert.doesNotMatch((out + err).replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, args.join(' '));
  }
});

test('inject into a pipe that nobody reads: one line, and the exit code of SIGPIPE', async (t) => {
  const child = start(t, ['inject', '-q', '-f', '-']);
  let err = '';
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  child.stdout?.destroy();
  child.stdin?.on('error', () => {});
  const pod = 'apiVersion: v1\nkind: Pod\nspec: { containers: [{ name: a, image: a, command: [/a] }] }\n';
  child.stdin?.end(`${pod}${'# padding\n'.repeat(100_000)}`);
  const [code] = await once(child, 'close');
  assert.equal(
    err,
    'curfew: standard output cannot be written (EPIPE): it was closed before all was written\n',
  );
  assert.equal(code, 141);
});

test('inject onto a full disk: one line, and an exit code that is not that of a refusal', async (t) => {
  const full = await open('/dev/full', 'w');
  t.after(() => full.close());
  const child = spawn(process.execPath, [MAIN, 'inject', '-q', '-f', '-'], {
    stdio: ['pipe', full.fd, 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let err = '';
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  child.stdin?.end('a: 1\n');
  const [code] = await once(child, 'close');
  assert.match(
    err,
    /^(warning: .*\n)?curfew: standard output cannot be written \(ENOSPC\): the disk is full\n$/,
  );
  assert.equal(code, 4);
});

/** The first log line with this message. */
async function line(child: ChildProcess, msg: string): Promise<Record<string, unknown>> {
  if (child.stdout === null) throw new Error('no output');
  for await (const text of createInterface({ input: child.stdout })) {
    const entry: Record<string, unknown> = JSON.parse(text);
    if (entry.msg === msg) return entry;
  }
  throw new Error(`no line says ${msg}`);
}

test('serve: from its files to its last answer', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(folder, { recursive: true }));
  const authority = await createAuthority();
  const { cert, key } = await authority.issue();
  await writeFile(join(folder, 'tls.crt'), cert);
  await writeFile(join(folder, 'tls.key'), key);
  await writeFile(
    join(folder, 'c.yaml'),
    `listen: { host: 127.0.0.1, port: 1, healthPort: 0 }\ntls: { certFile: ${folder}/tls.crt, keyFile: ${folder}/tls.key }\nshutdown: { delay: 0s }\n`,
  );
  const child = start(t, [
    'serve',
    '--config',
    join(folder, 'c.yaml'),
    '--port',
    '0',
    '--shim-image',
    'local/shim:7',
  ]);
  const exited = once(child, 'exit');
  const { webhook, health } = await line(child, 'serving');
  assert.equal((await fetch(`http://127.0.0.1:${health}/readyz`)).status, 200);
  const answer = await new Promise<string>((resolve, reject) => {
    const outgoing = request(
      {
        port: Number(webhook),
        host: '127.0.0.1',
        path: '/mutate',
        method: 'POST',
        ca: authority.cert,
        headers: { 'content-type': 'application/json' },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(review(jobPod())));
  });
  const { response } = JSON.parse(answer);
  assert.match(Buffer.from(response.patch, 'base64').toString(), /local\/shim:7/);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

test('serve on what is no address: exit code 1 and the way out', async (t) => {
  const child = start(t, ['serve', '--host', 'no such host', '--port', '0', '--health-port', '0']);
  const err = await failureOf(child);
  assert.match(err, /^curfew serve: .* no such host: choose another port or address \(.*--host\)\n$/);
});

test('serve on a port that is taken: exit code 1 and the way out', async (t) => {
  const { createServer } = await import('node:net');
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const child = start(t, ['serve', '--host', '127.0.0.1', '--port', '0', '--health-port', String(port)]);
  const err = await failureOf(child);
  assert.match(err, /EADDRINUSE.*choose another port/);
});

/** What it says on stderr until it ends with 1. */
async function failureOf(child: ChildProcess): Promise<string> {
  child.stdout?.resume();
  let err = '';
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 1);
  return err;
}
