/**
 * The keys of the AWS identity that the webhook runs as, in the order of Amazon's own libraries
 * (docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html): the environment, a service account's role (IRSA), the
 * container's (EKS Pod Identity), the node's (IMDSv2).
 */
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import type { AwsKeys } from './aws-signature.ts';
import { cloudJson, cloudText, MAX_CLOUD_BYTES, tokenFile } from './cloud-identity.ts';
import { RegistryError } from './error.ts';
import type { Deadline, Transport } from './transport.ts';

/** Of a container's keys; the address is of the node itself. */
const CONTAINER_HOST = 'http://169.254.170.2';
/** Plain HTTP goes only to these: loopback, ECS's and EKS's addresses on the node. */
const LOCAL = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|169\.254\.170\.(?:2|23)|\[fd00:ec2::23\])$/;
const NODE_HOST = 'http://169.254.169.254';
const NODE_TOKEN_SECONDS = '60';

/** Asked anew for each password of a registry, which is good for hours. */
export class AwsKeysSource {
  private readonly transport: Transport;
  private readonly env: NodeJS.ProcessEnv;

  constructor(transport: Transport, env: NodeJS.ProcessEnv) {
    this.transport = transport;
    this.env = env;
  }

  /** @param region of the registry, for the token service where the environment names none @throws {RegistryError} */
  async get(region: string, deadline: Deadline): Promise<AwsKeys> {
    const { env } = this;
    const {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    } = env;
    if (accessKeyId !== undefined && secretAccessKey !== undefined)
      return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    const { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: role } = env;
    if (file !== undefined && role !== undefined) return this.ofServiceAccount(file, role, region, deadline);
    const { AWS_CONTAINER_CREDENTIALS_FULL_URI: full, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative } =
      env;
    if (full !== undefined || relative !== undefined)
      return this.ofContainer(URL.parse(relative ?? full ?? '', CONTAINER_HOST), deadline);
    return this.ofNode(deadline);
  }

  private async ofServiceAccount(
    file: string,
    role: string,
    region: string,
    deadline: Deadline,
  ): Promise<AwsKeys> {
    const who = "Amazon's token service";
    const own = this.env.AWS_REGION ?? region;
    const china = own.startsWith('cn-') ? '.cn' : '';
    const url = URL.parse(this.env.AWS_ENDPOINT_URL_STS ?? `https://sts.${own}.amazonaws.com${china}/`);
    if (url === null) throw new RegistryError('image-unauthorized', 'AWS_ENDPOINT_URL_STS is no address');
    const body = new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: role,
      RoleSessionName: this.env.AWS_ROLE_SESSION_NAME ?? 'curfew',
      WebIdentityToken: await tokenFile(file),
    }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    const call = { method: 'POST', url, headers, body, maxBytes: MAX_CLOUD_BYTES, who } as const;
    let at: unknown = cloudJson(await this.transport.send(call, deadline), who);
    for (const key of ['AssumeRoleWithWebIdentityResponse', 'AssumeRoleWithWebIdentityResult', 'Credentials'])
      at = isRecord(at) ? member(at, key) : undefined;
    return keysOf(isRecord(at) ? at : {}, 'SessionToken', who);
  }

  private async ofContainer(url: URL | null, deadline: Deadline): Promise<AwsKeys> {
    const who = "the container's AWS identity";
    const local = url !== null && url.protocol === 'http:' && LOCAL.test(url.hostname);
    if (url === null || !(local || url.protocol === 'https:'))
      throw new RegistryError(
        'image-unauthorized',
        'AWS_CONTAINER_CREDENTIALS_FULL_URI is no address of this node',
      );
    const { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file, AWS_CONTAINER_AUTHORIZATION_TOKEN: token } =
      this.env;
    const authorization = file === undefined ? token : await tokenFile(file);
    const headers = authorization === undefined ? {} : { authorization };
    const call = { method: 'GET', url, headers, maxBytes: MAX_CLOUD_BYTES, who } as const;
    const answer = local
      ? await this.transport.sendLocally(call, deadline)
      : await this.transport.send(call, deadline);
    return keysOf(cloudJson(answer, who), 'Token', who);
  }

  private async ofNode(deadline: Deadline): Promise<AwsKeys> {
    const who = "Amazon's metadata service";
    const base = this.env.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? NODE_HOST;
    const send = async (method: 'GET' | 'PUT', path: string, headers: Record<string, string>) => {
      const url = URL.parse(path, base);
      if (url === null)
        throw new RegistryError('image-unauthorized', 'AWS_EC2_METADATA_SERVICE_ENDPOINT is no address');
      return this.transport.sendLocally({ method, url, headers, maxBytes: MAX_CLOUD_BYTES, who }, deadline);
    };
    const text = async (...asked: Parameters<typeof send>) => {
      const { status, body } = await send(...asked);
      if (status !== 200) throw new RegistryError('image-unauthorized', `${who} answered ${status}`);
      return body.toString('utf8').trim();
    };
    const token = await text('PUT', '/latest/api/token', {
      'x-aws-ec2-metadata-token-ttl-seconds': NODE_TOKEN_SECONDS,
    });
    const headers = { 'x-aws-ec2-metadata-token': token };
    const path = '/latest/meta-data/iam/security-credentials/';
    const [role = ''] = (await text('GET', path, headers)).split('\n', 1);
    return keysOf(cloudJson(await send('GET', path + encodeURIComponent(role), headers), who), 'Token', who);
  }
}

function keysOf(record: JsonRecord, tokenKey: string, who: string): AwsKeys {
  return {
    accessKeyId: cloudText(record, 'AccessKeyId', who),
    secretAccessKey: cloudText(record, 'SecretAccessKey', who),
    sessionToken: cloudText(record, tokenKey, who),
  };
}
