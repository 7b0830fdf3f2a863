/** The clouds' credential providers, with metadata servers and token services of the test's own. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type AwsRequest, signAwsRequest } from '../../../webhook/registry/aws-signature.ts';
import { AwsCredentials } from '../../../webhook/registry/cloud-aws.ts';
import { AzureCredentials } from '../../../webhook/registry/cloud-azure.ts';
import { GoogleCredentials } from '../../../webhook/registry/cloud-google.ts';
import type { CredentialProvider } from '../../../webhook/registry/credential.ts';
import { deadlineIn, Transport } from '../../../webhook/registry/transport.ts';
import { type FakeRegistry, fakeRegistry } from './fake-registry.ts';

function transport(t: TestContext): Transport {
  const made = new Transport({});
  t.after(() => made.close());
  return made;
}

async function tokenFile(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'token');
  await writeFile(file, `${text}\n`);
  return file;
}

/** A server with the test's answers by method and path, and 404 for anything else. */
async function service(
  t: TestContext,
  answers: Record<string, (headers: Record<string, unknown>, body: string) => unknown>,
) {
  return fakeRegistry(t, {}, (request, response, url, body) => {
    const answer = answers[`${request.method} ${url.pathname}`]?.(request.headers, body);
    if (answer === undefined) response.writeHead(404).end('p4ss');
    else response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    return true;
  });
}

const secrets = async (provider: CredentialProvider, registry: string) =>
  (await provider.credentials({ registry, repository: 'a' }, deadlineIn(5_000))).map(({ auth }) => auth);
const basic = (username: string, password: string) => ({ kind: 'basic', username, password });
const paths = ({ seen }: FakeRegistry) => seen.map(({ method, path }) => `${method} ${path}`);

test('Google: the metadata server’s token, for Google’s registries alone, cached during its lifetime', async (t) => {
  const metadata = await service(t, {
    'GET /computeMetadata/v1/instance/service-accounts/default/token': (headers) =>
      headers['metadata-flavor'] === 'Google' ? { access_token: 'g1', expires_in: 3599 } : undefined,
  });
  const google = new GoogleCredentials(transport(t), { GCE_METADATA_HOST: metadata.host });
  for (const registry of ['gcr.io', 'eu.gcr.io', 'europe-docker.pkg.dev'])
    assert.deepEqual(await secrets(google, registry), [basic('oauth2accesstoken', 'g1')]);
  for (const registry of ['docker.io', 'evilgcr.io', 'gcr.io.evil.example', 'gcr.io:5000'])
    assert.deepEqual(await secrets(google, registry), []);
  assert.equal(metadata.seen.length, 1);
});

test('Google: a metadata server that fails', async (t) => {
  const metadata = await service(t, {});
  const google = new GoogleCredentials(transport(t), { GCE_METADATA_HOST: metadata.host });
  await assert.rejects(secrets(google, 'gcr.io'), /Google's metadata server answered 404/);
});

test('Azure: a managed identity’s token is exchanged at the registry for a refresh token', async (t) => {
  const azure = await service(t, {
    'GET /metadata/identity/oauth2/token': (headers) =>
      headers.metadata === 'true' ? { access_token: 'aad' } : undefined,
    'POST /oauth2/exchange': (_headers, body) => {
      const form = Object.fromEntries(new URLSearchParams(body));
      assert.deepEqual(form, {
        grant_type: 'access_token',
        service: 'x.azurecr.io',
        access_token: 'aad',
        tenant: 'T',
      });
      return { refresh_token: 'r' };
    },
  });
  const env = { AZURE_POD_IDENTITY_AUTHORITY_HOST: azure.origin, AZURE_CLIENT_ID: 'C', AZURE_TENANT_ID: 'T' };
  const sender = transport(t);
  // The provider asks the registry over TLS; the test calls the exchange with its own server's address.
  const { send } = sender;
  sender.send = (call, ...rest) => {
    if (call.url.origin !== 'https://x.azurecr.io') return send.call(sender, call, ...rest);
    return send.call(sender, { ...call, url: new URL(call.url.pathname, azure.origin) }, ...rest);
  };
  const provider = new AzureCredentials(sender, env);
  assert.deepEqual(await secrets(provider, 'x.azurecr.io'), [{ kind: 'identity', token: 'r' }]);
  assert.deepEqual(await secrets(provider, 'x.azurecr.io'), [{ kind: 'identity', token: 'r' }]);
  assert.deepEqual(await secrets(provider, 'docker.io'), []);
  const [asked = ''] = paths(azure);
  assert.match(asked, /resource=https%3A%2F%2Fmanagement\.azure\.com%2F&client_id=C$/);
  assert.equal(azure.seen.length, 2);
});

test('Azure: a workload identity’s token from its file', async (t) => {
  const azure = await service(t, {
    'POST /T/oauth2/v2.0/token': (_headers, body) => {
      const form = new URLSearchParams(body);
      assert.equal(form.get('client_assertion'), 'jwt');
      assert.equal(form.get('client_id'), 'C');
      return { access_token: 'aad' };
    },
    'POST /oauth2/exchange': () => ({ refresh_token: 'r' }),
  });
  const file = await tokenFile(t, 'jwt');
  const env = {
    AZURE_FEDERATED_TOKEN_FILE: file,
    AZURE_CLIENT_ID: 'C',
    AZURE_TENANT_ID: 'T',
    AZURE_AUTHORITY_HOST: azure.origin,
  };
  const sender = transport(t);
  const { send } = sender;
  sender.send = (call, ...rest) =>
    send.call(sender, { ...call, url: new URL(call.url.pathname, azure.origin) }, ...rest);
  assert.deepEqual(await secrets(new AzureCredentials(sender, env), 'x.azurecr.io'), [
    { kind: 'identity', token: 'r' },
  ]);
  const { AZURE_CLIENT_ID: _, ...without } = env;
  await assert.rejects(secrets(new AzureCredentials(sender, without), 'x.azurecr.io'), /AZURE_CLIENT_ID/);
});

const ECR = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const token = { authorizationData: [{ authorizationToken: Buffer.from('AWS:pw').toString('base64') }] };

test('AWS: the access key in the environment signs one request for the account’s password', async (t) => {
  const aws = await service(t, {
    'POST /': (headers, body) => {
      assert.equal(headers['x-amz-target'], 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken');
      assert.match(
        String(headers.authorization),
        /^AWS4-HMAC-SHA256 Credential=AK\/\d{8}\/eu-west-1\/ecr\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=[0-9a-f]{64}$/,
      );
      assert.equal(headers['x-amz-security-token'], 'ST');
      assert.deepEqual(JSON.parse(body), { registryIds: ['123456789012'] });
      return token;
    },
  });
  const env = {
    AWS_ACCESS_KEY_ID: 'AK',
    AWS_SECRET_ACCESS_KEY: 'SK',
    AWS_SESSION_TOKEN: 'ST',
    AWS_ENDPOINT_URL_ECR: aws.origin,
  };
  const provider = new AwsCredentials(transport(t), env);
  assert.deepEqual(await secrets(provider, ECR), [basic('AWS', 'pw')]);
  assert.deepEqual(await secrets(provider, ECR), [basic('AWS', 'pw')]);
  for (const other of ['docker.io', `${ECR}.evil.example`, `x${ECR}`, 'public.ecr.aws'])
    assert.deepEqual(await secrets(provider, other), []);
  assert.equal(aws.seen.length, 1);
});

test('AWS: a service account’s role (IRSA)', async (t) => {
  const aws = await service(t, {
    'POST /sts': (_headers, body) => {
      const form = new URLSearchParams(body);
      assert.deepEqual(
        [form.get('Action'), form.get('RoleArn'), form.get('WebIdentityToken')],
        ['AssumeRoleWithWebIdentity', 'arn:x', 'jwt'],
      );
      const Credentials = { AccessKeyId: 'A', SecretAccessKey: 'S', SessionToken: 'T', Expiration: 1 };
      return { AssumeRoleWithWebIdentityResponse: { AssumeRoleWithWebIdentityResult: { Credentials } } };
    },
    'POST /': (headers) => (headers['x-amz-security-token'] === 'T' ? token : undefined),
  });
  const env = {
    AWS_ROLE_ARN: 'arn:x',
    AWS_WEB_IDENTITY_TOKEN_FILE: await tokenFile(t, 'jwt'),
    AWS_ENDPOINT_URL_STS: `${aws.origin}/sts`,
    AWS_ENDPOINT_URL_ECR: aws.origin,
  };
  assert.deepEqual(await secrets(new AwsCredentials(transport(t), env), ECR), [basic('AWS', 'pw')]);
});

test('AWS: a container’s identity, whose URL must be an address of the node', async (t) => {
  const aws = await service(t, {
    'GET /v1/credentials': (headers) =>
      headers.authorization === 'pod' ? { AccessKeyId: 'A', SecretAccessKey: 'S', Token: 'T' } : undefined,
    'POST /': (headers) => (headers['x-amz-security-token'] === 'T' ? token : undefined),
  });
  const env = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.origin}/v1/credentials`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: await tokenFile(t, 'pod'),
    AWS_ENDPOINT_URL_ECR: aws.origin,
  };
  assert.deepEqual(await secrets(new AwsCredentials(transport(t), env), ECR), [basic('AWS', 'pw')]);
  const elsewhere = { ...env, AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://evil.example/v1' };
  await assert.rejects(
    secrets(new AwsCredentials(transport(t), elsewhere), ECR),
    /not an address of this node/,
  );
});

test('AWS: the node’s role, with a session token of its metadata service', async (t) => {
  const path = '/latest/meta-data/iam/security-credentials/';
  const session = (headers: Record<string, unknown>) => headers['x-aws-ec2-metadata-token'] === 'session';
  const aws = await service(t, {
    'PUT /latest/api/token': (headers) =>
      headers['x-aws-ec2-metadata-token-ttl-seconds'] === '60' ? 'session' : undefined,
    [`GET ${path}`]: (headers) => (session(headers) ? 'role\n' : undefined),
    [`GET ${path}role`]: (headers) =>
      session(headers) ? { AccessKeyId: 'A', SecretAccessKey: 'S', Token: 'T' } : undefined,
    'POST /': (headers) => (headers['x-amz-security-token'] === 'T' ? token : undefined),
  });
  const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: aws.origin, AWS_ENDPOINT_URL_ECR: aws.origin };
  assert.deepEqual(await secrets(new AwsCredentials(transport(t), env), ECR), [basic('AWS', 'pw')]);
});

// AWS's own test suite for signatures (aws-sig-v4-test-suite), and the example of its documentation.
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const SIGNED: [what: string, request: Omit<AwsRequest, 'region'>, signature: string][] = [
  [
    'get-vanilla',
    {
      method: 'GET',
      url: new URL('https://example.amazonaws.com/'),
      headers: {},
      body: '',
      service: 'service',
    },
    '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  ],
  [
    'post-vanilla',
    {
      method: 'POST',
      url: new URL('https://example.amazonaws.com/'),
      headers: {},
      body: '',
      service: 'service',
    },
    '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  ],
  [
    'post-x-www-form-urlencoded',
    {
      method: 'POST',
      url: new URL('https://example.amazonaws.com/'),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'Param1=value1',
      service: 'service',
    },
    'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  ],
  [
    'ListUsers of the documentation',
    {
      method: 'GET',
      url: new URL('https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08'),
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: '',
      service: 'iam',
    },
    '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  ],
];

for (const [what, request, signature] of SIGNED)
  test(`AWS signature: ${what}`, () => {
    const headers = signAwsRequest(
      { ...request, region: 'us-east-1' },
      KEYS,
      new Date('2015-08-30T12:36:00Z'),
    );
    assert.match(headers.authorization ?? '', new RegExp(`Signature=${signature}$`));
  });
