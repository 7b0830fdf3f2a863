/** The clouds whose registries can be asked with the identity that the webhook runs under, without any secret of a pod. */
import type { Cloud } from '../config/images.ts';
import { AwsCredentials } from '../registry/cloud-aws.ts';
import { AzureCredentials } from '../registry/cloud-azure.ts';
import { GoogleCredentials } from '../registry/cloud-google.ts';
import type { CredentialProvider } from '../registry/credential.ts';
import type { Transport } from '../registry/transport.ts';

/** @param env the process's environment, which names the identity's files */
export function cloudProvider(
  cloud: Cloud,
  transport: Transport,
  env: NodeJS.ProcessEnv,
): CredentialProvider {
  switch (cloud) {
    case 'google':
      return new GoogleCredentials(transport, env);
    case 'azure':
      return new AzureCredentials(transport, env);
    case 'aws':
      return new AwsCredentials(transport, env);
  }
}
