/**
 * Amazon's ECR: the password for an account's registries, valid for twelve hours, from GetAuthorizationToken
 * (docs.aws.amazon.com/AmazonECR/latest/APIReference). The call is signed with the access key of the webhook's own identity.
 */

import { isRecord, member } from '../shared/json.ts';
import { AwsAccessKeySource } from './aws-access-key.ts';
import { signAwsRequest } from './aws-signature.ts';
import { CredentialCache, cloudJson, cloudText, MAX_CLOUD_BYTES } from './cloud-identity.ts';
import {
  type Credential,
  type CredentialProvider,
  type CredentialTarget,
  createCredential,
} from './credential.ts';
import { RegistryError } from './error.ts';
import type { Deadline, Transport } from './transport.ts';

/** From kubernetes/cloud-provider-aws, cmd/ecr-credential-provider. */
const REGISTRY =
  /^(\d{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9][a-z0-9-]*)\.(amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)$/;
const TARGET = 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken';
const LIFETIME_S = 12 * 3600;

export class AwsCredentials implements CredentialProvider {
  private readonly transport: Transport;
  private readonly env: NodeJS.ProcessEnv;
  private readonly accessKeys: AwsAccessKeySource;
  private readonly cache = new CredentialCache();

  /** @param env the variables of Amazon's own libraries: AWS_*, with AWS_ENDPOINT_URL_ECR */
  constructor(transport: Transport, env: NodeJS.ProcessEnv) {
    this.transport = transport;
    this.env = env;
    this.accessKeys = new AwsAccessKeySource(transport, env);
  }

  /** @throws {RegistryError} */
  async credentials({ registry }: CredentialTarget, deadline: Deadline): Promise<readonly Credential[]> {
    const [, account, fips = '', region, domain] = REGISTRY.exec(registry) ?? [];
    if (account === undefined || region === undefined || domain === undefined) return [];
    const credential = await this.cache.get(`${account} ${region}`, async () => {
      const china = domain.endsWith('.cn') ? '.cn' : '';
      const standard = `https://${fips === '' ? 'api.ecr' : 'ecr-fips'}.${region}.amazonaws.com${china}/`;
      return { credential: await this.password(account, region, standard, deadline), seconds: LIFETIME_S };
    });
    return [credential];
  }

  private async password(
    account: string,
    region: string,
    standard: string,
    deadline: Deadline,
  ): Promise<Credential> {
    const server = "Amazon's ECR";
    const accessKey = await this.accessKeys.get(region, deadline);
    const url = URL.parse(this.env.AWS_ENDPOINT_URL_ECR ?? standard);
    if (url === null) throw new RegistryError('image-unauthorized', 'AWS_ENDPOINT_URL_ECR is not an address');
    const body = JSON.stringify({ registryIds: [account] });
    const headers = signAwsRequest(
      {
        method: 'POST',
        url,
        headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': TARGET },
        body,
        region,
        service: 'ecr',
      },
      accessKey,
      new Date(),
    );
    const call = { method: 'POST', url, headers, body, maxBytes: MAX_CLOUD_BYTES, server } as const;
    const answer = cloudJson(await this.transport.send(call, deadline), server);
    const data = member(answer, 'authorizationData');
    const [first] = Array.isArray(data) ? data : [];
    const pair = Buffer.from(
      cloudText(isRecord(first) ? first : {}, 'authorizationToken', server),
      'base64',
    ).toString();
    const colon = pair.indexOf(':');
    if (colon < 0) throw new RegistryError('image-unreachable', `${server} sent no password`);
    const [username, password] = [pair.slice(0, colon), pair.slice(colon + 1)];
    return createCredential({ kind: 'basic', username, password }, "Amazon's identity");
  }
}
