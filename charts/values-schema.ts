/** `values.schema.json`: the chart's own values and, under `config`, the keys of the webhook's configuration file. */
import { z } from 'zod';
import { CONFIG } from '../webhook/config/schema.ts';
import { CHART_VALUES, OF_HELM } from './chart-values.ts';

export type Schema = z.core.JSONSchema.JSONSchema;

/** The keys of the file that the chart writes. They are no values, so that each setting has one place. */
const WRITTEN_BY_CHART = [
  'shim.image',
  'shim.imagePullPolicy',
  'tls.source',
  'tls.certFile',
  'tls.keyFile',
  'tls.selfManaged.secret',
  'tls.selfManaged.namespace',
  'tls.selfManaged.service',
  'tls.selfManaged.webhookConfiguration',
];
/** The keys that the chart's templates read. Their defaults are in values.yaml. */
const READ_BY_CHART = [
  'listen.port',
  'listen.healthPort',
  'images.mode',
  'images.pullSecrets',
  'events.enabled',
  'shutdown.delay',
  'shutdown.gracePeriod',
];

/**
 * Make the schema, in JSON schema draft 7, which every Helm reads.
 * @param describe gives the comment on a key in values.yaml
 */
export function valuesSchema(describe: (path: string) => string | undefined): Schema {
  const schema = jsonSchema(CHART_VALUES);
  const properties = propertiesOf(schema);
  properties.config = configSchema();
  for (const [path, part] of leaves(schema)) {
    const description = part.description ?? describe(path);
    if (description !== undefined) part.description = description;
  }
  Object.assign(properties, jsonSchema(OF_HELM).properties);
  return { ...schema, title: "Values of Curfew's chart" };
}

/** The configuration file's schema, without the keys that the chart writes. */
function configSchema(): Schema {
  const { $schema: _, ...schema } = jsonSchema(CONFIG);
  for (const path of WRITTEN_BY_CHART) {
    const { owner, key } = ownerOf(schema, path);
    delete owner[key];
  }
  for (const path of READ_BY_CHART) {
    const parent = at(schema, path.split('.').slice(0, -1));
    const key = path.split('.').at(-1) ?? '';
    ownerOf(schema, path);
    parent.required = [...(parent.required ?? []), key];
  }
  schema.required = [...new Set(READ_BY_CHART.map((path) => path.split('.')[0] ?? ''))];
  // 0 (any free port) is refused, because the Service and the probes need the port.
  for (const key of ['port', 'healthPort']) at(schema, ['listen', key]).minimum = 1;
  return schema;
}

/** The properties that hold a key. @throws where the key does not exist, because it was renamed */
function ownerOf(schema: Schema, path: string): { owner: NonNullable<Schema['properties']>; key: string } {
  const steps = path.split('.');
  const key = steps.pop() ?? '';
  const owner = propertiesOf(at(schema, steps));
  if (!Object.hasOwn(owner, key)) throw new Error(`the configuration has no key ${path}`);
  return { owner, key };
}

function at(schema: Schema, steps: string[]): Schema {
  let found = schema;
  for (const step of steps) {
    const next = propertiesOf(found)[step];
    if (typeof next !== 'object') throw new Error(`the schema has no key ${steps.join('.')}`);
    found = next;
  }
  return found;
}

function propertiesOf(schema: Schema): NonNullable<Schema['properties']> {
  schema.properties ??= {};
  return schema.properties;
}

/** Each key and each section, with its path. */
function* leaves(schema: Schema, prefix = ''): Generator<[path: string, schema: Schema]> {
  for (const [key, part] of Object.entries(schema.properties ?? {})) {
    if (typeof part !== 'object') continue;
    yield [prefix + key, part];
    yield* leaves(part, `${prefix}${key}.`);
  }
}

/** The schema of the values as a user writes them, before defaults and transformations. */
function jsonSchema(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema: part }) => {
      const { allowed, description } = part;
      delete part.allowed;
      if (typeof allowed === 'string')
        part.description = description ? `${description}; ${allowed}` : allowed;
      // The default of a section is empty.
      if (JSON.stringify(part.default) === '{}') delete part.default;
    },
  });
}
