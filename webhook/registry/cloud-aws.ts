/**
 * Amazon's ECR: a password for an account's registry, good for twelve hours, by GetAuthorizationToken
 * (docs.aws.amazon.com/AmazonECR/latest/APIReference), signed with the keys of the identity that the webhook runs as.
 */

import { isRecord, member } from '../shared/json.ts';
import { AwsKeysSource } from './aws-keys.ts';
import { signAwsRequest } from './aws-signature.ts';
import { cloudJson, cloudText, LastingCredentials, MAX_CLOUD_BYTES } from './cloud-identity.ts';
import {
  type Credential,
  type CredentialProvider,
  type CredentialTarget,
  credentialFrom,
} from './credential.ts';
import { RegistryError } from './error.ts';
import type { Deadline, Transport } from './transport.ts';

/** As in kubernetes/cloud-provider-aws, cmd/ecr-credential-provider. */
const REGISTRY =
  /^(\d{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9][a-z0-9-]*)\.(amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)$/;
const TARGET = 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken';
const LIFE_S = 12 * 3600;

export class AwsCredentials implements CredentialProvider {
  private readonly transport: Transport;
  private readonly env: NodeJS.ProcessEnv;
  private readonly keys: AwsKeysSource;
  private readonly known = new LastingCredentials();

  /** @param env AWS_* as Amazon's own libraries read them, AWS_ENDPOINT_URL_ECR among them */
  constructor(transport: Transport, env: NodeJS.ProcessEnv) {
    this.transport = transport;
    this.env = env;
    this.keys = new AwsKeysSource(transport, env);
  }

  /** @throws {RegistryError} */
  async credentials({ registry }: CredentialTarget, deadline: Deadline): Promise<readonly Credential[]> {
    const [, account, fips = '', region, domain] = REGISTRY.exec(registry) ?? [];
    if (account === undefined || region === undefined || domain === undefined) return [];
    const credential = await this.known.get(`${account} ${region}`, async () => {
      const china = domain.endsWith('.cn') ? '.cn' : '';
      const standard = `https://${fips === '' ? 'api.ecr' : 'ecr-fips'}.${region}.amazonaws.com${china}/`;
      return { credential: await this.password(account, region, standard, deadline), seconds: LIFE_S };
    });
    return [credential];
  }

  private async password(
    account: string,
    region: string,
    standard: string,
    deadline: Deadline,
  ): Promise<Credential> {
    const who = "Amazon's ECR";
    const keys = await this.keys.get(region, deadline);
    const url = URL.parse(this.env.AWS_ENDPOINT_URL_ECR ?? standard);
    if (url === null) throw new RegistryError('image-unauthorized', 'AWS_ENDPOINT_URL_ECR is no address');
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
      keys,
      new Date(),
    );
    const call = { method: 'POST', url, headers, body, maxBytes: MAX_CLOUD_BYTES, who } as const;
    const answer = cloudJson(await this.transport.send(call, deadline), who);
    const data = member(answer, 'authorizationData');
    const [first] = Array.isArray(data) ? data : [];
    const pair = Buffer.from(
      cloudText(isRecord(first) ? first : {}, 'authorizationToken', who),
      'base64',
    ).toString();
    const colon = pair.indexOf(':');
    if (colon < 0) throw new RegistryError('image-unreachable', `${who} sent no password`);
    const [username, password] = [pair.slice(0, colon), pair.slice(colon + 1)];
    return credentialFrom({ kind: 'basic', username, password }, "Amazon's identity");
  }
}
