/** The command lines of the long tests: what their options take, and the exit code when they cannot be used. */

/** The command line, or who runs it, is not what the program takes: exit code 2. */
export class ArgumentError extends Error {}

/** @throws {ArgumentError} where an option's text is no whole number from `least` on */
export function wholeNumber(option: string, text: string, least = 0): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least) return number;
  const range = least === 0 ? '' : ` from ${least} on`;
  throw new ArgumentError(`--${option} ${text}: a whole number${range}, as in --${option} 100`);
}

/** @throws {ArgumentError} where an option's text is no regular expression */
export function regularExpression(option: string, text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new ArgumentError(`--${option} ${text}: not a regular expression`, { cause: error });
  }
}

/**
 * Run a program, whose number becomes the exit code. Arguments that it, or Node's own parser, does not take are told in one line.
 * @param file what that line begins with
 */
export async function runProgram(file: string, main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!isArgumentError(error)) throw error;
    console.error(`${file}: ${error.message}`);
    process.exitCode = 2;
  }
}

function isArgumentError(error: unknown): error is Error {
  if (error instanceof ArgumentError) return true;
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
