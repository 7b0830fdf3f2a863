/** Reads small UTF-8 text files that a user names. The size is bounded for pipes and devices too. */
import { open } from 'node:fs/promises';

/** The message is a clause that begins with the file's name. It quotes nothing of the file's content. */
export class TextFileError extends Error {
  override name = 'TextFileError';
  /** The system's error code, such as ENOENT. */
  readonly code: string | undefined;

  constructor(message: string, code?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
  EPERM: 'you may not read it',
};

/** The error for a file that cannot be read. @param name as the user gave it @param cause any error of reading it */
export function unreadable(name: string, cause: unknown): TextFileError {
  const code =
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  const reason = code !== undefined && Object.hasOwn(REASONS, code) ? `: ${REASONS[code]}` : '';
  const shown = name === '' ? '""' : name;
  return new TextFileError(`${shown} cannot be read (${code ?? 'unknown error'})${reason}`, code, { cause });
}

/**
 * Read a file, without its byte order mark.
 * @param most the limit in bytes; a longer file is an error, and is not read further
 * @throws {TextFileError}
 */
export async function readTextFile(name: string, most: number): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    const handle = await open(name);
    try {
      let length = 0;
      // The size in the file's metadata is not used, because a device has none.
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
 * Decode UTF-8.
 * @param keepMark whether a byte order mark is kept
 * @throws {TextFileError} where the bytes are not UTF-8
 */
export function decodeText(bytes: Uint8Array, name: string, keepMark = false): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: keepMark }).decode(bytes);
  } catch (cause) {
    const [first, second] = bytes;
    const wide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
    const hint = wide ? ": it looks like UTF-16, which PowerShell's > writes; save it as UTF-8" : '';
    throw new TextFileError(`${name} is not UTF-8 text${hint}`, undefined, { cause });
  }
}
