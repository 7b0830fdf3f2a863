/** The shim's command line, flag by flag. */
import { parseDuration } from './duration.ts';

/** An argument that the shim cannot take. The message names it. */
export class UsageError extends Error {}

/** What a word is that names no role. */
export function unknownRole(role: string | undefined): UsageError {
  const word = JSON.stringify(role ?? '');
  return new UsageError(`unknown role ${word}: it is install, main, sidecar, started or status`);
}

/** `--name=value` arguments, each taken once; what nobody took is an error. */
export class Flags {
  /** What was given and not taken yet: the values of each `--name=`, and as many empty ones of each argument without a value. */
  private readonly left = new Map<string, string[]>();

  constructor(args: string[]) {
    for (const arg of args) {
      const name = arg.slice(0, arg.indexOf('=') + 1) || arg;
      const values = this.left.get(name);
      if (values === undefined) this.left.set(name, [arg.slice(name.length)]);
      else values.push(arg.slice(name.length));
    }
  }

  all(name: string): string[] {
    return this.take(`--${name}=`);
  }

  one(name: string): string | undefined {
    return only(name, this.all(name));
  }

  present(name: string): boolean {
    return only(name, this.take(`--${name}`)) !== undefined;
  }

  names(name: string): string[] {
    return (this.one(name) ?? '').split(',').filter((item) => item !== '');
  }

  duration(name: string): number | undefined {
    const text = this.one(name);
    if (text === undefined) return undefined;
    const ms = parseDuration(text);
    if (ms === undefined) throw this.bad(name, text, '20s');
    return ms;
  }

  choice<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const text = this.one(name);
    const value = allowed.find((item) => item === text);
    if (text !== undefined && value === undefined) throw this.bad(name, text, allowed.join(' or '));
    return value;
  }

  bad(name: string, value: string, example: string): UsageError {
    return new UsageError(`--${name}=${value} does not parse; an example: --${name}=${example}`);
  }

  finish(): void {
    for (const [name, [value]] of this.left)
      throw new UsageError(`unknown argument ${JSON.stringify(`${name}${value}`)}`);
  }

  private take(name: string): string[] {
    const values = this.left.get(name) ?? [];
    this.left.delete(name);
    return values;
  }
}

function only(name: string, values: readonly string[]): string | undefined {
  if (values.length > 1) throw new UsageError(`--${name} is given ${values.length} times`);
  return values[0];
}
