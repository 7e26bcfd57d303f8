import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesOf } from './filter';
import { memoryRows, sortMemoryRows, type ReportMemory } from './memories';
import { recordingOf } from './report';
import { sampleReport } from './sample';

const place = (name: string) => ({ function: name, file: null, line: null });
const sums = (peak: number, end: number, blocks: number) => ({
  at_peak: { bytes: peak, blocks: 1 },
  at_end: { bytes: end, blocks: 1 },
  total: { bytes: peak + end, blocks },
  temporary_blocks: 0,
});

// Two sites that take from the pool "nodes", of which the first takes from "text", too.
const pools: ReportMemory = {
  summary: { ...sums(60, 30, 9), peak_ms: 4 },
  sites: [
    { ...place('parse(char)'), ...sums(40, 0, 6) },
    { ...place('load(int)'), ...sums(20, 30, 3) },
  ],
  stacks: [
    { ...sums(30, 0, 5), calls: [place('[pool nodes]'), place('parse(char)'), place('main')], site: 0 },
    { ...sums(10, 0, 1), calls: [place('[pool text]'), place('parse(char)'), place('main')], site: 0 },
    { ...sums(20, 30, 3), calls: [place('[pool nodes]'), place('load(int)'), place('main')], site: 1 },
  ],
  curve: [[4, 60], [9, 30]],
};

const mapped = { mappings: 2, bytes: 8192 };
const mappings: ReportMemory = {
  summary: { at_peak: mapped, at_end: mapped, total: mapped, peak_ms: 1 },
  sites: [{ ...place('map'), at_peak: mapped, at_end: mapped, total: mapped }],
  stacks: ['file', 'anonymous', 'file'].map((kinds) => ({
    at_peak: { mappings: 1, bytes: 4096 }, at_end: { mappings: 1, bytes: 4096 },
    total: { mappings: 1, bytes: 4096 }, calls: [place('map')], site: 0, kinds,
  })),
  curve: [],
};

const memory = () => recordingOf({ ...sampleReport(), pools }).memories[0];

test('only what there is of it is a memory', () => {
  assert.deepEqual(recordingOf(sampleReport()).memories, []);
  const both = recordingOf({ ...sampleReport(), mappings, pools }).memories;
  assert.deepEqual(both.map(({ kind }) => kind), ['mappings', 'pools']);
});

test('rows are pools or sites, with the sums of their stacks', () => {
  const by = (group: 'pool' | 'site') =>
    sortMemoryRows(memoryRows(memory(), group, null), 'peak', true)
      .map(({ name, stacks, amounts }) => [name, stacks, amounts.peak, amounts.count]);
  assert.deepEqual(by('pool'), [['nodes', [0, 2], 50, 8], ['text', [1], 10, 1]]);
  assert.deepEqual(by('site'), [['parse', [0, 1], 40, 6], ['load', [2], 20, 3]]);
});

test('the filter knows names of pools', () => {
  const rows = memoryRows(memory(), 'site', matchesOf(memory(), '[pool TEXT]'));
  assert.deepEqual(rows.map(({ name, amounts }) => [name, amounts.peak]), [['parse', 10]]);
});

test('a site of mappings says each kind once, and has none that are temporary', () => {
  const [found] = recordingOf({ ...sampleReport(), mappings }).memories;
  const [row] = memoryRows(found, 'site', null);
  assert.equal(row.about, 'file, anonymous');
  assert.deepEqual(row.amounts, { peak: 12288, end: 12288, total: 12288, count: 3 });
});
