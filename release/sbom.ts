/** A list of parts as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/), the same bytes for the same parts. */
import { createHash } from 'node:crypto';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import type { Part } from './parts.ts';
import type { Source } from './source.ts';

export const SBOM_TYPE = 'application/vnd.cyclonedx+json';

/** What a bill of materials is of. */
export interface Subject {
  name: string;
  kind: 'container' | 'application';
  /** A package URL. */
  purl: string;
  /** SHA-256, in hexadecimal: of the image's manifest, or of the file. */
  sha256: string;
}

/** The bill as JSON. */
export function billOfMaterials(subject: Subject, parts: readonly Part[], source: Source): string {
  const about = new Models.Component(typeOf(subject.kind), subject.name, {
    bomRef: subject.purl,
    version: source.version,
    purl: subject.purl,
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-256'], subject.sha256]]),
    licenses: licensed('Apache-2.0'),
  });
  const bom = new Models.Bom({ serialNumber: serialNumber(subject) });
  bom.metadata.component = about;
  bom.metadata.timestamp = new Date(source.epoch * 1000);
  for (const part of parts) {
    const component = new Models.Component(typeOf(part.kind), part.name, {
      bomRef: part.purl,
      version: part.version,
      purl: part.purl,
      hashes: new Models.HashDictionary([[Enums.HashAlgorithm[part.hash.algorithm], part.hash.hex]]),
      ...(part.license === undefined ? {} : { licenses: licensed(part.license) }),
    });
    bom.components.add(component);
    about.dependencies.add(component.bomRef);
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function typeOf(kind: Subject['kind'] | Part['kind']) {
  return {
    container: Enums.ComponentType.Container,
    application: Enums.ComponentType.Application,
    library: Enums.ComponentType.Library,
  }[kind];
}

function licensed(expression: string) {
  return new Models.LicenseRepository([new Models.LicenseExpression(expression)]);
}

/** A UUID of version 8 (RFC 9562: the maker's own), from what the bill is of. */
function serialNumber({ name, sha256 }: Subject): string {
  const hex = createHash('sha256').update(`${name} ${sha256}`).digest('hex');
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The name of a bill's file. */
export function sbomName(subject: string, version: string, architecture?: string): string {
  return `${[subject, version, ...(architecture === undefined ? [] : [architecture])].join('-')}.cdx.json`;
}
