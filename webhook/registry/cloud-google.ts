/**
 * Google's Artifact Registry and Container Registry: an access token of the webhook's own service account, from the metadata server
 * (cloud.google.com/compute/docs/access/authenticate-workloads). Workload Identity uses the same address.
 */
import { CredentialCache, cloudJson, cloudSeconds, cloudText, MAX_CLOUD_BYTES } from './cloud-identity.ts';
import {
  type Credential,
  type CredentialProvider,
  type CredentialTarget,
  createCredential,
} from './credential.ts';
import type { Deadline, Transport } from './transport.ts';

const PATH = '/computeMetadata/v1/instance/service-accounts/default/token';
/** cloud.google.com/artifact-registry/docs/docker/authentication */
const TOKEN_USER = 'oauth2accesstoken';

export class GoogleCredentials implements CredentialProvider {
  private readonly transport: Transport;
  private readonly url: URL;
  private readonly cache = new CredentialCache();

  /** @param env GCE_METADATA_HOST replaces the metadata server's host, as in Google's own libraries */
  constructor(transport: Transport, env: NodeJS.ProcessEnv) {
    this.transport = transport;
    this.url = new URL(PATH, `http://${env.GCE_METADATA_HOST ?? 'metadata.google.internal'}`);
  }

  /** @throws {RegistryError} */
  async credentials({ registry }: CredentialTarget, deadline: Deadline): Promise<readonly Credential[]> {
    if (!/(^|\.)(gcr\.io|pkg\.dev)$/.test(registry)) return [];
    const server = "Google's metadata server";
    const credential = await this.cache.get('', async () => {
      const headers = { 'metadata-flavor': 'Google' };
      const call = { method: 'GET', url: this.url, headers, maxBytes: MAX_CLOUD_BYTES, server } as const;
      const answer = cloudJson(await this.transport.sendLocally(call, deadline), server);
      const password = cloudText(answer, 'access_token', server);
      return {
        credential: createCredential({ kind: 'basic', username: TOKEN_USER, password }, "Google's identity"),
        seconds: cloudSeconds(answer, 'expires_in', 60),
      };
    });
    return [credential];
  }
}
