import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { checkAll } from '../../checkers/check-all.ts';
import type { Story } from '../../checkers/testing/story.ts';
import type { History } from '../../history/events.ts';
import { writeScenarioReport } from '../write.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const ARGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
];

/** The browser of this machine; undefined where there is none. `CHROMIUM` names another one. */
function findChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const named = process.env['CHROMIUM'];
  const places =
    named !== undefined ? [named] : folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A page that shows a report, and whatever it asked the network for or complained about. */
interface Opened {
  page: Page;
  requests: string[];
  complaints: string[];
}

interface Look {
  colorScheme?: 'light' | 'dark';
  width?: number;
}

/**
 * Opens reports in a browser with an empty profile of its own, from a file, as a person does; called in a `describe`,
 * whose tests are skipped where there is no browser. After each of them: nothing was asked of any network, and nothing
 * went wrong unheard.
 */
export function inBrowser(): (of: Story | History, look?: Look) => Promise<Page> {
  let dir: string;
  let browser: Browser | undefined;
  const opened: Opened[] = [];

  before(async function () {
    const executablePath = findChromium();
    if (executablePath === undefined) {
      console.log('      skipped: no chromium in PATH (apt-get install chromium, or name one in CHROMIUM)');
      this.skip();
    }
    browser = await chromium.launch({ executablePath, args: ARGS });
  });
  after(() => browser?.close());
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'report-'))));
  afterEach(async () => {
    const seen = opened.splice(0);
    for (const { page } of seen) await page.context().close();
    await rm(dir, { recursive: true });
    for (const { requests, complaints } of seen) {
      assert.ok(
        requests.length === 1 && requests[0]!.startsWith(pathToFileURL(dir).href),
        requests.join(' '),
      );
      assert.deepEqual(complaints, []);
    }
  });

  return async (of, look = {}) => {
    const history = 'dir' in of ? of : of.history();
    const folder = join(dir, String(opened.length));
    await mkdir(folder);
    const path = await writeScenarioReport(folder, history, checkAll(history));
    const { colorScheme = 'light', width = 1300 } = look;
    const context = await browser!.newContext({ colorScheme, viewport: { width, height: 900 } });
    const page = await context.newPage();
    opened.push(watched(page));
    await page.goto(pathToFileURL(path).href);
    await page.locator('html[data-ready=true]').waitFor({ state: 'attached' });
    return page;
  };
}

function watched(page: Page): Opened {
  const opened: Opened = { page, requests: [], complaints: [] };
  page.on('request', (request) => opened.requests.push(request.url()));
  page.on('console', (message) => opened.complaints.push(message.text()));
  page.on('pageerror', (error) => opened.complaints.push(error.message));
  page.on('dialog', (dialog) => {
    opened.complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return opened;
}

/** The stretch that is shown, in seconds; read after the frame in which it was drawn. */
export async function viewOf(page: Page): Promise<[from: number, to: number]> {
  const [from, to] = await page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const { from, to } = document.getElementById('timeline')!.dataset;
    return [Number(from), Number(to)] as const;
  });
  return [from / 1e9, to / 1e9];
}

/** What the timeline says of one lane in words. */
export async function wordsOf(page: Page, lane: string): Promise<string> {
  if ((await page.locator('#words[open]').count()) === 0)
    await page.getByText('The timeline in words').click();
  return page.locator(`#words-text [data-lane="${lane}"]`).innerText();
}

export async function selectedIn(page: Page): Promise<string> {
  return page.locator('#event-list [aria-selected=true]').innerText();
}
