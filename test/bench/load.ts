/**
 * Load on one URL, from a process of its own, which prints one JSON line. Every review has a uid and a token volume of its own;
 * those of `strangers` have a label of their own too, as if no two pods came of one template.
 *
 * load URL BODY_FILE CONNECTIONS SECONDS alike|strangers
 */
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import { quantile } from './figure.ts';
import { TEMPLATE, TOKEN, UID } from './review.ts';

const [url = '', file = '', connections, seconds, kind] = process.argv.slice(2);
const template = readFileSync(file, 'utf8').split(new RegExp(`(${UID}|${TOKEN}|${TEMPLATE})`));
let sent = 0;

/** The next review: the same but for what is its own. */
function nextBody(): string {
  sent++;
  const digits = String(sent).padStart(12, '0');
  const own: Record<string, string> = {
    [UID]: `${UID.slice(0, -12)}${digits}`,
    [TOKEN]: digits.slice(-5),
    [TEMPLATE]: kind === 'strangers' ? `template-${digits.slice(-6)}` : TEMPLATE,
  };
  return template.map((part) => own[part] ?? part).join('');
}

// autocannon's own percentiles are whole milliseconds.
const latencies: number[] = [];
const run = autocannon({
  url,
  connections: Number(connections),
  duration: Number(seconds),
  requests: [
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      setupRequest: (request) => ({ ...request, body: nextBody() }),
    },
  ],
});
run.on('response', (_client: unknown, _status: number, _bytes: number, ms: number) => {
  latencies.push(ms);
});
const { errors, timeouts, non2xx, duration, requests } = await run;
console.log(
  JSON.stringify({
    failed: errors + timeouts + non2xx,
    perSecond: requests.total / duration,
    p99: quantile(latencies, 0.99),
  }),
);
