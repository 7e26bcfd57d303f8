import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockNear, classesOf, endOf, linesOf, mapWords, usualRowBytes, type Row } from './address_map';
import { recordingOf, type ReportBlock, type ReportMap } from './report';
import { sampleReport } from './sample';

const high = 0x7f28be000000;

function mapOf(blocks: ReportBlock[], more: Partial<ReportMap> = {}): ReportMap {
  const bytes = blocks.reduce((sum, block) => sum + block[1], 0);
  const live = { blocks: blocks.length, bytes };
  return { moment: 'peak', time_ms: 40, live, pages: 1, extent_bytes: 1, blocks, others: null, ...more };
}

// Numbers that are as random as this needs, and the same each time.
function* dice(): Generator<number, never> {
  for (let state = 7; ; ) yield (state = (state * 1103515245 + 12345) % 2 ** 31) >>> 8;
}

test('rows where there are blocks, gaps between', () => {
  const map = mapOf([
    [high, 300, 0, 1],
    [high + 1000, 100, 1, 2], // goes on in the next row
    [high + 2 ** 30, 16, 2, 3],
  ]);
  assert.deepEqual(linesOf(map, 1024), [
    { kind: 'row', start: high, blocks: [0, 1], others: [] },
    { kind: 'row', start: high + 1024, blocks: [1], others: [] },
    { kind: 'gap', bytes: 2 ** 30 - 1100, isInBlock: false },
    { kind: 'row', start: high + 2 ** 30, blocks: [2], others: [] },
  ]);
});

test('a long block has its first and its last row', () => {
  const lines = linesOf(mapOf([[high + 100, 2 ** 20, 0, 1], [high + 2 ** 20 + 200, 8, 0, 1]]), 1024);
  assert.deepEqual(lines, [
    { kind: 'row', start: high, blocks: [0], others: [] },
    { kind: 'gap', bytes: 2 ** 20 - 1024, isInBlock: true },
    { kind: 'row', start: high + 2 ** 20, blocks: [0, 1], others: [] },
  ]);
});

test('each block is in each row that it lies in, at any scale', () => {
  const numbers = dice();
  const blocks: ReportBlock[] = [];
  for (let address = high; blocks.length < 2000; ) {
    const size = numbers.next().value % 3000;
    blocks.push([address, size, 0, 0]);
    address += Math.max(size, 1) + (numbers.next().value % 5 === 0 ? numbers.next().value % 2 ** 16 : 0);
  }
  const map = mapOf(blocks);
  for (const rowBytes of [1024, 4096, 2 ** 16, 2 ** 24]) {
    const rows = linesOf(map, rowBytes).filter((line): line is Row => line.kind === 'row');
    const starts = rows.map((row) => row.start);
    assert.deepEqual(starts, [...new Set(starts)].sort((a, b) => a - b));
    blocks.forEach((block, at) => {
      const expected = starts.filter((start) => start < endOf(block) && start + rowBytes > block[0]);
      const found = rows.filter((row) => row.blocks.includes(at)).map((row) => row.start);
      assert.deepEqual(found, expected);
      assert.ok(found.length > 0);
    });
  }
  assert.ok(linesOf(map, usualRowBytes(map)).length <= 48);
});

test('what was summed up has rows, too', () => {
  const others = { range_bytes: 8192, ranges: [[high + 2 ** 20, 5, 900]] as [number, number, number][] };
  const lines = linesOf(mapOf([[high, 16, 0, 0]], { others }), 4096);
  assert.deepEqual(
    lines.map((line) => (line.kind === 'row' ? line.others : line.bytes)),
    [[], 2 ** 20 - 16, [0], [0]],
  );
});

test('the nearest block', () => {
  const map = mapOf([[100, 10, 0, 0], [200, 10, 0, 0]]);
  const found = [0, 100, 109, 150, 160, 200, 5000].map((address) => blockNear(map, address));
  assert.deepEqual(found, [0, 0, 0, 0, 1, 1, 1]);
  assert.equal(blockNear(mapOf([]), 5), -1);
});

test('classes add up to what is drawn', () => {
  const recording = recordingOf(sampleReport());
  const map = mapOf([[100, 300, 0, 0], [500, 10, 1, 15], [600, 10, 2, 40], [700, 70_000, null, 39]]);
  for (const by of ['site', 'age', 'size'] as const) {
    const { of, listed } = classesOf(map, recording, by);
    const sums = listed.map(() => 0);
    of.forEach((at, block) => (sums[at] += map.blocks[block][1]));
    assert.deepEqual(listed.map(({ bytes }) => bytes), sums);
  }
  const names = classesOf(map, recording, 'site').listed.map(({ label }) => label);
  assert.deepEqual(names, ['not known', 'load', 'parse']);
  assert.deepEqual([...classesOf(map, recording, 'age').of], [0, 1, 4, 4]);
  assert.deepEqual([...classesOf(map, recording, 'size').of], [1, 0, 0, 4]);
});

test('more sites than colours', () => {
  const report = sampleReport();
  const many = 20;
  report.sites = Array.from({ length: many }, (_, at) => ({ ...report.sites[0], function: `f${at}()` }));
  report.stacks = report.sites.map((_, site) => ({ ...report.stacks[0], site }));
  const blocks = report.stacks.map((_, at): ReportBlock => [1000 * at, 10 * at + 1, at, 0]);
  const { of, listed } = classesOf(mapOf(blocks), recordingOf(report), 'site');
  assert.equal(listed.length, 9);
  assert.deepEqual([listed[0].label, listed[8].label], ['f19', '12 other sites']);
  assert.deepEqual([of[19], of[12], of[11], of[0]], [0, 7, 8, 8]);
});

test('words', () => {
  const recording = recordingOf(sampleReport());
  const others = { range_bytes: 4096, ranges: [[0, 3, 900]] as [number, number, number][] };
  const map = mapOf([[100, 1148, 0, 0]], { live: { blocks: 4, bytes: 2048 }, pages: 2, extent_bytes: 3000, others });
  const [sums, rest] = mapWords(map, 4096, recording);
  assert.match(sums, /4 blocks with 2\.0 KiB on 2 pages of 4\.0 KiB, 8\.0 KiB in all, of which 25 % are live/);
  assert.match(rest, /3 blocks with 900 B/);
  recording.report.sample_bytes = 1024;
  assert.match(mapWords(map, 4096, recording)[1], /^A sample/);
});
