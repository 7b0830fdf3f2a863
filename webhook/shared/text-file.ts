/** Small text files that somebody names: read whole, bounded whatever they are (a pipe, a device), and UTF-8. */
import { open } from 'node:fs/promises';

/** The message is a clause that begins with the file's name. It quotes nothing of what the file holds. */
export class TextFileError extends Error {
  override name = 'TextFileError';
  /** The system's, such as ENOENT. */
  readonly code: string | undefined;

  constructor(message: string, code?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const WAYS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
  EPERM: 'you may not read it',
};

/** Why a file cannot be read, from whatever reading it threw. @param name as it was given */
export function unreadable(name: string, cause: unknown): TextFileError {
  const code =
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  const way = code !== undefined && Object.hasOwn(WAYS, code) ? `: ${WAYS[code]}` : '';
  const shown = name === '' ? '""' : name;
  return new TextFileError(`${shown} cannot be read (${code ?? 'unknown error'})${way}`, code, { cause });
}

/**
 * Read a file. Its byte order mark is left out.
 * @param most bytes; a longer file is an error, and is not read further
 * @throws {TextFileError}
 */
export async function readTextFile(name: string, most: number): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    const handle = await open(name);
    try {
      let length = 0;
      // Not by its size, which a device has not.
      for await (const chunk of handle.createReadStream({ end: most, autoClose: false })) {
        if (!Buffer.isBuffer(chunk)) continue;
        chunks.push(chunk);
        length += chunk.length;
      }
      if (length > most) throw new TextFileError(`${name} is longer than ${most} bytes`);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw error instanceof TextFileError ? error : unreadable(name, error);
  }
  return decodeText(Buffer.concat(chunks), name);
}

/**
 * @param keepMark whether a byte order mark stays in the text
 * @throws {TextFileError} for what is not UTF-8
 */
export function decodeText(bytes: Uint8Array, name: string, keepMark = false): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: keepMark }).decode(bytes);
  } catch (cause) {
    const [first, second] = bytes;
    const wide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
    const way = wide ? ": it looks like UTF-16, which PowerShell's > writes; save it as UTF-8" : '';
    throw new TextFileError(`${name} is not UTF-8 text${way}`, undefined, { cause });
  }
}
