/** The timeline of a run as a picture: a lane for each container, and where the work ended. Pure: the same run, the same bytes. */
import { endOfWork, type Lane, lanesOf, type Span } from './lanes.ts';
import type { Recording, Run } from './recording.ts';

/** As wide as README shows it. */
export const WIDE = 800;
/** As wide as a phone. */
export const NARROW = 360;

const BAR = 28;
const PAD = 16;
const FONT = 13;
/** What a letter of the font takes on average, in its size: an estimate that decides whether a word fits into its bar. */
const LETTER = 0.58;

/** Its own ground under its own letters: it is read the same wherever it stands. */
const STYLE = `
.tl{--ground:#fff;--edge:#d1d9e0;--ink:#1f2328;--dim:#59636e;--main:#0969da;--sidecar:#1a7f37;--init:#6e7781;--bad:#cf222e;--on:#fff;font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;font-size:${FONT}px}
@media(prefers-color-scheme:dark){.tl{--ground:#0d1117;--edge:#3d444d;--ink:#f0f6fc;--dim:#9198a1;--main:#4493f8;--sidecar:#3fb950;--init:#9198a1;--bad:#f85149;--on:#0d1117}}
.tl .ground{fill:var(--ground);stroke:var(--edge)}
.tl text{fill:var(--ink)}
.tl .dim{fill:var(--dim)}
.tl .head{font-weight:600;font-size:${FONT + 2}px}
.tl .on{fill:var(--on);font-weight:600}
.tl .grid{stroke:var(--edge)}
.tl .done{stroke:var(--dim);stroke-dasharray:3 3}
.tl .main{fill:var(--main)}.tl .sidecar{fill:var(--sidecar)}.tl .init{fill:var(--init)}
.tl .waits{fill-opacity:.22}
.tl .lingers,.tl .bad{fill:var(--bad)}.tl .good{fill:var(--sidecar)}
.tl .said{fill:var(--ground);stroke:var(--ink)}
`.replaceAll('\n', '');

/** Where a time lies. */
interface Scale {
  /** Pixels from the left. */
  x(ms: number): number;
  /** The picture's width, and where the lanes begin and end. */
  width: number;
  left: number;
  right: number;
  /** The last time that has a place. */
  end: number;
  /** Whether the names stand above the bars, for want of room. */
  above: boolean;
}

/** @param width in pixels; below 600 the containers' names stand above their bars */
export function timelineSvg({ withCurfew, without }: Run, width = WIDE): string {
  const scale = scaleOf([withCurfew, without], width);
  const upper = panel(withCurfew, scale, PAD);
  const lower = panel(without, scale, upper.bottom + PAD + 4);
  const numbersAt = lower.bottom + FONT + 4;
  const height = numbersAt + PAD;
  const label = `${withCurfew.title}: ${withCurfew.verdict}. ${without.title}: ${without.verdict}.`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="tl" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(label)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    upper.svg,
    lower.svg,
    ...ticks(scale).map(
      (ms) =>
        `<text class="dim" x="${scale.x(ms)}" y="${numbersAt}" text-anchor="middle">${ms / 1000} s</text>`,
    ),
    '</svg>\n',
  ].join('\n');
}

/** Text as it stands in XML and HTML, attributes included. Characters that XML cannot hold are shown as a box. */
export function escapeXml(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** One scale for both pods: from the start to a while after the work, so that what runs on is seen to run on. */
function scaleOf(recordings: readonly Recording[], width: number): Scale {
  const above = width < 600;
  const names = recordings.flatMap(({ containers }) => containers.map(({ name }) => textWidth(name)));
  const left = above ? PAD : PAD + Math.max(...names) + 12;
  const right = width - PAD;
  const ends = recordings.flatMap((recording) => [
    endOfWork(recording) ?? 0,
    ...recording.events.map(({ deed, at }) => (deed === 'ended' ? at : 0)),
  ]);
  const end = Math.max(...ends, 100) * 1.45;
  return {
    x: (ms) => round(left + ((right - left) * Math.min(ms, end)) / end),
    width,
    left,
    right,
    end,
    above,
  };
}

function panel(recording: Recording, scale: Scale, top: number): { svg: string; bottom: number } {
  const done = endOfWork(recording);
  const head = top + FONT;
  const first = head + 10;
  const lanes: string[] = [];
  let y = first;
  for (const lane of lanesOf(recording)) {
    if (scale.above) y += FONT + 4;
    const name = scale.above ? y - 5 : y + BAR / 2 + 5;
    lanes.push(`<text x="${PAD}" y="${name}">${escapeXml(lane.name)}</text>`, ...laneOf(lane, scale, y));
    y += BAR + 6;
  }
  const bottom = y - 2;
  const tone = recording.complete ? 'good' : 'bad';
  const lines = [
    `<text class="head" x="${PAD}" y="${head}">${escapeXml(recording.title)}: <tspan class="${tone}">${escapeXml(recording.outcome)}</tspan></text>`,
    ...ticks(scale).map((ms) => `<path class="grid" d="M${scale.x(ms)} ${first}V${bottom}"/>`),
    ...lanes,
  ];
  if (done === undefined) return { svg: lines.join('\n'), bottom };
  lines.push(`<path class="done" d="M${scale.x(done)} ${first - 4}V${bottom}"/>`);
  // On a narrow picture the heading has the room.
  if (!scale.above)
    lines.push(
      `<text class="dim" x="${scale.x(done)}" y="${head}" text-anchor="middle">the work is done</text>`,
    );
  return { svg: lines.join('\n'), bottom };
}

function laneOf({ role, spans, said, ended }: Lane, scale: Scale, y: number): string[] {
  const bars = spans.map((span) => barOf(span, role, scale, y));
  const dots = said.map(
    ({ at, text }) =>
      `<circle class="said" cx="${scale.x(at)}" cy="${y + BAR - 5}" r="2"><title>${escapeXml(text)}</title></circle>`,
  );
  if (ended === undefined) return [...bars, ...dots];
  const code = ended.code === undefined ? 'killed' : `exit ${ended.code}`;
  return [
    ...bars,
    ...dots,
    `<text class="dim" x="${scale.x(ended.at) + 8}" y="${y + BAR / 2 + 5}">${code}</text>`,
  ];
}

function barOf({ from, to, kind, label, short }: Span, role: Lane['role'], scale: Scale, y: number): string {
  const [x, end] = [scale.x(from), to === undefined ? scale.right : scale.x(to)];
  const width = round(Math.max(end - x, 3));
  const style = kind === 'lingers' ? 'lingers' : kind === 'waits' ? `${role} waits` : role;
  // What does not end has no end either: an arrow.
  const tip = round(x + width);
  const shape =
    to === undefined
      ? `<path class="${style}" d="M${x} ${y}H${tip - 12}L${tip} ${y + BAR / 2}L${tip - 12} ${y + BAR}H${x}z"/>`
      : `<rect class="${style}" x="${x}" y="${y}" width="${width}" height="${BAR}" rx="3"/>`;
  const word = [label, short].find((words) => textWidth(words) + 16 <= width);
  if (word === undefined) return shape;
  return `${shape}<text class="${kind === 'waits' ? '' : 'on'}" x="${x + 8}" y="${y + 15}">${escapeXml(word)}</text>`;
}

/** The times that have a line and a number. */
function ticks({ x, end }: Scale): number[] {
  const step = [250, 500, 1_000, 5_000, 30_000].find((ms) => x(ms) - x(0) >= 90) ?? 600_000;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step);
}

function textWidth(text: string): number {
  return Math.ceil(text.length * FONT * LETTER);
}

/** A tenth of a pixel is enough, and the same on every machine. */
function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}
