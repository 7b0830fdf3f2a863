/**
 * `curfew serve`: the webhook, from its configuration to its last answer.
 */

import type { Override } from '../config/config.ts';
import { UsageError } from '../shared/usage-error.ts';
import { parseOptions } from './options.ts';
import { printable, type Terminal } from './terminal.ts';

export const summary = 'run the webhook: TLS with POST /mutate, and a plain port for health and metrics';

/** Its flags; what completion offers beside. */
export const options = {
  config: { type: 'string' },
  host: { type: 'string', complete: 'nothing' },
  port: { type: 'string', complete: 'nothing' },
  'health-port': { type: 'string', complete: 'nothing' },
  cert: { type: 'string' },
  key: { type: 'string' },
  'shim-image': { type: 'string', complete: 'nothing' },
  'log-level': { type: 'string' },
} as const;

/** What fails where an address cannot be listened on. */
const LISTENING: ReadonlySet<unknown> = new Set(['listen', 'bind', 'getaddrinfo']);

/** The help text: flags here, keys from the schema. */
export async function usage(): Promise<string> {
  const [{ CONFIG }, { describeKeys }] = await Promise.all([
    import('../config/schema.ts'),
    import('../config/schema-keys.ts'),
  ]);
  const keys = [...describeKeys(CONFIG)].map(
    ({ path, help, allowed, standard }) =>
      `  ${path.padEnd(30)} ${help}\n${' '.repeat(33)}${allowed}${standard === undefined ? '' : `; default ${standard}`}`,
  );
  return `curfew serve [--config FILE] [flags]

${summary[0]?.toUpperCase()}${summary.slice(1)}.

Flags (they override the file)
  --config FILE        configuration, YAML; every key is optional
  --host ADDRESS       listen.host
  --port PORT          listen.port
  --health-port PORT   listen.healthPort
  --cert FILE          tls.certFile
  --key FILE           tls.keyFile
  --shim-image IMAGE   shim.image
  --log-level LEVEL    log.level

Keys of the configuration file
${keys.join('\n')}
`;
}

/**
 * Serve until SIGTERM or SIGINT.
 * @returns 0 after a shutdown that was asked for
 */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  const flags = parseOptions('serve', args, options);
  const overrides: Override[] = [];
  const override = (
    flag: keyof typeof flags,
    section: string,
    key: string,
    convert = (text: string): unknown => text,
  ) => {
    const value = flags[flag];
    if (value !== undefined)
      overrides.push({ flag: `--${flag}`, path: [section, key], value: convert(value) });
  };
  override('host', 'listen', 'host');
  override('port', 'listen', 'port', wholeNumber);
  override('health-port', 'listen', 'healthPort', wholeNumber);
  override('cert', 'tls', 'certFile');
  override('key', 'tls', 'keyFile');
  override('shim-image', 'shim', 'image');
  override('log-level', 'log', 'level');
  const [{ ConfigError, readConfig }, { serve }] = await Promise.all([
    import('../config/config.ts'),
    import('../server/service.ts'),
  ]);
  try {
    const config = await readConfig(flags.config, overrides);
    return await serve(config);
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message, { cause: error });
    if (error instanceof Error && 'syscall' in error && LISTENING.has(error.syscall)) {
      terminal.complain(
        printable(
          `curfew serve: ${error.message}: choose another port or address (--port, --health-port, --host)`,
        ),
      );
      return 1;
    }
    throw error;
  }
}

/** A number where the text is one; anything else stays, for the schema to refuse. */
function wholeNumber(text: string): unknown {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}
