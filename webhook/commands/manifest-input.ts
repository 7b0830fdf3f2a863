/**
 * The files of `-f`, read whole and bounded.
 */
import { createReadStream } from 'node:fs';
import { decodeText, TextFileError, unreadable } from '../shared/text-file.ts';
import { UsageError } from '../shared/usage-error.ts';
import type { Terminal } from './terminal.ts';

export interface ManifestInput {
  /** The file's name as it was given, or `(standard input)`. */
  name: string;
  text: string;
}

/** All files together. etcd takes objects of 1.5 MB: this is a cluster's worth of them. */
export const MAX_INPUT_BYTES = 32 * 1024 * 1024;

/**
 * Read files in their order; `-` is standard input.
 * @throws {UsageError} for what cannot be read, is too long, or is not UTF-8
 */
export async function readManifests(
  files: readonly string[] | undefined,
  terminal: Terminal,
): Promise<ManifestInput[]> {
  if (files === undefined || files.length === 0)
    throw new UsageError('give a file with -f FILE, or -f - for standard input');
  if (files.filter((file) => file === '-').length > 1)
    throw new UsageError('standard input (-f -) can be read only once');
  const inputs: ManifestInput[] = [];
  let left = MAX_INPUT_BYTES;
  for (const file of files) {
    const name = file === '-' ? '(standard input)' : file;
    const bytes = await readAll(file === '-' ? terminal.input : createReadStream(file), name, left);
    left -= bytes.length;
    inputs.push({ name, text: decode(bytes, name) });
  }
  return inputs;
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
    if (error instanceof UsageError) throw error;
    const { code, message } = unreadable(name, error);
    throw new UsageError(`${message}${hintOf(name, code)}`, { cause: error });
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

function hintOf(name: string, code: string | undefined): string {
  if (code === 'EISDIR') return ', give its files one by one';
  if (code === 'ENOENT' && /^https?:\/\//.test(name))
    return '; only files are read: curl ADDRESS | curfew inject -f -';
  if (code === 'ENOENT' && /[*?]/.test(name)) return '; -f takes one file, and may be given several times';
  return '';
}
