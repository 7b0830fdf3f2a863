/** A token server that docker-registry trusts (distribution's token specification, with a JWT that the test signs). */
import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createAuthority } from '../certificate/throw-away-certificate.ts';

export interface TokenServer {
  realm: string;
  service: string;
  issuer: string;
  /** The certificate that the registry must trust. PEM. */
  cert: string;
  /** All tokens that were given. */
  asked: { user: string; scope: string }[];
  stop(): Promise<void>;
}

/** @param users passwords by name. Each user may pull everything, and others nothing */
export async function startTokenServer({ users }: { users: Record<string, string> }): Promise<TokenServer> {
  const authority = await createAuthority();
  const pair = await authority.issue({ commonName: 'tokens' });
  const [service, issuer] = ['test-registry', 'test-issuer'];
  const asked: TokenServer['asked'] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    const given = Buffer.from(
      (request.headers.authorization ?? '').replace(/^Basic /, ''),
      'base64',
    ).toString();
    const [user = '', password] = given.split(':', 2);
    if (users[user] === undefined || users[user] !== password) {
      response.writeHead(401).end('{}');
      return;
    }
    const scope = url.searchParams.get('scope') ?? '';
    asked.push({ user, scope });
    const [type, name, actions = ''] = scope.split(':');
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      aud: service,
      sub: user,
      jti: randomUUID(),
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      access: [{ type, name, actions: actions.split(',') }],
    };
    const header = { typ: 'JWT', alg: 'ES256', x5c: [new X509Certificate(pair.cert).raw.toString('base64')] };
    const text = [header, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const key = { key: createPrivateKey(pair.key), dsaEncoding: 'ieee-p1363' as const };
    const token = `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ token, expires_in: 300 }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    realm: `http://127.0.0.1:${port}/token`,
    service,
    issuer,
    cert: authority.cert,
    asked,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
