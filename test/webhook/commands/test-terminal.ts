/**
 * The command line, run in this process.
 */
import { main } from '../../../webhook/main.ts';

export interface Run {
  code: number;
  out: string;
  err: string;
}

/** Run `curfew` with these arguments. */
export async function curfew(args: string[], input: string | Buffer = '', colours = false): Promise<Run> {
  const run: Run = { code: 0, out: '', err: '' };
  run.code = await main(args, {
    input: (async function* () {
      yield Buffer.from(input);
    })(),
    print: (text) => {
      run.out += text;
    },
    complain: (line) => {
      run.err += `${line}\n`;
    },
    colours,
  });
  return run;
}
