/** The keys of the maps that some lists of the configuration file hold. */
import { z } from 'zod';
import { CONFIG } from '../webhook/config/schema.ts';
import { describeKeys } from '../webhook/config/schema-keys.ts';

/** One key of such a map. */
interface ItemKey {
  /** `images.registries[].host` */
  path: string;
  help: string;
  allowed: string;
  /** The default; undefined: the key may be left out. */
  standard: string | undefined;
}

export function itemKeys(): ItemKey[] {
  return [...listsOfMaps(CONFIG, '')].flatMap(([path, item]) =>
    [...describeKeys(item)].map((key) => ({ ...key, path: `${path}[].${key.path}` })),
  );
}

function* listsOfMaps(schema: z.ZodType, path: string): Generator<[path: string, item: z.ZodObject]> {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    const { innerType } = schema.def;
    if (innerType instanceof z.ZodType) yield* listsOfMaps(innerType, path);
  } else if (schema instanceof z.ZodObject) {
    for (const [key, child] of Object.entries(schema.shape))
      if (child instanceof z.ZodType) yield* listsOfMaps(child, path === '' ? key : `${path}.${key}`);
  } else if (schema instanceof z.ZodArray && schema.def.element instanceof z.ZodObject)
    yield [path, schema.def.element];
}
