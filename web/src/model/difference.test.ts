import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  changeWords,
  columnsOf,
  differenceOf,
  diffSchema,
  kindOf,
  shareOfChange,
  shareText,
  signed,
  sumsByKind,
  widthsOf,
  type DiffReport,
} from './difference';
import { diffRows, isShownAs, sortDiffRows } from './diff_sites';
import { matchesOf } from './filter';
import { flameTree } from './flame';
import { recordingOf } from './report';
import { sampleReport } from './sample';

// load has moved by a line and doubled, parse has gone, write is new, and idle is as it was.
//
//   main:9 > load:3    -    100     main:9 > load:4   200   -
//   main:9 > parse:7   -     50     main:9 > write:8   30   -
//   main:9 > idle:1   10     10
function difference(): DiffReport {
  const { frames, sites, stacks, address_map, schema, ...facts } = sampleReport();
  const at = (name: string, line: number) => ({ function: name, file: '/src/a.c', line });
  const values = (bytes: number, blocks: number) => [bytes, bytes, 2 * bytes, blocks, 0];
  const none = values(0, 0);
  return {
    schema: diffSchema,
    this: { ...facts, file: 'this.strata' },
    other: { ...facts, file: 'other.strata' },
    frames: [at('main', 9), at('load', 4), at('write', 8), at('idle', 1), at('load', 3), at('parse', 7)],
    stacks: [
      { calls: [1, 0], site: 1, this: values(200, 2), other: none },
      { calls: [2, 0], site: 2, this: values(30, 1), other: none },
      { calls: [3, 0], site: 3, this: values(10, 1), other: values(10, 1) },
      { calls: [4, 0], site: 4, this: none, other: values(100, 1) },
      { calls: [5, 0], site: 5, this: none, other: values(50, 5) },
    ],
  };
}

const byFunction = differenceOf(difference(), 'function');
const peaks = columnsOf(byFunction, 'peak');

test('the same function is the same call, wherever its lines have gone', () => {
  assert.equal(byFunction.stacks.length, 4);
  const load = byFunction.stacks[0];
  assert.deepEqual([load.here, load.other], [[200, 200, 400, 2, 0], [100, 100, 200, 1, 0]]);
  const names = byFunction.frames.map(({ function: name, line }) => [name, line]);
  assert.deepEqual(names, [['main', 9], ['load', null], ['write', 8], ['idle', 1], ['parse', 7]]);
});

test('by line a call that has moved is a gone one and a new one', () => {
  const byLine = differenceOf(difference(), 'line');
  const rows = diffRows(byLine, columnsOf(byLine, 'peak'), null);
  const loads = rows.filter(({ name }) => name === 'load').map(({ kind, where }) => [kind, where.line]);
  assert.deepEqual(loads, [['new', 4], ['gone', 3]]);
});

test('joining leaves the report as it was', () => {
  const report = difference();
  differenceOf(report, 'function');
  assert.deepEqual(report, difference());
});

test('nodes are as wide as the larger, and know both sums', () => {
  const root = flameTree(byFunction, widthsOf(peaks, 'both'), 'callers', [peaks.here, peaks.other]);
  assert.deepEqual([root.value, root.sums], [290, [240, 160]]);
  const widths = root.children[0].children.map(({ frame, value }) => [byFunction.frames[frame].function, value]);
  assert.deepEqual(widths, [['load', 200], ['parse', 50], ['write', 30], ['idle', 10]]);
});

test('by difference what is the same has no width, and still counts', () => {
  const root = flameTree(byFunction, widthsOf(peaks, 'change'), 'callers', [peaks.here, peaks.other]);
  assert.deepEqual([root.value, root.sums], [180, [240, 160]]);
  assert.equal(root.children[0].children.length, 3);
});

test('rows, their order, and those that are shown', () => {
  const rows = diffRows(byFunction, peaks, null);
  const names = (key: 'difference' | 'share' | 'name' | 'this', isDescending: boolean) =>
    sortDiffRows(rows, key, isDescending).map(({ name }) => name);
  assert.deepEqual(names('difference', true), ['load', 'parse', 'write', 'idle']);
  assert.deepEqual(names('share', true), ['write', 'load', 'idle', 'parse']);
  assert.deepEqual(names('this', false), ['parse', 'idle', 'write', 'load']);
  assert.deepEqual(names('name', false), ['idle', 'load', 'parse', 'write']);
  const shown = (which: 'changed' | 'more' | 'less' | 'same') =>
    rows.filter((row) => isShownAs(row, which)).map(({ name }) => name);
  assert.deepEqual(shown('changed'), ['load', 'parse', 'write']);
  assert.deepEqual(shown('more'), ['load', 'write']);
  assert.deepEqual(shown('less'), ['parse']);
  assert.deepEqual(shown('same'), ['idle']);
  assert.equal(diffRows(byFunction, peaks, matchesOf(byFunction, 'pars')).length, 1);
});

test('100,000 sites are told apart and sorted while nobody notices', () => {
  const report = difference();
  report.frames = Array.from({ length: 100_001 }, (_, at) => ({ function: `f${at}`, file: 'a.c', line: at }));
  report.stacks = Array.from({ length: 100_000 }, (_, at) => {
    const values = [at % 7, 0, 0, 0, 0];
    return { calls: [at, 100_000], site: at, this: values, other: [at % 5, 0, 0, 0, 0] };
  });
  const many = differenceOf(report, 'function');
  const rows = sortDiffRows(diffRows(many, columnsOf(many, 'peak'), null), 'difference', true);
  assert.equal(Math.abs(rows[0].here - rows[0].other), 6);
  assert.equal(rows.length, 100_000 - Math.ceil(100_000 / 35)); // those with neither have no row
});

test('figures in words', () => {
  const words = (here: number, other: number) => changeWords({ here, other }, 'bytes');
  assert.equal(words(3072, 1024), '2.0 KiB more: from 1.0 KiB to 3.0 KiB, +200 %');
  assert.equal(words(1024, 4096), '3.0 KiB less: from 4.0 KiB to 1.0 KiB, −75 %');
  assert.equal(words(7, 0), 'new: 7 B, nothing in the other');
  assert.equal(words(0, 7), 'gone: 7 B in the other, nothing in this');
  assert.equal(words(7, 7), 'the same in both: 7 B');
  assert.equal(signed({ here: 5000, other: 7000 }, 'blocks'), '−2.0 k');
  assert.equal(shareText({ here: 4000, other: 100 }), '40 ×');
  assert.equal(shareText({ here: 100_001, other: 100_000 }), '+<0.1 %');
  assert.equal(shareOfChange({ here: 1, other: 4 }), -0.75);
  assert.equal(kindOf({ here: 0, other: 0 }), 'same');
});

test('sums by kind', () => {
  assert.deepEqual(sumsByKind(peaks, null), { new: 30, grown: 100, same: 10, shrunk: 0, gone: 50 });
  const chosen = matchesOf(byFunction, 'load')!.stacks;
  assert.deepEqual(sumsByKind(peaks, chosen), { new: 0, grown: 100, same: 0, shrunk: 0, gone: 0 });
});

test('a difference is no recording', () => {
  assert.throws(() => recordingOf(difference() as never), /not a report/);
});
