/**
 * Azure's container registries: the access token of the webhook's own identity is exchanged at the registry for a refresh token
 * (github.com/Azure/acr, docs/AAD-OAuth.md). The identity is the workload identity (AZURE_FEDERATED_TOKEN_FILE), else the node's
 * managed identity.
 */
import { CredentialCache, cloudJson, cloudText, MAX_CLOUD_BYTES, readTokenFile } from './cloud-identity.ts';
import {
  type Credential,
  type CredentialProvider,
  type CredentialTarget,
  createCredential,
} from './credential.ts';
import { RegistryError } from './error.ts';
import type { Deadline, Transport } from './transport.ts';

const RESOURCE = 'https://management.azure.com/';
/** learn.microsoft.com: how to use managed identities to get an access token */
const METADATA = `/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(RESOURCE)}`;
const METADATA_HOST = '169.254.169.254';
const FORM = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
/** A registry's refresh token is valid for three hours. */
const REFRESH_LIFETIME_S = 3 * 3600;

export class AzureCredentials implements CredentialProvider {
  private readonly transport: Transport;
  private readonly env: NodeJS.ProcessEnv;
  private readonly cache = new CredentialCache();

  /**
   * @param env AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE and AZURE_AUTHORITY_HOST, as the workload identity
   *   webhook sets them; AZURE_POD_IDENTITY_AUTHORITY_HOST stands in for the metadata service, as in Azure's own libraries
   */
  constructor(transport: Transport, env: NodeJS.ProcessEnv) {
    this.transport = transport;
    this.env = env;
  }

  /** @throws {RegistryError} */
  async credentials({ registry }: CredentialTarget, deadline: Deadline): Promise<readonly Credential[]> {
    if (!/\.azurecr\.(io|cn|us)$/.test(registry)) return [];
    const credential = await this.cache.get(registry, async () => {
      const access = await this.accessToken(deadline);
      return this.exchange(`https://${registry}`, registry, access, deadline);
    });
    return [credential];
  }

  /**
   * Exchange an access token for the registry's refresh token.
   * @param origin of the registry
   */
  async exchange(origin: string, registry: string, access: string, deadline: Deadline) {
    const server = `registry ${registry}`;
    const body = new URLSearchParams({
      grant_type: 'access_token',
      service: registry,
      access_token: access,
      ...(this.env.AZURE_TENANT_ID === undefined ? {} : { tenant: this.env.AZURE_TENANT_ID }),
    }).toString();
    const url = new URL('/oauth2/exchange', origin);
    const call = { method: 'POST', url, headers: FORM, body, maxBytes: MAX_CLOUD_BYTES, server } as const;
    const answer = cloudJson(await this.transport.send(call, deadline), server);
    const token = cloudText(answer, 'refresh_token', server);
    return {
      credential: createCredential({ kind: 'identity', token }, "Azure's identity"),
      seconds: REFRESH_LIFETIME_S,
    };
  }

  private async accessToken(deadline: Deadline): Promise<string> {
    const { AZURE_FEDERATED_TOKEN_FILE: file, AZURE_CLIENT_ID: client, AZURE_TENANT_ID: tenant } = this.env;
    if (file === undefined) return this.managedToken(client, deadline);
    if (client === undefined || tenant === undefined)
      throw new RegistryError(
        'image-unauthorized',
        'AZURE_CLIENT_ID or AZURE_TENANT_ID is not set beside AZURE_FEDERATED_TOKEN_FILE',
      );
    const server = "Azure's token server";
    const authority = URL.parse(this.env.AZURE_AUTHORITY_HOST ?? 'https://login.microsoftonline.com/');
    if (authority === null)
      throw new RegistryError('image-unauthorized', 'AZURE_AUTHORITY_HOST is not an address');
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: client,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await readTokenFile(file),
      scope: `${RESOURCE}.default`,
    }).toString();
    const url = new URL(`/${encodeURIComponent(tenant)}/oauth2/v2.0/token`, authority);
    const call = { method: 'POST', url, headers: FORM, body, maxBytes: MAX_CLOUD_BYTES, server } as const;
    return cloudText(cloudJson(await this.transport.send(call, deadline), server), 'access_token', server);
  }

  private async managedToken(client: string | undefined, deadline: Deadline): Promise<string> {
    const server = "Azure's metadata service";
    const base = this.env.AZURE_POD_IDENTITY_AUTHORITY_HOST ?? `http://${METADATA_HOST}`;
    const url = URL.parse(METADATA, base);
    if (url === null)
      throw new RegistryError('image-unauthorized', 'AZURE_POD_IDENTITY_AUTHORITY_HOST is not an address');
    if (client !== undefined) url.searchParams.set('client_id', client);
    const call = {
      method: 'GET',
      url,
      headers: { metadata: 'true' },
      maxBytes: MAX_CLOUD_BYTES,
      server,
    } as const;
    return cloudText(
      cloudJson(await this.transport.sendLocally(call, deadline), server),
      'access_token',
      server,
    );
  }
}
