/**
 * `npm run docs:look`: the built site in a real browser, wide and narrow, light and dark. Each look is saved as a picture; what a picture
 * does not show is asked: that nothing is loaded from elsewhere, that no page is wider than its screen, that the search finds.
 */
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Browser } from './browser.ts';
import { serve } from './serve.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SITE = join(ROOT, 'dist/docs');
const PICTURES = join(ROOT, 'dist/docs-look');

const SCREENS = [
  { name: 'wide', width: 1400, height: 900, mobile: false },
  { name: 'narrow', width: 390, height: 844, mobile: true },
];
const SCHEMES = ['light', 'dark'];
const PAGES: Readonly<Record<string, string>> = {
  home: '',
  contract: 'docs/contract.html',
  annotations: 'docs/reference/annotations.html',
  'known-sidecars': 'docs/reference/known-sidecars.html',
  configuration: 'docs/reference/configuration.html',
  chart: 'charts/curfew/',
  recipes: 'examples/',
};
const QUERY = 'activeDeadlineSeconds';

const wrong: string[] = [];
rmSync(PICTURES, { recursive: true, force: true });
mkdirSync(PICTURES, { recursive: true });
const { server, url } = await serve(SITE, '/', 0);
const browser = await Browser.start();
try {
  await watch();
  for (const screen of SCREENS)
    for (const scheme of SCHEMES) {
      const { width, height, mobile } = screen;
      await browser.send('Emulation.setDeviceMetricsOverride', {
        width,
        height,
        mobile,
        deviceScaleFactor: 1,
      });
      const features = [{ name: 'prefers-color-scheme', value: scheme }];
      await browser.send('Emulation.setEmulatedMedia', { features });
      for (const [name, path] of Object.entries(PAGES))
        await look(`${name}-${screen.name}-${scheme}`, path, scheme);
      await search(`search-${screen.name}-${scheme}`);
      if (scheme === 'light') await measure(screen.name);
    }
  await turn();
} finally {
  await browser.close();
  server.close();
}
for (const problem of wrong) console.error(`docs/site/look.ts: ${problem}`);
console.log(`dist/docs-look: ${SCREENS.length * SCHEMES.length * (Object.keys(PAGES).length + 1)} pictures`);
process.exitCode = wrong.length === 0 ? 0 : 1;

/** Hear of each address that is loaded, and of each error of a script. */
async function watch(): Promise<void> {
  browser.on('Network.requestWillBeSent', ({ request }) => {
    const address = String(Object(request).url);
    if (!address.startsWith(url) && !/^(data|blob):/.test(address)) wrong.push(`loads ${address}`);
  });
  browser.on('Network.responseReceived', ({ response }) => {
    const { status, url: address } = Object(response);
    if (status >= 400) wrong.push(`${address} is answered ${status}`);
  });
  browser.on('Runtime.exceptionThrown', ({ exceptionDetails }) => {
    wrong.push(`a script fails: ${Object(exceptionDetails).exception?.description}`);
  });
}

async function look(name: string, path: string, scheme: string): Promise<void> {
  await browser.goTo(url + path);
  const dark = await browser.evaluate(`document.documentElement.classList.contains('dark')`);
  if (dark !== (scheme === 'dark')) wrong.push(`${name} is not ${scheme}`);
  await save(name);
}

/** No page may be wider than its screen: what is wide scrolls by itself. */
async function measure(screen: string): Promise<void> {
  for (const path of globSync('**/*.html', { cwd: SITE }).sort()) {
    await browser.goTo(url + path);
    await fits(`${path}, ${screen}`);
  }
}

/** Against the width that the page is laid out for: a phone's innerWidth grows with a page that is too wide. */
async function fits(name: string): Promise<void> {
  const beyond = await browser.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  if (Number(beyond) > 0) wrong.push(`${name}: ${beyond} px wider than the screen`);
}

/** Type a word into the search box, and follow the first of what it finds. */
async function search(name: string): Promise<void> {
  await browser.goTo(url);
  await browser.until(`document.querySelector('.DocSearch-Button, .VPNavBarSearch button') !== null`);
  await browser.evaluate(`document.querySelector('.DocSearch-Button, .VPNavBarSearch button').click()`);
  await browser.until(`document.activeElement?.classList.contains('search-input')`);
  await browser.send('Input.insertText', { text: QUERY });
  await browser.until(`document.querySelectorAll('.VPLocalSearchBox .result').length > 1`);
  await save(name);
  await browser.evaluate(`document.querySelector('.VPLocalSearchBox .result').click()`);
  await browser.until(`document.querySelector('.VPLocalSearchBox') === null && location.pathname !== '/'`);
  const found = await browser.evaluate(
    `document.querySelector('main').innerText.includes(${JSON.stringify(QUERY)})`,
  );
  if (found !== true) wrong.push(`${name}: what ${QUERY} leads to does not hold it`);
}

/** The switch turns what the system prefers into the other, and the page stays so when it is loaded anew. */
async function turn(): Promise<void> {
  await browser.send('Emulation.clearDeviceMetricsOverride');
  const dark = `document.documentElement.classList.contains('dark')`;
  await browser.goTo(url);
  const before = await browser.evaluate(dark);
  await browser.evaluate(`document.querySelector('.VPSwitchAppearance').click()`);
  await browser.until(`${dark} !== ${before}`);
  await browser.goTo(url);
  if ((await browser.evaluate(dark)) === before) wrong.push('the switch between light and dark is forgotten');
}

async function save(name: string): Promise<void> {
  await fits(name);
  writeFileSync(join(PICTURES, `${name}.png`), await browser.screenshot());
}
