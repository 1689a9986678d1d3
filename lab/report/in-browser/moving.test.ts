import assert from 'node:assert/strict';
import { goodTakeover } from '../../checkers/testing/good-takeover.ts';
import { inBrowser, selectedIn, viewOf } from './browser.fixture.ts';

/** By keyboard, buttons and pointer; times are of `goodTakeover`. */
describe('moving about in a report', function () {
  this.timeout(60_000);
  const open = inBrowser();

  const violated = () => goodTakeover().writes(8.2, 'server-1', 2).writes(8.4, 'server-1', 2);

  it('obeys the keyboard', async () => {
    const page = await open(goodTakeover());
    const [from, to] = await viewOf(page);
    await page.keyboard.press('+');
    const [closer, until] = await viewOf(page);
    assert.ok(closer > from && until < to);
    await page.keyboard.press('ArrowRight');
    assert.ok((await viewOf(page))[0] > closer);
    await page.keyboard.press('ArrowLeft');
    assert.ok(Math.abs((await viewOf(page))[0] - closer) < 1e-6);
    await page.locator('#timeline').focus();
    await page.keyboard.press('End');
    assert.ok(Math.abs((await viewOf(page))[1] - to) < 1e-6);
    await page.keyboard.press('Home');
    assert.ok(Math.abs((await viewOf(page))[0] - from) < 1e-6);
    await page.keyboard.press('-');
    await page.keyboard.press('0');
    assert.deepEqual(await viewOf(page), [from, to]);
  });

  it('goes from fault to fault, and stops at the last', async () => {
    const second = { at: 8, id: 2, fault: 'cut', target: 'server-2' } as const;
    const story = goodTakeover().fault(second.at, 2, 'cut', 'server-2', 'requested');
    const page = await open(
      story.fault(8.1, 2, 'cut', 'server-2', 'effective').fault(9, 2, 'cut', 'server-2', 'healed'),
    );
    const said = page.locator('#announcement');
    for (const [key, says] of [
      ['n', /fault 1: kill/],
      ['n', /fault 2: cut on server-2/],
      ['n', /no further/],
      ['p', /fault 1/],
    ] as const) {
      await page.keyboard.press(key);
      await said.filter({ hasText: says }).waitFor();
    }
    const [from, to] = await viewOf(page);
    assert.ok(from < 5 && to > 10, 'the whole of the fault is in view');
    assert.match(await selectedIn(page), /fault 1: kill server-1 requested/);
  });

  it('jumps to the first violation, selects what broke the claim, and says so', async () => {
    const page = await open(violated());
    assert.match(
      await page.locator('.claim.violated').innerText(),
      /single-writer[^]*server-1 wrote under epoch 2/,
    );
    await page.keyboard.press('v');
    const [from, to] = await viewOf(page);
    assert.ok(from < 8.2 && to > 8.2 && to - from < 2, `${from} to ${to}`);
    assert.match(
      await page.locator('#announcement').innerText(),
      /violation 1 of 1, single-writer: server-1 wrote/,
    );
    assert.match(await selectedIn(page), /server-1 \(epoch 2\) wrote 512 bytes/);
    assert.match(await page.locator('#details').innerText(), /storage: write[^]*outcome\s+ok/);
  });

  it('jumps to an instant that evidence names', async () => {
    const page = await open(violated());
    await page.locator('.claim.violated button.instant').first().click();
    const [from, to] = await viewOf(page);
    const at = parseFloat(await page.locator('.claim.violated button.instant').first().innerText());
    assert.ok(from < at && at < to && to - from < 2);
  });

  it('zooms to what is dragged across, and tells what the pointer is on', async () => {
    const page = await open(goodTakeover());
    const [from, to] = await viewOf(page);
    const box = (await page.locator('#lanes').boundingBox())!;
    const x = (t: number) => box.x + ((t - from) / (to - from)) * box.width;
    const row = page.locator('.lane-name', { hasText: 'server-2' });
    const y = (await row.boundingBox())!.y + 10;
    await page.mouse.move(x(9), y);
    assert.match(await page.getByRole('tooltip').innerText(), /server-2, role: active, epoch 3/);
    await page.mouse.move(x(6), y);
    await page.mouse.down();
    await page.mouse.move(x(7), y, { steps: 3 });
    await page.mouse.up();
    const [zoomedFrom, zoomedTo] = await viewOf(page);
    assert.ok(
      Math.abs(zoomedFrom - 6) < 0.05 && Math.abs(zoomedTo - 7) < 0.05,
      `${zoomedFrom} to ${zoomedTo}`,
    );
  });

  it('turns the wheel into zoom with Ctrl or once the lanes have the focus, and leaves the page alone before', async () => {
    const page = await open(goodTakeover());
    const width = async () => (await viewOf(page)).reduce((from, to) => to - from);
    const whole = await width();
    const box = (await page.locator('#lanes').boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 60);
    await page.mouse.wheel(0, -200);
    assert.equal(await width(), whole);
    await page.evaluate(() => scrollTo(0, 0));
    await page.locator('#timeline').focus();
    await page.mouse.wheel(0, -200);
    await page.waitForFunction((most) => {
      const { from, to } = document.getElementById('timeline')!.dataset;
      return Number(to) - Number(from) < most;
    }, whole * 0.9e9);
  });

  it('walks through the events with the keyboard', async () => {
    const page = await open(goodTakeover());
    await page.locator('#event-list').focus();
    await page.keyboard.press('ArrowDown');
    await page.locator('[aria-selected=true]').waitFor();
    const first = await selectedIn(page);
    await page.keyboard.press('j');
    await page.waitForFunction(
      (old) => !document.querySelector<HTMLElement>('[aria-selected=true]')!.innerText.includes(old),
      first,
    );
    const active = await page.locator('#event-list').getAttribute('aria-activedescendant');
    assert.equal(active, await page.locator('[aria-selected=true]').getAttribute('id'));
    await page.keyboard.press('End');
    await page.locator('[aria-selected=true]', { hasText: 'the lab ended' }).waitFor();
  });

  it('lists its keys with ?', async () => {
    const page = await open(goodTakeover());
    await page.keyboard.press('?');
    assert.match(await page.getByRole('dialog').innerText(), /v\s+to the first violation/);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  });
});
