/** What `load.ts` uses of autocannon, which brings no types. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  export interface Options {
    url: string;
    connections: number;
    /** Seconds. */
    duration: number;
    requests: Request[];
  }

  export interface Request {
    method: 'POST';
    headers: Record<string, string>;
    body?: string;
    /** Called before each request is sent; what it returns is sent. */
    setupRequest?(request: Request): Request;
  }

  export interface Result {
    errors: number;
    timeouts: number;
    non2xx: number;
    /** Seconds. */
    duration: number;
    requests: { total: number };
  }

  /** Emits `response` with (client, status, bytes, milliseconds). */
  export type Run = EventEmitter & PromiseLike<Result>;

  export default function autocannon(options: Options): Run;
}
