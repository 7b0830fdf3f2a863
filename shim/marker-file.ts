/** Where a container's marker stands in the rendezvous. */
import { MARKER_SIZE, type Marker, parseMarker } from './marker.ts';
import { readText } from './whole-file.ts';

/** The path of a container's marker. */
export function statePath(folder: string, name: string): string {
  return `${folder}/${name}.state`;
}

/** A container's whole marker; undefined where there is none. */
export function readMarker(folder: string, name: string): Marker | undefined {
  const text = readText(statePath(folder, name), MARKER_SIZE);
  return text === undefined ? undefined : parseMarker(text);
}
