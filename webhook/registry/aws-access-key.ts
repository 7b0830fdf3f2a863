/**
 * The access key of the webhook's own AWS identity, from the first source that has one, in the order of Amazon's own libraries
 * (docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html): the environment, a service account's role (IRSA), the
 * container's (EKS Pod Identity), the node's (IMDSv2).
 */
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import type { AwsAccessKey } from './aws-signature.ts';
import { cloudJson, cloudText, MAX_CLOUD_BYTES, readTokenFile } from './cloud-identity.ts';
import { RegistryError } from './error.ts';
import type { Deadline, Transport } from './transport.ts';

/** The host of AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: an address of the node itself. */
const CONTAINER_HOST = 'http://169.254.170.2';
/** The only hosts that may be asked over plain HTTP: loopback, and ECS's and EKS's addresses on the node. */
const LOCAL = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|169\.254\.170\.(?:2|23)|\[fd00:ec2::23\])$/;
const NODE_HOST = 'http://169.254.169.254';
const NODE_TOKEN_SECONDS = '60';

/** Fetches the access key. It is not cached: it is used for a registry's password, which is valid for hours. */
export class AwsAccessKeySource {
  private readonly transport: Transport;
  private readonly env: NodeJS.ProcessEnv;

  constructor(transport: Transport, env: NodeJS.ProcessEnv) {
    this.transport = transport;
    this.env = env;
  }

  /** @param region the registry's, used for the token service where AWS_REGION is not set @throws {RegistryError} */
  async get(region: string, deadline: Deadline): Promise<AwsAccessKey> {
    const { env } = this;
    const {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    } = env;
    if (accessKeyId !== undefined && secretAccessKey !== undefined)
      return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    const { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: role } = env;
    if (file !== undefined && role !== undefined)
      return this.fromServiceAccount(file, role, region, deadline);
    const { AWS_CONTAINER_CREDENTIALS_FULL_URI: full, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative } =
      env;
    if (full !== undefined || relative !== undefined)
      return this.fromContainer(URL.parse(relative ?? full ?? '', CONTAINER_HOST), deadline);
    return this.fromNode(deadline);
  }

  private async fromServiceAccount(
    file: string,
    role: string,
    region: string,
    deadline: Deadline,
  ): Promise<AwsAccessKey> {
    const server = "Amazon's token service";
    const own = this.env.AWS_REGION ?? region;
    const china = own.startsWith('cn-') ? '.cn' : '';
    const url = URL.parse(this.env.AWS_ENDPOINT_URL_STS ?? `https://sts.${own}.amazonaws.com${china}/`);
    if (url === null) throw new RegistryError('image-unauthorized', 'AWS_ENDPOINT_URL_STS is not an address');
    const body = new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: role,
      RoleSessionName: this.env.AWS_ROLE_SESSION_NAME ?? 'curfew',
      WebIdentityToken: await readTokenFile(file),
    }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    const call = { method: 'POST', url, headers, body, maxBytes: MAX_CLOUD_BYTES, server } as const;
    let at: unknown = cloudJson(await this.transport.send(call, deadline), server);
    for (const key of ['AssumeRoleWithWebIdentityResponse', 'AssumeRoleWithWebIdentityResult', 'Credentials'])
      at = isRecord(at) ? member(at, key) : undefined;
    return parseAccessKey(isRecord(at) ? at : {}, 'SessionToken', server);
  }

  private async fromContainer(url: URL | null, deadline: Deadline): Promise<AwsAccessKey> {
    const server = "the container's AWS identity";
    const local = url !== null && url.protocol === 'http:' && LOCAL.test(url.hostname);
    if (url === null || !(local || url.protocol === 'https:'))
      throw new RegistryError(
        'image-unauthorized',
        'AWS_CONTAINER_CREDENTIALS_FULL_URI is not an address of this node',
      );
    const { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file, AWS_CONTAINER_AUTHORIZATION_TOKEN: token } =
      this.env;
    const authorization = file === undefined ? token : await readTokenFile(file);
    const headers = authorization === undefined ? {} : { authorization };
    const call = { method: 'GET', url, headers, maxBytes: MAX_CLOUD_BYTES, server } as const;
    const answer = local
      ? await this.transport.sendLocally(call, deadline)
      : await this.transport.send(call, deadline);
    return parseAccessKey(cloudJson(answer, server), 'Token', server);
  }

  private async fromNode(deadline: Deadline): Promise<AwsAccessKey> {
    const server = "Amazon's metadata service";
    const base = this.env.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? NODE_HOST;
    const send = async (method: 'GET' | 'PUT', path: string, headers: Record<string, string>) => {
      const url = URL.parse(path, base);
      if (url === null)
        throw new RegistryError('image-unauthorized', 'AWS_EC2_METADATA_SERVICE_ENDPOINT is not an address');
      return this.transport.sendLocally(
        { method, url, headers, maxBytes: MAX_CLOUD_BYTES, server },
        deadline,
      );
    };
    const text = async (...asked: Parameters<typeof send>) => {
      const { status, body } = await send(...asked);
      if (status !== 200) throw new RegistryError('image-unauthorized', `${server} answered ${status}`);
      return body.toString('utf8').trim();
    };
    const token = await text('PUT', '/latest/api/token', {
      'x-aws-ec2-metadata-token-ttl-seconds': NODE_TOKEN_SECONDS,
    });
    const headers = { 'x-aws-ec2-metadata-token': token };
    const path = '/latest/meta-data/iam/security-credentials/';
    const [role = ''] = (await text('GET', path, headers)).split('\n', 1);
    return parseAccessKey(
      cloudJson(await send('GET', path + encodeURIComponent(role), headers), server),
      'Token',
      server,
    );
  }
}

function parseAccessKey(record: JsonRecord, tokenKey: string, server: string): AwsAccessKey {
  return {
    accessKeyId: cloudText(record, 'AccessKeyId', server),
    secretAccessKey: cloudText(record, 'SecretAccessKey', server),
    sessionToken: cloudText(record, tokenKey, server),
  };
}
