// The page in Chromium, at the width of a screen and of a telephone: each view is opened and worked with, by
// mouse and by keyboard. Anything on the console, any request and anything that is too wide fails.
//
//   node browser_test.mjs STRATA RECORDER C_COMPILER      status 77: there is no Chromium
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '../../web/node_modules/playwright-core/index.mjs';

const [strata, recorder, compiler] = process.argv.slice(2);
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
if (!browserPath) {
  console.log('no Chromium: skipped');
  process.exit(77);
}

const folder = mkdtempSync(join(tmpdir(), 'strata-page-'));
const at = (name) => join(folder, name);

// Where the program says that a block of each site lies.
let cached = '';
let loaded = '';

function makePages() {
  const source = fileURLToPath(new URL('keeper.c', import.meta.url));
  const env = { ...process.env, STRATA_RECORDER: recorder };
  const headers = fileURLToPath(new URL('../../include', import.meta.url));
  const options = ['-D_GNU_SOURCE', `-I${headers}`, '-g', '-O1', '-fno-inline', '-fno-builtin'];
  execFileSync(compiler, [source, '-o', at('keeper'), ...options]);
  execFileSync(compiler, [source, '-DNEWER', '-o', at('newer'), ...options]);
  const record = (program, recording, more) => {
    const how = ['record', '--quiet', '--every', ...more, '-o', at(recording), '--', at(program)];
    return execFileSync(strata, how, { env, encoding: 'utf8' }).trim().split(' ');
  };
  const write = (name, ...of) => execFileSync(strata, ['report', ...of, '--html', at(name)], { env });
  record('keeper', 'before.strata', []);
  record('newer', 'after.strata', []);
  [cached, loaded] = record('keeper', 'keeper.strata', ['--addresses']);
  write('without.html', at('before.strata'));
  write('difference.html', at('after.strata'), '--diff', at('before.strata'));
  write('page.html', at('keeper.strata'));
}

// Everything that a reader would not see, but we must.
function watch(page, faults) {
  page.on('console', (message) => faults.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (!/^(file|data|blob):/.test(request.url())) faults.push(`request: ${request.url()}`);
  });
}

// Where a block is on the canvas hangs on the allocator: looked for along a line through the middle.
async function clickSomeBlock(page, map, selected) {
  const box = await map.boundingBox();
  for (let x = box.width - 10; x > 90; x -= 10) {
    await map.click({ position: { x, y: box.height / 2 } });
    if (await selected.isVisible()) break;
  }
  assert.match(await selected.getByRole('heading').innerText(), / at 0x[0-9a-f]+$/);
  await selected.getByRole('button', { name: 'Close' }).click();
}

const views = {
  async Flame(page) {
    const graph = page.getByRole('application', { name: /Flame graph/ });
    assert.ok(Number(await graph.getAttribute('data-rectangles')) >= 5);
    const words = page.locator('#panel-flame .words');
    await graph.focus();
    for (const key of ['ArrowDown', 'ArrowDown']) await graph.press(key);
    await graph.press('Enter');
    assert.match(await words.innerText(), /MiB · \d/);
    await page.getByRole('button', { name: 'Zoom out' }).click();
    assert.match(await words.innerText(), /All calls/);
    await page.getByRole('button', { name: 'Bottom up' }).click();
    await graph.click({ position: { x: 30, y: 30 } });
    assert.match(await words.innerText(), /cache|load/);
    await page.getByRole('button', { name: 'Bottom up' }).click();
    await page.getByLabel('Allocated').check({ force: true });
    await page.keyboard.press('/');
    await page.keyboard.type('CHURN');
    await page.getByText(/^Matches: 1.2 MiB/).waitFor();
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Delete');
    await page.locator('#panel-flame .sum', { hasText: /in all$/ }).waitFor();
    await page.getByLabel('Live at peak').check({ force: true });
  },
  async Sites(page) {
    const names = () => page.locator('#panel-sites tbody tr:not(.space) b').allInnerTexts();
    assert.equal((await names())[0], 'cache');
    await page.getByLabel('Blocks').check({ force: true });
    assert.equal((await names())[0], 'churn');
    await page.getByRole('columnheader', { name: /Site/ }).getByRole('button').click();
    assert.equal((await names())[0], 'cache');
    await page.getByLabel('Live at end').check({ force: true });
    const rows = page.getByRole('region', { name: 'Sites' });
    await rows.focus();
    await rows.press('End');
    await rows.press('Enter');
    const selected = page.getByRole('region', { name: 'Selected' });
    await selected.getByRole('list', { name: /Calls/ }).first().waitFor();
    await selected.getByRole('button', { name: 'Close' }).click();
    await page.getByLabel('Live at peak').check({ force: true });
  },
  async Address(page) {
    const map = page.getByRole('application', { name: /Address map/ });
    const selected = page.getByRole('region', { name: 'Selected' });
    const stack = () => selected.getByRole('listitem').locator('b').allInnerTexts();
    await page.getByLabel('Moment').locator('visible=true').selectOption('end');
    await page.locator('.facts', { hasText: /140 blocks with 4\.1 MiB on \d[\d.k ]* pages/ }).waitFor();
    const find = async (address, expected) => {
      const box = page.getByRole('searchbox', { name: 'Block at an address' });
      await box.fill(address);
      await box.press('Enter');
      await selected.getByRole('heading', { name: expected }).waitFor();
    };
    const inside = (start) => `0x${(BigInt(start) + 5n).toString(16)}`;
    await find(inside(loaded), `2.9 KiB at ${loaded}`);
    assert.deepEqual((await stack()).slice(0, 3), ['load', 'run', 'main']);
    await find(inside(cached), `97.7 KiB at ${cached}`);
    assert.deepEqual((await stack()).slice(0, 3), ['cache', 'run', 'main']);
    // Blocks of cache lie beside each other, and fill their rows: those to the left and the right have its stack, too.
    const words = page.locator('#panel-addresses .words');
    await map.focus();
    const seen = new Set();
    for (const key of ['ArrowLeft', 'ArrowRight', 'ArrowDown', 'ArrowUp', '+', '-', 'End', 'Home']) {
      await map.press(key);
      seen.add(await words.innerText());
      await map.press('Enter');
      const [size] = (await selected.getByRole('heading').innerText()).split(' at ');
      const expected = { '97.7 KiB': 'cache', '2.9 KiB': 'load' };
      if (size in expected) assert.equal((await stack())[0], expected[size]);
    }
    assert.ok(seen.size >= 4);
    await selected.getByRole('button', { name: 'Close' }).click();
    const lines = Number(await map.getAttribute('data-lines'));
    await page.getByRole('button', { name: '+', exact: true }).click();
    assert.ok(Number(await map.getAttribute('data-lines')) > lines);
    await page.getByRole('button', { name: '−', exact: true }).click();
    assert.equal(Number(await map.getAttribute('data-lines')), lines);
    await clickSomeBlock(page, map, selected);
    await page.getByLabel('Colours').selectOption('age');
    await page.locator('.classes', { hasText: 'came ' }).waitFor();
    await page.getByLabel('Colours').selectOption('size');
    await page.locator('.classes li', { hasText: /up to 4\.0 KiB 29\d KiB/ }).waitFor();
    await page.getByLabel('Colours').selectOption('site');
    await page.locator('.classes li', { hasText: /^cache 3\.8 MiB$/ }).waitFor();
    await page.getByRole('searchbox', { name: /Filter/ }).fill('load');
    await page.getByRole('searchbox', { name: /Filter/ }).fill('');
  },
  async Mappings(page) {
    const panel = page.locator('#panel-mappings');
    assert.match(await panel.locator('.facts').first().innerText(), /^\d\.\d MiB live at the peak/);
    const row = panel.locator('tbody tr', { hasText: /^map\s*keeper/ });
    assert.match(await row.innerText(), /keeper\.c:\d+ · anonymous\s+6\.0 MiB/);
    await page.getByLabel('Temporary').check({ force: true });
    assert.match(await row.innerText(), /6\.0 MiB/); // there is no such figure of mappings: live at the peak
    await page.getByLabel('Live at end').check({ force: true });
    assert.match(await row.innerText(), /4\.0 MiB/);
    await page.getByLabel('Blocks').check({ force: true });
    assert.match(await row.innerText(), /anonymous\s+3100 %/);
    await row.click();
    const selected = page.getByRole('region', { name: 'Selected' });
    await selected.getByText(/^Mappings: 1, /).first().waitFor();
    const calls = await selected.getByRole('list', { name: /Calls/ }).first().locator('b').allInnerTexts();
    assert.deepEqual(calls.slice(0, 4), ['map', 'map_three', 'run', 'main']);
    await selected.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('searchbox', { name: /Filter/ }).fill('map_three');
    await panel.getByText('1 site', { exact: true }).waitFor();
    await page.getByRole('searchbox', { name: /Filter/ }).fill('nobody');
    await panel.getByText('No site matches.').waitFor();
    await page.getByRole('searchbox', { name: /Filter/ }).fill('');
    await row.waitFor();
    await page.getByLabel('Live at peak').check({ force: true });
  },
  async Pools(page) {
    const panel = page.locator('#panel-pools');
    const names = () => panel.locator('tbody tr:not(.space) b').allInnerTexts();
    assert.match(await panel.locator('.facts').first().innerText(), /^48\.8 KiB live .* In all 530 blocks/);
    assert.deepEqual(await names(), ['requests', 'names']);
    await page.getByLabel('Live at end').check({ force: true });
    assert.deepEqual(await names(), ['names', 'requests']);
    assert.match(await panel.getByRole('row', { name: /names/ }).innerText(), /5\.9 KiB\s*100 %/);
    const rows = page.getByRole('region', { name: 'Pools' });
    await rows.focus();
    await rows.press('Enter');
    const selected = page.getByRole('region', { name: 'Selected' });
    await selected.getByRole('heading', { name: '[pool names]' }).waitFor();
    const calls = await selected.getByRole('list', { name: /Calls/ }).locator('b').allInnerTexts();
    assert.deepEqual(calls.slice(1, 4), ['intern', 'use_pools', 'run']);
    await selected.getByRole('button', { name: 'Close' }).click();
    await panel.getByLabel('Rows').selectOption('site');
    assert.deepEqual(await names(), ['intern', 'serve_request']);
    await page.getByRole('searchbox', { name: /Filter/ }).fill('[pool requests]');
    await panel.getByText('1 site', { exact: true }).waitFor();
    await page.getByRole('searchbox', { name: /Filter/ }).fill('');
    await page.getByLabel('Live at peak').check({ force: true });
    await panel.getByLabel('Rows').selectOption('pool');
    await panel.getByText('2 pools').waitFor();
  },
  async Resident(page) {
    for (const moment of ['resident', 'end', 'live']) {
      await page.getByLabel('Moment').locator('visible=true').selectOption(moment);
      assert.ok((await page.locator('#panel-resident .step').count()) >= 3);
    }
    const live = page.locator('#panel-resident .step.live h3 span');
    assert.match(await live.innerText(), /^4\.\d MiB$/);
  },
  async Lifetimes(page) {
    assert.equal(await page.locator('.histogram').count(), 2);
    const row = page.getByRole('row', { name: /64 B to 128 B/ });
    assert.match(await row.innerText(), /20\.0 k/);
  },
};

async function checkWindow(page) {
  const sum = page.locator('#panel-flame .sum');
  await page.getByRole('tab', { name: /Flame/ }).click();
  await page.getByLabel('Allocated').check({ force: true });
  const whole = await sum.innerText();
  const plot = await page.locator('.time-line .u-over').boundingBox();
  const y = plot.y + plot.height / 2;
  await page.mouse.move(plot.x + plot.width * 0.5, y);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width * 0.6, y, { steps: 4 });
  await page.mouse.up();
  await page.getByText(/^Window: /).waitFor();
  assert.notEqual(await sum.innerText(), whole);
  for (const name of ['Sites', 'Address map', 'Mappings', 'Pools', 'Resident', 'Lifetimes']) await page.getByRole('tab', { name }).click();
  await page.getByRole('tab', { name: /Flame/ }).click();
  await page.getByRole('button', { name: 'Whole recording' }).click();
  assert.equal(await sum.innerText(), whole);
  const handle = page.getByRole('slider', { name: 'Window from' });
  await handle.focus();
  await handle.press('ArrowRight');
  await page.getByText(/^Window: /).waitFor();
  await handle.press('Home');
}

async function checkTabs(page) {
  await page.getByRole('tab', { name: /Flame/ }).focus();
  for (const expected of ['Sites', 'Address map', 'Mappings', 'Pools', 'Resident', /Lifetimes/, /Flame/]) {
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tab', { name: expected, selected: true }).waitFor();
  }
}

// Nothing is too wide; and a picture, when one is asked for.
async function checkWidth(page, name, width, colorScheme) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.equal(over, 0, `${name} is ${over} px too wide at ${width}`);
  if (process.env.STRATA_PICTURES) {
    const path = join(process.env.STRATA_PICTURES, `${name}-${width}-${colorScheme}.png`);
    await page.screenshot({ path, fullPage: true });
  }
}

async function checkAt(browser, width, colorScheme) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  page.setDefaultTimeout(5000);
  const faults = [];
  watch(page, faults);
  await page.goto(`file://${at('page.html')}`);
  await page.locator('body[data-ready]').waitFor();
  assert.match(await page.title(), /keeper/);
  for (const [name, work] of Object.entries(views)) {
    await page.getByRole('tab', { name: new RegExp(`^${name}`) }).click();
    await work(page);
    await checkWidth(page, name, width, colorScheme);
  }
  await checkWindow(page);
  await checkTabs(page);
  assert.deepEqual(faults, []);
  await page.close();
}

async function checkWithoutAddresses(browser) {
  const page = await browser.newPage({ viewport: { width: 420, height: 900 } });
  const faults = [];
  watch(page, faults);
  await page.goto(`file://${at('without.html')}`);
  await page.getByRole('tab', { name: 'Address map' }).click();
  await page.getByText('strata record --addresses makes one that does').waitFor();
  assert.deepEqual(faults, []);
  await page.close();
}

// What newer has more than keeper, or less: live at the peak, which both have at the end.
const differences = {
  async Flame(page) {
    const graph = page.getByRole('application', { name: /Flame graph/ });
    const words = page.locator('#panel-flame .words');
    const sum = page.locator('#panel-flame .sum');
    const kinds = page.getByRole('list', { name: /Stacks by/ });
    assert.match(await sum.innerText(), /^In all: 2\.\d MiB more: from 4\.\d MiB to 6\.\d MiB, \+\d\d %$/);
    assert.deepEqual(await kinds.getByRole('listitem').allInnerTexts(), [
      '▲ new 488 KiB', '▲ grown by 1.9 MiB', '= the same 0 B', '▼ shrunk by 146 KiB', '▼ gone 0 B',
    ]);
    // Below what calls main there are main, run, and cache, which is widest.
    await graph.focus();
    for (let calls = 0; calls < 8 && !/^cache/.test(await words.innerText()); ++calls) await graph.press('ArrowDown');
    assert.match(await words.innerText(), /^cache\s+1\.9 MiB more: from 3\.8 MiB to 5\.7 MiB, \+50 %/);
    await graph.press('ArrowRight');
    assert.match(await words.innerText(), /^note\s+new: 488 KiB, nothing in the other/);
    await graph.press('ArrowRight');
    assert.match(await words.innerText(), /^load\s+146 KiB less: from 293 KiB to 146 KiB, −50 %/);
    await graph.press('Enter');
    await page.getByRole('button', { name: 'Zoom out' }).click();
    await page.getByLabel('Width').selectOption('change');
    await graph.press('Home');
    await page.getByRole('button', { name: 'Bottom up' }).click();
    await graph.click({ position: { x: 30, y: 30 } });
    assert.match(await words.innerText(), /^cache/);
    await page.getByRole('button', { name: 'Bottom up' }).click();
    await page.getByLabel('Temporary').check({ force: true });
    await kinds.getByText('▼ gone 20.0 k').waitFor();
    await page.getByLabel('Width').selectOption('both');
    await page.getByLabel('Live at peak').check({ force: true });
    await page.keyboard.press('/');
    await page.keyboard.type('NOTE');
    await page.getByText('Matches: new: 488 KiB, nothing in the other').waitFor();
    await kinds.getByText('▲ grown by 0 B').waitFor();
    await page.getByRole('searchbox').fill('');
    await page.getByText(/^In all: /).waitFor();
    await page.getByLabel('Same by').selectOption('line');
    await page.getByText(/^In all: 2\.\d MiB more/).waitFor();
    await page.getByLabel('Same by').selectOption('function');
  },
  async Sites(page) {
    const names = () => page.locator('#panel-sites tbody tr:not(.space) b').allInnerTexts();
    assert.deepEqual(await names(), ['cache', 'note', 'load']);
    const row = page.getByRole('row', { name: /note/ });
    assert.match(await row.innerText(), /\+488 KiB\s*▲/);
    const shown = page.getByLabel('Sites shown');
    assert.match(await shown.locator('option:checked').innerText(), /^What changed: 3 sites$/);
    await shown.selectOption('less');
    assert.deepEqual(await names(), ['load']);
    await shown.selectOption('new');
    assert.deepEqual(await names(), ['note']);
    await shown.selectOption('changed');
    const head = page.getByRole('columnheader', { name: /Difference/ });
    await head.getByRole('button').click();
    assert.deepEqual(await names(), ['load', 'note', 'cache']);
    assert.equal(await head.getAttribute('aria-sort'), 'ascending');
    const rows = page.getByRole('region', { name: 'Sites' });
    await rows.focus();
    await rows.press('End');
    await rows.press('Enter');
    const selected = page.getByRole('region', { name: 'Selected' });
    await selected.getByText('Live at peak: 1.9 MiB more: from 3.8 MiB to 5.7 MiB, +50 %').waitFor();
    const calls = await selected.getByRole('list', { name: /Calls/ }).locator('b').allInnerTexts();
    assert.deepEqual(calls.slice(0, 3), ['cache', 'run', 'main']);
    await selected.getByRole('button', { name: 'Show in flame graph' }).click();
    await page.getByText(/^Matches: 1\.9 MiB more/).waitFor();
    await page.getByRole('searchbox').fill('');
    await page.getByRole('tab', { name: 'Sites' }).click();
  },
};

// What is chosen is in the address: the same page is seen when it is opened by it.
async function checkLink(page) {
  await page.getByLabel('Allocated').check({ force: true });
  await page.getByLabel('Same by').selectOption('line');
  await page.reload();
  await page.locator('body[data-ready]').waitFor();
  assert.ok(await page.getByLabel('Allocated').isChecked());
  assert.equal(await page.getByLabel('Same by').inputValue(), 'line');
  await page.getByRole('tab', { name: 'Sites', selected: true }).waitFor();
}

async function checkDifference(browser, width, colorScheme) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  page.setDefaultTimeout(5000);
  const faults = [];
  watch(page, faults);
  await page.goto(`file://${at('difference.html')}`);
  await page.locator('body[data-ready]').waitFor();
  assert.match(await page.title(), /newer, compared/);
  const recordings = await page.getByRole('list', { name: 'Recordings' }).innerText();
  assert.match(recordings, /this\s+\S*after\.strata[^]*other\s+\S*before\.strata/);
  const summary = page.getByRole('table', { name: 'Summary of both' });
  const temporary = await summary.getByRole('row', { name: /temporary/ }).innerText();
  assert.match(temporary, /temporary\s+20\.0 k\s+\d+\s+−20\.0 k/);
  for (const [name, work] of Object.entries(differences)) {
    await page.getByRole('tab', { name: new RegExp(`^${name}`) }).click();
    await work(page);
    await checkWidth(page, `difference-${name}`, width, colorScheme);
  }
  await checkLink(page);
  assert.deepEqual(faults, []);
  await page.close();
}

let browser;
try {
  makePages();
  const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
  browser = await chromium.launch({ executablePath: browserPath, args });
  await checkAt(browser, 1280, 'light');
  await checkAt(browser, 420, 'dark');
  await checkWithoutAddresses(browser);
  await checkDifference(browser, 1280, 'light');
  await checkDifference(browser, 420, 'dark');
} finally {
  await browser?.close();
  rmSync(folder, { recursive: true });
}
console.log('the page works');
