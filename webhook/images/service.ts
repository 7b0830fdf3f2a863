/** The image look-up that a configuration describes, assembled from its parts. */
import type { Cloud, ImagesConfig } from '../config/images.ts';
import type { ImageLookup } from '../decision/images.ts';
import type { PodView } from '../decision/pod.ts';
import { Authorizer } from '../registry/auth.ts';
import { RegistryClient } from '../registry/client.ts';
import { AwsCredentials } from '../registry/cloud-aws.ts';
import { AzureCredentials } from '../registry/cloud-azure.ts';
import { GoogleCredentials } from '../registry/cloud-google.ts';
import { type CredentialProvider, CredentialsToTry } from '../registry/credential.ts';
import { DockerConfigFile } from '../registry/docker-config.ts';
import { Transport } from '../registry/transport.ts';
import { ImageFinder, type PodCredentials } from './finder.ts';
import { ConfiguredLookup, type ImageObserver, type KnownIn, type RegistryLookup } from './lookup.ts';
import { PullSecretCredentials, type SecretReader } from './pull-secrets.ts';
import { ImageResolver } from './resolver.ts';

export interface ImageServiceOptions {
  observer?: ImageObserver | undefined;
  /** What a namespace's own settings say; counts more than the configuration. */
  knownIn?: KnownIn | undefined;
  /** Reads the pull secrets; undefined: there is no cluster to read them in. */
  secrets?: SecretReader | undefined;
  /** Further docker configurations, after the configured one. */
  dockerConfigs?: readonly CredentialProvider[];
  /** See {@link RegistryLookup}. Default: to give the pod a pull secret, or the webhook a credential. */
  credentialHint?: (registry: string) => string;
  /** HTTP(S)_PROXY, NO_PROXY, and the variables of the clouds' identities. */
  env?: NodeJS.ProcessEnv;
  /** The cache's clock, in milliseconds. */
  now?: () => number;
}

export interface ImageService extends ImageLookup {
  /** Close all connections. */
  close(): void;
}

const podHint = () => 'give it an imagePullSecret that may read it';
const webhookHint = () =>
  "give the webhook a credential that may read it (in its configuration, images.defaultPullSecret, images.dockerConfig or images.cloud), or let it read the pod's (images.pullSecrets; in the chart rbac.pullSecretNamespaces)";

/** Create the look-up. It sends no request and reads no file yet. */
export function createImageService(config: ImagesConfig, options: ImageServiceOptions = {}): ImageService {
  const transport = config.mode === 'registry' ? new Transport(options.env) : undefined;
  const registry = transport && registryLookup(config, transport, options);
  const lookup = new ConfiguredLookup(config.entrypoints, registry, options);
  return {
    lookUp: (...request) => lookup.lookUp(...request),
    close: () => transport?.close(),
  };
}

function registryLookup(
  config: ImagesConfig,
  transport: Transport,
  options: ImageServiceOptions,
): RegistryLookup {
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
  const shared: CredentialProvider[] = [
    ...(config.dockerConfig === undefined ? [] : [new DockerConfigFile(config.dockerConfig)]),
    ...dockerConfigs,
    ...config.cloud.map((cloud) => cloudCredentials(cloud, transport, env)),
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
  const credentialsOf = (namespace: string, pod: PodView): PodCredentials => {
    const { imagePullSecrets, serviceAccountName = 'default' } = pod;
    // The API server copies the service account's pull secrets into a pod that names none, and only into such a pod.
    const account = imagePullSecrets.length > 0 ? undefined : serviceAccountName;
    const names = { namespace, podSecretNames: imagePullSecrets, serviceAccountName: account };
    return {
      key: reader === undefined ? '' : JSON.stringify([namespace, imagePullSecrets, account]),
      toTry: () =>
        new CredentialsToTry([
          ...(reader === undefined ? [] : [new PullSecretCredentials(reader, names)]),
          ...defaultSecret(),
          ...shared,
        ]),
    };
  };
  const { credentialHint = reader === undefined ? webhookHint : podHint } = options;
  return { finder, credentialsOf, credentialHint, hosts: config.hosts, machines: config.machines };
}

/** Credentials of the identity that the webhook itself runs under at a cloud. They need no secret of the pod. */
function cloudCredentials(cloud: Cloud, transport: Transport, env: NodeJS.ProcessEnv): CredentialProvider {
  switch (cloud) {
    case 'google':
      return new GoogleCredentials(transport, env);
    case 'azure':
      return new AzureCredentials(transport, env);
    case 'aws':
      return new AwsCredentials(transport, env);
  }
}
