/** `curfew inject` over a large stream of Jobs, all of which are wrapped, beside the `yaml` package that only reads and prints it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Bench, Workshop } from './bench.ts';
import { median, spreadOf } from './figure.ts';

const JOBS = 5_000;
const RUNS = 5;

const MANIFEST = Array.from(
  { length: JOBS },
  (_, number) => `---
apiVersion: batch/v1
kind: Job
metadata:
  name: nightly-${number}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: report # of one shop
        image: registry.example.com/report:2.1
        command: ["/opt/report/run", "--shop=${number}"]
      - name: cloud-sql-proxy
        image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.3
        command: [/cloud-sql-proxy, "shop:europe-west1:orders"]
`,
).join('');

const YAML_PACKAGE = `
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
for (const document of parseAllDocuments(readFileSync(process.argv[2], 'utf8'))) process.stdout.write(document.toString());
`;

/** Makes a process say at its end what it used, on descriptor 3. */
const SAYS_USAGE = `data:text/javascript,${encodeURIComponent(
  "import { writeSync } from 'node:fs'; process.on('exit', () => writeSync(3, JSON.stringify(process.resourceUsage())));",
)}`;

export const inject: Bench = {
  name: 'inject',
  about: `${JOBS} Jobs through curfew inject, beside the yaml package`,
  measure: async ({ root, scratch, progress }) => {
    const manifest = join(scratch, 'jobs.yaml');
    // It lies outside the project and must find the project's package.
    const yamlPackage = join(scratch, 'yaml-package.mjs');
    writeFileSync(manifest, MANIFEST);
    writeFileSync(yamlPackage, YAML_PACKAGE.replace("'yaml'", JSON.stringify(yamlOf({ root }))));
    const own: Run[] = [];
    const others: Run[] = [];
    for (let round = 0; round < RUNS; round++) {
      progress(`inject, round ${round + 1} of ${RUNS}`);
      own.push(await run([join(root, 'dist/curfew.js'), 'inject', '-f', manifest]));
      others.push(await run([yamlPackage, manifest]));
    }
    const beside = 'the yaml package reads and prints it';
    return [
      {
        name: `inject, ${JOBS} Jobs, processor time`,
        value: median(own.map(({ seconds }) => seconds)),
        unit: 's',
        yardstick: median(others.map(({ seconds }) => seconds)),
        beside,
        limits: [{ of: 'value', bound: 'at most', limit: 2 }],
        spread: spreadOf(own.map(({ seconds }) => seconds)),
      },
      {
        name: `inject, ${JOBS} Jobs, resident`,
        value: Math.max(...own.map(({ megabytes }) => megabytes)),
        unit: 'MB',
        yardstick: Math.max(...others.map(({ megabytes }) => megabytes)),
        beside,
        limits: [{ of: 'value', bound: 'at most', limit: 300 }],
      },
    ];
  },
};

function yamlOf({ root }: Pick<Workshop, 'root'>): string {
  return join(root, 'node_modules/yaml/dist/index.js');
}

interface Run {
  /** Processor time of all threads: what else the machine does is not in it. */
  seconds: number;
  /** The most that was resident. */
  megabytes: number;
}

async function run(args: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, ['--import', SAYS_USAGE, ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const usage = child.stdio[3];
  const said = usage instanceof Readable ? text(usage) : Promise.resolve('{}');
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`node ${args.join(' ')} exited with ${String(code)}`);
  const { userCPUTime, systemCPUTime, maxRSS }: NodeJS.ResourceUsage = JSON.parse(await said);
  return { seconds: (userCPUTime + systemCPUTime) / 1e6, megabytes: maxRSS / 1_000 };
}
