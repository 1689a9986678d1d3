import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { goodTakeover } from '../../checkers/testing/good-takeover.ts';
import { longHistory } from '../long-history.fixture.ts';
import { inBrowser, viewOf, wordsOf } from './browser.fixture.ts';

/** What a person finds in it; times are of `goodTakeover`. */
describe('a report in a browser', function () {
  this.timeout(60_000);
  const open = inBrowser();

  const violated = () => goodTakeover().writes(8.2, 'server-1', 2).writes(8.4, 'server-1', 2);

  it('says the verdict, its evidence, the takeover against its bound and how to run it again', async () => {
    const page = await open(goodTakeover());
    const text = await page.locator('body').innerText();
    assert.match(text, /story\s+✓ valid/);
    assert.match(text, /claims held: single-writer, acknowledged-kept/);
    assert.match(text, /server-1 to server-2\s+3\s+2775 ms\s+31\d\d ms/);
    assert.match(text, /bin\/lab run story --engine process --storage nbd --seed 7/);
    assert.equal(await page.getByRole('img', { name: /% of the bound/ }).count(), 1);
  });

  it('has a lane for each server, the client and the storage, and the same in words', async () => {
    const page = await open(goodTakeover());
    const lanes = ['faults', 'takeovers', 'lab', 'server-1', 'server-2', 'client', 'storage'];
    assert.deepEqual(await page.locator('.lane-name').allInnerTexts(), lanes);
    assert.match(
      await wordsOf(page, 'server-1'),
      /role active \(epoch 2\)[^]*lease \(epoch 2\)[^]*service started \(epoch 2\)/,
    );
    assert.match(
      await wordsOf(page, 'faults'),
      /kill on server-1: requested \+5\.000 s, effective \+5\.050 s, healed \+10\.000 s/,
    );
    assert.match(await wordsOf(page, 'storage'), /server-2 in the data area \(epoch 3\)/);
  });

  it('draws something in every row', async () => {
    const page = await open(goodTakeover().fault(10.2, 1, 'kill', 'server-1', 'recovered'));
    const colours = await page.evaluate(() => {
      const canvas = document.getElementById('lanes') as HTMLCanvasElement;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      const pixels = new Uint32Array(data.buffer);
      return [...document.querySelectorAll<HTMLElement>('.row-name')].map(({ style }) => {
        const line = (y: number) => Math.round(y * devicePixelRatio) * canvas.width;
        const top = parseFloat(style.top);
        return new Set(pixels.subarray(line(top + 2), line(top + parseFloat(style.height) - 2))).size;
      });
    });
    // Of an empty row there is only the ground and the lines of the axis.
    assert.ok(
      colours.every((count) => count >= 3),
      colours.join(' '),
    );
  });

  it('lists the events in view and no others, filtered as asked', async () => {
    const page = await open(goodTakeover());
    const texts = () => page.locator('#event-list .event').allInnerTexts();
    const first = await texts();
    assert.ok(
      first.some((text) => text.includes('granted to server-1')),
      first.join('\n'),
    );
    assert.ok(
      !(await texts()).some((text) => text.includes('acknowledged by')),
      'routine is left out at first',
    );
    await page.keyboard.press('/');
    await page.keyboard.type('refused server-1');
    await page.getByText(/^1 of \d+ events in view$/).waitFor();
    assert.match((await texts()).join(), /REFUSED server-1, epoch 2/);
    await page.locator('#event-search').fill('');
    await page.getByLabel(/routine/).check();
    await page.getByLabel('storage', { exact: true }).uncheck();
    await page.waitForFunction(() =>
      [...document.querySelectorAll('#event-list .source')].every((each) => each.textContent !== 'storage'),
    );
    assert.ok((await texts()).length > 10);
  });

  it('follows the scheme of the system, light or dark', async () => {
    const ground = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await open(goodTakeover(), { colorScheme: 'light' });
    const dark = await open(goodTakeover(), { colorScheme: 'dark' });
    assert.equal(await ground(light), 'rgb(255, 255, 255)');
    assert.equal(await ground(dark), 'rgb(18, 22, 27)');
    const drawn = (page: Page) =>
      page.evaluate(() => (document.getElementById('lanes') as HTMLCanvasElement).toDataURL());
    const before = await drawn(dark);
    assert.notEqual(before, await drawn(light));
    await dark.emulateMedia({ colorScheme: 'light' });
    await dark.waitForFunction(
      (old) => (document.getElementById('lanes') as HTMLCanvasElement).toDataURL() !== old,
      before,
    );
  });

  it('fits a narrow window', async () => {
    const page = await open(violated(), { width: 800 });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 800);
  });

  it('takes everything in a history for text', async () => {
    const nasty = `</script><script>alert(1)</script><img src="http://127.0.0.1:1/x" onerror="alert(2)"><!--`;
    const story = goodTakeover({ scenario: { name: nasty, claim: nasty } });
    story.journal(4, 'server-1', { event: 'warning', text: nasty }).lab(4.1, { event: 'note', text: nasty });
    story.lab(4.2, { event: 'expected', what: nasty, met: false, otherwise: 'violated', detail: nasty });
    story
      .fault(4.3, 9, nasty, 'server-1', 'requested', nasty)
      .fault(4.4, 9, nasty, 'server-1', 'failed', nasty);
    const page = await open(story);
    assert.equal(await page.locator('img[src]').count(), 0);
    assert.equal(await page.locator('script').count(), 2);
    assert.match(await wordsOf(page, 'faults'), /<img src=/);
    await page.locator('#event-search').fill('warning: </script>');
    await page.locator('#event-list .event', { hasText: 'warning: </script>' }).click();
    await page.locator('#details', { hasText: nasty }).waitFor();
    assert.ok((await page.locator('h1').innerText()).includes(nasty));
  });

  it('opens 100,000 events and answers, with only the rows in sight as elements', async () => {
    const page = await open(longHistory(100_000));
    await page.getByLabel(/routine/).check();
    await page.getByText(/^10\d{4} of 10\d{4} events in view$/).waitFor();
    assert.ok((await page.locator('#event-list .event').count()) < 60);
    await page.locator('#event-list').focus();
    await page.keyboard.press('End');
    await page.locator('[aria-selected=true]', { hasText: 'the lab ended' }).waitFor();
    const [from, to] = await viewOf(page);
    await page.keyboard.press('+');
    const [closer, until] = await viewOf(page);
    assert.ok(until - closer < (to - from) * 0.7);
  });
});
