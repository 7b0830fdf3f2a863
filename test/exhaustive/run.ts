/** `npm run test:exhaustive`: every order of events in small pods, against the rules. See --help. */
import { parseArgs } from 'node:util';
import { ArgumentError, regularExpression, runProgram, wholeNumber } from '../arguments.ts';
import { BREAKS, brokenMachines } from './breaks.ts';
import type { Case } from './case.ts';
import { allCases, type Depth } from './cases.ts';
import { SHIPPED } from './machines.ts';
import { sceneOf } from './scene.ts';
import { type Result, search } from './search.ts';
import { type Trace, traceOf } from './trace.ts';

const HELP = `npm run test:exhaustive -- [options]

Plays the shim's state machines through every order of events that small pods can have, and holds each state against the
rules of docs/contract.md. test/exhaustive/environment.ts says what can happen, cases.ts in which pods.

  --only REGEX     the cases (or, with --breaks, the bugs) whose names match
  --trouble N      how many adverse things happen on a path, in place of each case's own number
  --quick          less trouble: two minutes, for each change
  --deep           more trouble: hours, and much memory
  --limit N        stop each case after N states, and be content
  --seconds N      stop everything after N seconds, and be content with what was searched until then
  --breaks         put bugs in on purpose, and see each of them found
  --list           the names, and nothing else
  --json           one JSON object a line

Exit code: 0 when all was searched and holds; 1 when a rule is broken (a shortest trace is printed), or a bug put in on
purpose was not found; 2 when a case was not exhausted although no limit was asked for, or the arguments are wrong.
`;

/** More than that many states do not fit the memory that Node takes by default. */
const MOST_STATES = 12_000_000;

interface Options {
  only: RegExp;
  json: boolean;
  limit: number;
  until: number;
  bounded: boolean;
  cases: Case[];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      trouble: { type: 'string' },
      quick: { type: 'boolean', default: false },
      deep: { type: 'boolean', default: false },
      limit: { type: 'string' },
      seconds: { type: 'string' },
      breaks: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const trouble = optionalNumber('trouble', values.trouble);
  const limit = optionalNumber('limit', values.limit);
  const seconds = optionalNumber('seconds', values.seconds);
  const only = regularExpression('only', values.only);
  const depth: Depth = values.quick || values.breaks ? 'quick' : values.deep ? 'deep' : 'usual';
  const cases = allCases(depth).map((pod) => (trouble === undefined ? pod : { ...pod, trouble }));
  const options: Options = {
    only,
    json: values.json,
    limit: limit ?? MOST_STATES,
    until: performance.now() + (seconds ?? Number.POSITIVE_INFINITY) * 1_000,
    bounded: limit !== undefined || seconds !== undefined,
    cases,
  };
  if (values.breaks) return findBreaks(options, values.list);
  const chosen = cases.filter(({ name }) => only.test(name));
  if (chosen.length === 0)
    throw new ArgumentError(`--only ${values.only}: no case has such a name (see --list)`);
  if (values.list) {
    for (const { name } of chosen) console.log(name);
    return 0;
  }
  return searchCases(chosen, options);
}

function searchCases(cases: readonly Case[], options: Options): number {
  const sum = { cases: 0, unfinished: 0, states: 0, transitions: 0, milliseconds: 0 };
  let code = 0;
  for (const pod of cases) {
    const scene = sceneOf(pod, SHIPPED);
    const result = search(scene, { states: options.limit, until: options.until });
    const trace = result.broken === undefined ? undefined : traceOf(scene, result.broken);
    print(pod, result, trace, options.json);
    sum.cases++;
    sum.states += result.states;
    sum.transitions += result.transitions;
    sum.milliseconds += result.milliseconds;
    if (result.broken !== undefined) code = 1;
    else if (!result.exhausted) {
      sum.unfinished++;
      if (!options.bounded && code === 0) code = 2;
    }
  }
  if (options.json)
    console.log(JSON.stringify({ sum: { ...sum, milliseconds: Math.round(sum.milliseconds) } }));
  else {
    const rest = sum.unfinished === 0 ? 'all exhausted' : `${sum.unfinished} NOT EXHAUSTED`;
    console.log(
      `${sum.cases} pods, ${rest}: ${count(sum.states)} states, ${count(sum.transitions)} transitions, ${time(sum.milliseconds)}`,
    );
  }
  return code;
}

async function findBreaks(options: Options, list: boolean): Promise<number> {
  const chosen = BREAKS.filter(({ rule, what }) => options.only.test(`${rule} ${what}`));
  let missed = 0;
  for (const bug of chosen) {
    const name = `${bug.rule} ${bug.what}`;
    if (list) {
      console.log(name);
      continue;
    }
    const pod = options.cases.find((one) => one.name === bug.pod);
    if (pod === undefined) throw new Error(`no case ${bug.pod}`);
    const { machines, remove } = await brokenMachines(bug);
    try {
      const scene = sceneOf(pod, machines);
      const result = search(scene, { states: options.limit, until: options.until });
      const found = result.broken?.rule === bug.rule;
      if (!found) missed++;
      const trace = result.broken === undefined ? undefined : traceOf(scene, result.broken);
      if (options.json) console.log(JSON.stringify({ bug: name, found, ...report(pod, result, trace) }));
      else {
        const how =
          result.broken === undefined
            ? 'NOT FOUND'
            : `${found ? 'found' : `MISTAKEN for ${result.broken.rule}`} after ${trace?.steps.length} events: ${result.broken.text}`;
        console.log(`${name} (${pod.name}): ${how}`);
      }
    } finally {
      remove();
    }
  }
  if (!options.json && !list)
    console.log(`${chosen.length - missed} of ${chosen.length} bugs found by their rules`);
  return missed === 0 ? 0 : 1;
}

function report(pod: Case, result: Result, trace: Trace | undefined) {
  const { broken, ...rest } = result;
  return {
    case: pod.name,
    trouble: pod.trouble,
    ...rest,
    milliseconds: Math.round(rest.milliseconds),
    ...(broken === undefined ? {} : { rule: broken.rule, broken: broken.text, trace }),
  };
}

function print(pod: Case, result: Result, trace: Trace | undefined, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(report(pod, result, trace)));
    return;
  }
  const { states, transitions, ends, milliseconds, exhausted, broken } = result;
  const word = broken !== undefined ? 'BROKEN' : exhausted ? 'holds' : 'NOT EXHAUSTED';
  console.log(
    `${pod.name}, ${pod.trouble} trouble: ${word}, ${count(states)} states (${count(ends)} ends), ${count(transitions)} transitions, ${time(milliseconds)}`,
  );
  if (broken === undefined || trace === undefined) return;
  console.log(`  ${broken.rule}: ${broken.text}`);
  trace.steps.forEach(({ event, acts }, i) => {
    console.log(`  ${String(i + 1).padStart(2)}. ${event}`);
    for (const act of acts) console.log(`        ${act}`);
  });
  for (const line of trace.state) console.log(`      ${line}`);
}

function count(number: number): string {
  return number.toLocaleString('en-GB');
}

function time(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}

function optionalNumber(option: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : wholeNumber(option, text);
}

await runProgram('test/exhaustive/run.ts', main);
