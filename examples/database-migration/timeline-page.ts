/** The timeline of a run as one page that needs nothing else: for a person who would rather look than read a terminal. */
import type { Recording, Run } from './recording.ts';
import { escapeXml, NARROW, timelineSvg, WIDE } from './timeline-svg.ts';

const STYLE = `
:root{color-scheme:light dark;--ground:#f6f8fa;--card:#fff;--edge:#d1d9e0;--ink:#1f2328;--dim:#59636e;--good:#1a7f37;--bad:#cf222e}
@media(prefers-color-scheme:dark){:root{--ground:#010409;--card:#0d1117;--edge:#3d444d;--ink:#f0f6fc;--dim:#9198a1;--good:#3fb950;--bad:#f85149}}
body{margin:0 auto;padding:24px 16px;max-width:920px;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
h1{font-size:26px;line-height:1.25;margin:0 0 8px}h2{font-size:18px;margin:0}
p{margin:0 0 16px}.dim{color:var(--dim)}.good{color:var(--good)}.bad{color:var(--bad)}
svg{display:block;width:100%;height:auto;margin:0 0 24px}.narrow{display:none}
section{background:var(--card);border:1px solid var(--edge);border-radius:8px;padding:16px;margin:0 0 16px}
table{border-collapse:collapse;width:100%;margin:8px 0 0;font-size:14px}
td{padding:2px 12px 2px 0;vertical-align:top}td.at{white-space:nowrap;text-align:right;font-variant-numeric:tabular-nums}td.name{white-space:nowrap}
code,.said{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em;overflow-wrap:anywhere}
.said::before{content:"| ";color:var(--dim)}
@media(max-width:640px){.wide{display:none}.narrow{display:block}tr{display:block;padding:4px 0}td{display:inline}td.text{display:block}}
`.trim();

/** @param native the line on native mode, as the terminal shows it */
export function timelinePage(run: Run, native: string): string {
  const { withCurfew, without } = run;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Curfew: the same pod with it and without</title>
<style>
${STYLE}
</style>
</head>
<body>
<h1>A migration and its database proxy</h1>
<p>The proxy never ends by itself. Both pods ran on this machine, as <code>npm run demo</code> shows them: the first under Curfew&#39;s real
shim, as its real webhook had rewritten it, the second as its author wrote it. The dashed line is the end of the work; each dot is a line of
a program&#39;s log.</p>
<div class="wide">
${timelineSvg(run, WIDE)}</div>
<div class="narrow">
${timelineSvg(run, NARROW)}</div>
${logOf(withCurfew)}
${logOf(without)}
<p class="dim">${escapeXml(native)}</p>
</body>
</html>
`;
}

/** What the terminal shows, line by line. */
function logOf({ title, verdict, complete, events }: Recording): string {
  const rows = events.map(({ at, container, deed, text }) => {
    const said = deed === 'said' ? ' said' : '';
    return `<tr><td class="at dim">${(at / 1000).toFixed(2)} s</td><td class="name">${escapeXml(container)}</td><td class="text${said}">${escapeXml(text)}</td></tr>`;
  });
  return `<section>
<h2>${escapeXml(title)}</h2>
<div class="${complete ? 'good' : 'bad'}">${escapeXml(verdict)}</div>
<table>
${rows.join('\n')}
</table>
</section>`;
}
