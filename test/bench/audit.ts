/** `curfew audit` of a large cluster, beside a program that reads the same pages and parses them. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { JsonRecord } from '../../webhook/shared/json.ts';
import { aNamespace, aPod, exited, MAIN, type Part, PROXY } from '../webhook/cluster/cluster-objects.ts';
import { startCluster } from '../webhook/commands/fake-cluster.ts';
import type { Bench } from './bench.ts';
import { median, spreadOf } from './figure.ts';

const PODS = 5_000;
const ROUNDS = 5;
/** Every so manieth pod hangs. */
const HANGING = 100;

/** A pod as a cluster gives it, of about 8 kB: environment, probes, volumes and managedFields are what most of it is. */
function largePod(index: number): JsonRecord {
  const padded = (part: Part): Part => ({
    ...part,
    spec: {
      ...part.spec,
      env: Array.from({ length: 48 }, (_, i) => ({ name: `SETTING_${i}`, value: `the value number ${i}` })),
      resources: { requests: { cpu: '250m', memory: '256Mi' } },
      livenessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 10 },
      volumeMounts: [
        { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
      ],
    },
  });
  const main = index % HANGING === 0 ? { ...MAIN, state: exited(0) } : MAIN;
  const fields = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`f:field-${i}`, { '.': {}, 'f:value': {} }]),
  );
  return aPod({
    name: `worker-${index}`,
    namespace: `team-${index % 50}`,
    containers: [padded(main), padded(PROXY)],
    job: `worker-${index}`,
    metadata: { managedFields: [{ manager: 'kubelet', operation: 'Update', fieldsV1: fields }] },
    spec: {
      volumes: [{ name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }],
    },
  });
}

/** The same pages by Node's https, parsed and counted. */
const BARE = `
import { readFileSync } from 'node:fs';
import { get } from 'node:https';
const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { server, 'certificate-authority-data': ca } = config.clusters[0].cluster;
const headers = { authorization: 'Bearer ' + config.users[0].user.token };
const page = (token) => new Promise((resolve, reject) => {
  const url = server + '/api/v1/pods?limit=500' + (token === undefined ? '' : '&continue=' + token);
  get(url, { ca: Buffer.from(ca, 'base64'), headers }, async (response) => {
    const pieces = [];
    for await (const piece of response) pieces.push(piece);
    resolve(JSON.parse(Buffer.concat(pieces).toString()));
  }).on('error', reject);
});
let count = 0;
for (let token; ; ) {
  const { items, metadata } = await page(token);
  count += items.length;
  if (metadata.continue === undefined) break;
  token = metadata.continue;
}
console.log(count);
`;

/** Prints the largest resident size in kilobytes at the end. */
const PEAK =
  'data:text/javascript,process.on("exit",()=>process.stderr.write("peak "+process.resourceUsage().maxRSS+"\\n"))';

interface Sample {
  seconds: number;
  megabytes: number;
  output: string;
}

function sample(args: string[], stdin = ''): Promise<Sample> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      ['--import', PEAK, ...args],
      { maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        const peak = /peak (\d+)\n/.exec(stderr)?.[1];
        // 1: pods hang, as they do here.
        if (peak === undefined || (error !== null && error.code !== 1))
          return reject(error ?? new Error(stderr));
        resolve({
          seconds: (performance.now() - began) / 1_000,
          megabytes: (Number(peak) * 1_024) / 1e6,
          output: stdout,
        });
      },
    );
    child.stdin?.end(stdin);
  });
}

export const auditLarge: Bench = {
  name: 'audit',
  about: `curfew audit of ${PODS} pods, beside a program that only reads them`,
  measure: async ({ root, progress }) => {
    const after: (() => unknown)[] = [];
    const cluster = await startCluster({
      after: (end) => void (typeof end === 'function' && after.push(() => Reflect.apply(end, undefined, []))),
    });
    try {
      for (let i = 0; i < 50; i++) cluster.put(aNamespace(`team-${i}`));
      for (let i = 0; i < PODS; i++) cluster.put(largePod(i));
      const audits: Sample[] = [];
      const bare: Sample[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        progress(`audit: round ${round + 1} of ${ROUNDS}`);
        audits.push(
          await sample([
            join(root, 'dist', 'curfew.js'),
            'audit',
            '-A',
            '-o',
            'json',
            '--kubeconfig',
            cluster.kubeconfig,
          ]),
        );
        bare.push(await sample(['--input-type=module', '-', cluster.kubeconfig], BARE));
      }
      for (const { output } of audits) {
        const { hanging } = JSON.parse(output);
        if (hanging.length !== PODS / HANGING) throw new Error(`${hanging.length} pods hang`);
      }
      const of = (samples: Sample[], key: 'seconds' | 'megabytes') => samples.map((one) => one[key]);
      return [
        {
          name: `audit of ${PODS} pods`,
          value: median(of(audits, 'seconds')),
          unit: 's',
          yardstick: median(of(bare, 'seconds')),
          beside: 'reading them',
          limits: [{ of: 'value', bound: 'at most', limit: 10 }],
          spread: spreadOf(of(audits, 'seconds')),
        },
        {
          name: `resident in that audit, peak`,
          value: Math.max(...of(audits, 'megabytes')),
          unit: 'MB',
          yardstick: Math.max(...of(bare, 'megabytes')),
          beside: 'reading them',
          limits: [{ of: 'value', bound: 'at most', limit: 200 }],
        },
      ];
    } finally {
      for (const end of after) await end();
    }
  },
};
