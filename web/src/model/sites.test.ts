import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesOf } from './filter';
import { recordingOf } from './report';
import { sampleReport } from './sample';
import { siteRows, sortRows } from './sites';

const recording = recordingOf(sampleReport());

test('a row is the sum of its stacks', () => {
  const rows = sortRows(siteRows(recording, null, null), 'total', true);
  assert.deepEqual(rows.map(({ name, stacks, values }) => [name, stacks, values.total, values.end]), [
    ['load', 1, 900, 0],
    ['parse', 2, 110, 60],
  ]);
});

test('filter and window hold for rows, too', () => {
  const rows = siteRows(recording, null, matchesOf(recording, 'run'));
  assert.deepEqual(rows.map(({ name, stacks }) => [name, stacks]), [['load', 1], ['parse', 1]]);
  const inWindow = siteRows(recording, { from: 2, to: 2 }, null);
  assert.equal(inWindow.find(({ name }) => name === 'parse')!.values.total, 50);
});

test('order', () => {
  const names = (key: 'name' | 'temporary', descending: boolean) =>
    sortRows(siteRows(recording, null, null), key, descending).map(({ name }) => name);
  assert.deepEqual(names('name', false), ['load', 'parse']);
  assert.deepEqual(names('name', true), ['parse', 'load']);
  assert.deepEqual(names('temporary', true), ['parse', 'load']);
});

test('100,000 sites are sorted while nobody notices', () => {
  const rows = siteRows(recording, null, null);
  const many = Array.from({ length: 100_000 }, (_, site) => ({ ...rows[site % 2], site }));
  const sorted = sortRows(many, 'total', true);
  assert.equal(sorted[0].name, 'load');
  assert.equal(sorted.at(-1)!.site, 99_999);
});
