/**
 * Checks that an object has only fields that Kubernetes knows, each of its type. The types come from `@kubernetes/client-node`, which
 * is generated from Kubernetes' OpenAPI document (the heads of its files name the release). Required fields and allowed values are
 * checked by the API server of the cluster tests.
 */
import * as client from '@kubernetes/client-node';
import { z } from 'zod';
import type { RenderedObject } from './rendered-chart.ts';

const TYPE = z.custom<{ getAttributeTypeMap: () => unknown }>(
  (value) => typeof value === 'function' && 'getAttributeTypeMap' in value,
);
const FIELDS = z.array(z.object({ baseName: z.string(), type: z.string() }));

/** The class of an object of Kubernetes' own kinds: for `apps/v1` and `Deployment` it is `V1Deployment`. */
export function kubernetesType({ apiVersion, kind }: RenderedObject): string | undefined {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  if (group.includes('.') && !group.endsWith('.k8s.io')) return undefined;
  return `${version.charAt(0).toUpperCase()}${version.slice(1)}${kind}`;
}

/**
 * The problems of a value.
 * @param type as the client's type maps write it: `V1Pod`, `Array<string>`, `{ [key: string]: string; }`, `IntOrString`
 * @returns one line for each problem, with its path
 */
export function wrongFields(value: unknown, type: string, path = ''): string[] {
  const element = /^Array<(.*)>$/.exec(type)?.[1] ?? /^Set<(.*)>$/.exec(type)?.[1];
  if (element !== undefined) {
    if (!Array.isArray(value)) return [`${path}: no list`];
    return value.flatMap((item, index) => wrongFields(item, element, `${path}[${index}]`));
  }
  const valueType = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (valueType !== undefined) {
    if (!isMap(value)) return [`${path}: no map`];
    return Object.entries(value).flatMap(([key, item]) => wrongFields(item, valueType, `${path}.${key}`));
  }
  switch (type) {
    case 'any':
      return [];
    case 'string':
    case 'number':
    case 'boolean':
      return expect(path, typeof value === type, `no ${type}`);
    case 'IntOrString':
      return expect(path, typeof value === 'string' || Number.isInteger(value), 'no whole number, no string');
    case 'Date':
    case 'V1MicroTime':
      return expect(path, typeof value === 'string', 'no time');
  }
  const known = TYPE.safeParse(Reflect.get(client, type));
  if (!known.success) return [`${path}: Kubernetes has no ${type}`];
  if (!isMap(value)) return [`${path}: no map`];
  const fields = new Map(
    FIELDS.parse(known.data.getAttributeTypeMap()).map((field) => [field.baseName, field.type]),
  );
  return Object.entries(value).flatMap(([key, item]) => {
    const fieldType = fields.get(key);
    if (fieldType === undefined) return [`${path}.${key}: ${type} has no such field`];
    return wrongFields(item, fieldType, `${path}.${key}`);
  });
}

function expect(path: string, right: boolean, otherwise: string): string[] {
  return right ? [] : [`${path}: ${otherwise}`];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
