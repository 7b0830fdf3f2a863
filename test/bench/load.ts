/**
 * Load on one URL, from a process of its own, which prints one JSON line.
 *
 * load URL BODY_FILE CONNECTIONS SECONDS
 */
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import { quantile } from './figure.ts';

const [url = '', file = '', connections, seconds] = process.argv.slice(2);
// autocannon's own percentiles are whole milliseconds.
const latencies: number[] = [];
const run = autocannon({
  url,
  connections: Number(connections),
  duration: Number(seconds),
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: readFileSync(file),
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
