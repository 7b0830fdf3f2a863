/** A look-up for a test, asked for one image of one pod at a time. */
import { IMAGES, type ImagesConfig } from '../../../webhook/config/images.ts';
import type { ImageAnswer, ImageConfig, ImageFailure } from '../../../webhook/decision/images.ts';
import { parsePod } from '../../../webhook/decision/pod.ts';
import type { FoundBy } from '../../../webhook/images/finder.ts';
import type { PullSecret, SecretReader } from '../../../webhook/images/pull-secrets.ts';
import { createImageService, type ImageServiceOptions } from '../../../webhook/images/service.ts';

export interface AskOptions {
  namespace?: string;
  secrets?: string[];
  policy?: string;
  /** More of the pod's spec. */
  spec?: object;
  signal?: AbortSignal;
}

export interface Asked {
  /** Look up one image. */
  ask(image: string, options?: AskOptions): Promise<ImageAnswer>;
  /** The calls of the observer. */
  results: { registry: string; result: FoundBy | ImageFailure }[];
  close(): void;
}

/** @param config the section `images`, as it is in the file */
export function imageLookup(config: object, options: ImageServiceOptions = {}): Asked {
  const results: Asked['results'] = [];
  const parsed: ImagesConfig = IMAGES.parse(config);
  const service = createImageService(parsed, {
    env: {},
    observer: { lookedUp: (registry, result) => results.push({ registry, result }) },
    ...options,
  });
  return {
    results,
    close: () => service.close(),
    ask: async (image, { namespace = 'shop', secrets = [], policy, spec = {}, signal } = {}) => {
      const container = { name: 'app', image, ...(policy === undefined ? {} : { imagePullPolicy: policy }) };
      const imagePullSecrets = secrets.map((name) => ({ name }));
      const pod = parsePod({ spec: { containers: [container], imagePullSecrets, ...spec } });
      const answers = await service.lookUp(
        [{ container: 'app', image }],
        namespace,
        pod,
        signal ?? AbortSignal.timeout(60_000),
      );
      const answer = answers.get('app');
      if (answer === undefined) throw new Error('no answer');
      return answer;
    },
  };
}

/** An answer's configuration. @throws with the refusal's message */
export function configOf(answer: ImageAnswer): ImageConfig {
  if (!answer.ok) throw new Error(`${answer.reason}: ${answer.message}`);
  return answer.config;
}

/** The text of a docker configuration for these hosts. */
export function dockerAuths(auths: Record<string, string>): string {
  const entries = Object.entries(auths).map(([host, pair]) => [
    host,
    { auth: Buffer.from(pair).toString('base64') },
  ]);
  return JSON.stringify({ auths: Object.fromEntries(entries) });
}

/** A pull secret. @param auths `user:password` by host */
export function pullSecret(name: string, auths: Record<string, string>): PullSecret {
  const data = { '.dockerconfigjson': Buffer.from(dockerAuths(auths)).toString('base64') };
  return { name, type: 'kubernetes.io/dockerconfigjson', data };
}

/** A cluster's pull secrets in memory. `reads` lists the secrets that were read. */
export function secretsOf(byNamespace: Record<string, PullSecret[]>): SecretReader & { reads: string[] } {
  const reads: string[] = [];
  return {
    reads,
    pullSecrets: async (namespace, names) =>
      names.flatMap((name) => {
        const found = byNamespace[namespace]?.find((secret) => secret.name === name);
        if (found !== undefined) reads.push(`${namespace}/${name}`);
        return found ?? [];
      }),
  };
}
