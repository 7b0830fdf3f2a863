/** The files and folders of `-f`, read one after another and bounded. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeText, TextFileError, unreadable } from '../shared/text-file.ts';
import { UsageError } from '../shared/usage-error.ts';
import type { Terminal } from './terminal.ts';

export interface ManifestInput {
  /** The file's name as it was given or found, or `(standard input)`. */
  name: string;
  text: string;
}

/** All files together. etcd takes objects of 1.5 MB: this is a cluster's worth of them. */
export const MAX_INPUT_MIB = 32;
const MAX_INPUT_BYTES = MAX_INPUT_MIB * 1024 * 1024;

/** What is a manifest in a folder, as for kubectl. */
const MANIFEST = /\.(?:yaml|yml|json)$/;

/**
 * Read files in their order; `-` is standard input, and a folder stands for the manifests in it, by their names.
 * @param recursive with those in its folders
 * @throws {UsageError} for what cannot be read, is too long, or is not UTF-8
 */
export async function* readManifests(
  names: readonly string[] | undefined,
  recursive: boolean,
  terminal: Terminal,
): AsyncGenerator<ManifestInput> {
  if (names === undefined || names.length === 0)
    throw new UsageError('give a file or folder with -f FILE, or -f - for standard input');
  if (names.filter((name) => name === '-').length > 1)
    throw new UsageError('standard input (-f -) can be read only once');
  // All of them first: a name that is not there is said before anything is looked up.
  const files: string[] = [];
  for (const name of names) files.push(...(name === '-' ? [name] : await filesOf(name, recursive)));
  let left = MAX_INPUT_BYTES;
  for (const file of files) {
    const name = file === '-' ? '(standard input)' : file;
    const bytes = await readAll(file === '-' ? terminal.input : createReadStream(file), name, left);
    left -= bytes.length;
    yield { name, text: decode(bytes, name) };
  }
}

async function filesOf(name: string, recursive: boolean): Promise<string[]> {
  try {
    if (!(await stat(name)).isDirectory()) return [name];
    const files = await manifestsIn(name, recursive);
    if (files.length > 0) return files;
  } catch (error) {
    throw cannotRead(name, error);
  }
  const way = recursive ? '' : '; -R looks into its folders too';
  throw new UsageError(`${name} holds no file that ends in .yaml, .yml or .json${way}`);
}

async function manifestsIn(folder: string, recursive: boolean): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files: string[] = [];
  for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) files.push(...(MANIFEST.test(entry.name) ? [path] : []));
    else if (recursive) files.push(...(await manifestsIn(path, true)));
  }
  return files;
}

async function readAll(chunks: AsyncIterable<unknown>, name: string, most: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of chunks) {
      const part = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      if (!(part instanceof Uint8Array)) continue;
      length += part.length;
      if (length > most)
        throw new UsageError(`${name}: the manifests are longer than ${MAX_INPUT_BYTES} bytes`);
      parts.push(part);
    }
  } catch (error) {
    throw error instanceof UsageError ? error : cannotRead(name, error);
  }
  return Buffer.concat(parts, length);
}

function decode(bytes: Buffer, name: string): string {
  try {
    // With its byte order mark, if it has one: it goes out again as it came in.
    return decodeText(bytes, name, true);
  } catch (cause) {
    if (!(cause instanceof TextFileError)) throw cause;
    throw new UsageError(cause.message, { cause });
  }
}

function cannotRead(name: string, cause: unknown): UsageError {
  const { code, message } = unreadable(name, cause);
  return new UsageError(`${message}${hintOf(name, code)}`, { cause });
}

function hintOf(name: string, code: string | undefined): string {
  if (code === 'ENOENT' && /^https?:\/\//.test(name))
    return '; only files are read: curl ADDRESS | curfew inject -f -';
  if (code === 'ENOENT' && /[*?]/.test(name))
    return '; -f takes one file or folder, and may be given several times';
  return '';
}
