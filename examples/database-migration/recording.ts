/** What was seen of a pod: what the terminal, the page and the picture of the demo are made of. */
import { z } from 'zod';

/** What a container did, or what its shim or its program said. */
export const DEEDS = [
  /** The kubelet (here: the demo) started it. */
  'started',
  /** Its shim waits for the sidecars. */
  'waiting',
  /** Its shim has started the command, which is not ready yet. */
  'starting',
  /** Its shim has found the command ready: the next container may start. */
  'ready',
  /** Its shim runs the command of a main. */
  'running',
  /** Its command ended and is started again after a pause. */
  'resting',
  /** Its shim has told the others of its end. */
  'told',
  /** A line of the program's own. */
  'said',
  'ended',
  /** It ran on when the demo had watched it for long enough. */
  'unending',
  /** The demo killed it. */
  'cut',
] as const;

const EVENT = z.strictObject({
  /** Milliseconds since the pod's first container was started. */
  at: z.int().min(0).max(3_600_000),
  container: z.string().max(63),
  deed: z.enum(DEEDS),
  /** As the terminal shows it. */
  text: z.string().max(4_096),
  /** With `ended`: the exit code. */
  code: z.int().optional(),
});

const RECORDING = z.strictObject({
  title: z.string().max(100),
  /** What came of it, in a sentence, and of the Job in a word or three. */
  verdict: z.string().max(200),
  outcome: z.string().max(40),
  /** Whether the pod ended by itself. */
  complete: z.boolean(),
  /** In the order in which they stand in the pod. */
  containers: z
    .array(z.strictObject({ name: z.string().max(63), role: z.enum(['init', 'sidecar', 'main']) }))
    .min(1)
    .max(20),
  events: z.array(EVENT).max(1_000),
});

/** A whole run of the demo. */
const RUN = z.strictObject({ withCurfew: RECORDING, without: RECORDING });

export type Deed = (typeof DEEDS)[number];
export type TimelineEvent = z.infer<typeof EVENT>;
export type Recording = z.infer<typeof RECORDING>;
export type Run = z.infer<typeof RUN>;

/** A run from the JSON that `npm run demo -- --record FILE` writes. @throws where it is none, with the place */
export function parseRun(json: string, file: string): Run {
  const { data, error } = RUN.safeParse(JSON.parse(json));
  if (error !== undefined) throw new Error(`${file} is no recording of the demo:\n${z.prettifyError(error)}`);
  return data;
}
