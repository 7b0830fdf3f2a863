/** AWS Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). Pure. */
import { createHash, createHmac } from 'node:crypto';

/** An access key, with the session token where it is a temporary one. */
export interface AwsAccessKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** A request as it will be sent. Its path and query must already be in canonical form, as those for ECR and STS are. */
export interface AwsRequest {
  method: 'GET' | 'POST';
  url: URL;
  /** Lower-case names; `host` and the date are added. */
  headers: Readonly<Record<string, string>>;
  body: string;
  region: string;
  service: string;
}

/**
 * Sign a request.
 * @returns all of its headers
 */
export function signAwsRequest(
  request: AwsRequest,
  accessKey: AwsAccessKey,
  now: Date,
): Record<string, string> {
  const { method, url, region, service, body } = request;
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const headers: Record<string, string> = {
    ...request.headers,
    host: url.host,
    'x-amz-date': time,
    ...(accessKey.sessionToken === undefined ? {} : { 'x-amz-security-token': accessKey.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    method,
    url.pathname,
    [...url.searchParams]
      .map(([key, value]) => `${encode(key)}=${encode(value)}`)
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<Buffer>(
    (last, part) => hmac(last, part),
    Buffer.from(`AWS4${accessKey.secretAccessKey}`),
  );
  const signature = hmac(key, toSign).toString('hex');
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** Percent-encoding by RFC 3986: encodeURIComponent does not encode these characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
