/** The image look-up that a configuration asks for, put together. */
import type { ImagesConfig } from '../config/images.ts';
import type { ImageLookup } from '../decision/images.ts';
import type { PodView } from '../decision/pod.ts';
import { Authorizer } from '../registry/auth.ts';
import { RegistryClient } from '../registry/client.ts';
import type { CredentialProvider } from '../registry/credential.ts';
import { CredentialChain } from '../registry/credential-chain.ts';
import { DockerConfigFile } from '../registry/docker-config.ts';
import { Transport } from '../registry/transport.ts';
import { cloudProvider } from './cloud-provider.ts';
import { type Asker, ImageFinder } from './finder.ts';
import { ConfiguredLookup, type ImageObserver, type RegistrySide } from './lookup.ts';
import { PullSecretCredentials, type SecretReader } from './pull-secrets.ts';
import { ImageResolver } from './resolver.ts';

export interface ImageServiceOptions {
  observer?: ImageObserver;
  /** Reads the pull secrets; undefined: there is no cluster to read them in. */
  secrets?: SecretReader | undefined;
  /** Further docker configurations, after the configured one. */
  dockerConfigs?: readonly CredentialProvider[];
  /** See {@link RegistrySide}; given where it is neither the pod's pull secrets nor the webhook's own credentials. */
  wayIn?: (registry: string) => string;
  /** HTTP(S)_PROXY, NO_PROXY, and what the clouds' identities say. */
  env?: NodeJS.ProcessEnv;
  /** The cache's clock, in milliseconds. */
  now?: () => number;
}

export interface ImageService extends ImageLookup {
  /** Hang up. */
  close(): void;
}

const pullSecret = () => 'give it an imagePullSecret that may read it';
const webhooksOwn = () =>
  'give the webhook a credential that may read it (images.defaultPullSecret, images.dockerConfig, images.cloud)';

/** Put the look-up together. Nothing is asked or read yet. */
export function createImageService(config: ImagesConfig, options: ImageServiceOptions = {}): ImageService {
  const transport = config.mode === 'registry' ? new Transport(options.env) : undefined;
  const side = transport && registrySide(config, transport, options);
  const lookup = new ConfiguredLookup(config.entrypoints, side, options.observer);
  return {
    lookUp: (...asked) => lookup.lookUp(...asked),
    close: () => transport?.close(),
  };
}

function registrySide(
  config: ImagesConfig,
  transport: Transport,
  options: ImageServiceOptions,
): RegistrySide {
  const { env = process.env, secrets, now, dockerConfigs = [] } = options;
  const { fresh, stale, failures, entries, bytes } = config.cache;
  const client = new RegistryClient(transport, new Authorizer(transport));
  const resolver = new ImageResolver(client, config.registries, { entries, bytes }, now);
  const finder = new ImageFinder(
    resolver,
    { fresh, stale, failures, entries, bytes, timeout: config.timeout },
    now,
  );
  const reader = config.pullSecrets ? secrets : undefined;
  const everybodys: CredentialProvider[] = [
    ...(config.dockerConfig === undefined ? [] : [new DockerConfigFile(config.dockerConfig)]),
    ...dockerConfigs,
    ...config.cloud.map((cloud) => cloudProvider(cloud, transport, env)),
  ];
  const defaultSecret = (): CredentialProvider[] => {
    const [namespace, name] = config.defaultPullSecret?.split('/', 2) ?? [];
    return secrets === undefined || namespace === undefined || name === undefined
      ? []
      : [
          new PullSecretCredentials(secrets, {
            namespace,
            podSecretNames: [name],
            serviceAccountName: undefined,
          }),
        ];
  };
  const askerOf = (namespace: string, pod: PodView): Asker => {
    const { imagePullSecrets, serviceAccountName = 'default' } = pod;
    // The API server copies the service account's into a pod that names none; into one that does, it does not.
    const account = imagePullSecrets.length > 0 ? undefined : serviceAccountName;
    const names = { namespace, podSecretNames: imagePullSecrets, serviceAccountName: account };
    return {
      key: reader === undefined ? '' : JSON.stringify([namespace, imagePullSecrets, account]),
      chain: () =>
        new CredentialChain([
          ...(reader === undefined ? [] : [new PullSecretCredentials(reader, names)]),
          ...defaultSecret(),
          ...everybodys,
        ]),
    };
  };
  const { wayIn = reader === undefined ? webhooksOwn : pullSecret } = options;
  return { finder, askerOf, wayIn, hosts: config.hosts, machines: config.machines };
}
