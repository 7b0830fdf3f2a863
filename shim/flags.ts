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
  private readonly left: string[];

  constructor(args: string[]) {
    this.left = args;
  }

  all(name: string): string[] {
    const prefix = `--${name}=`;
    const values: string[] = [];
    for (let i = 0; i < this.left.length; ) {
      const arg = this.left[i] ?? '';
      if (arg.startsWith(prefix))
        values.push(...this.left.splice(i, 1).map((flag) => flag.slice(prefix.length)));
      else i++;
    }
    return values;
  }

  one(name: string): string | undefined {
    const values = this.all(name);
    if (values.length > 1) throw new UsageError(`--${name} is given ${values.length} times`);
    return values[0];
  }

  present(name: string): boolean {
    const at = this.left.indexOf(`--${name}`);
    if (at >= 0) this.left.splice(at, 1);
    return at >= 0;
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
    if (this.left.length > 0) throw new UsageError(`unknown argument ${JSON.stringify(this.left[0])}`);
  }
}
