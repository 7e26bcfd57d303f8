import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valuesOf } from './figures';
import { matchesOf } from './filter';
import { chosenSums, flameTree, layOut, sameNode } from './flame';
import { recordingOf } from './report';
import { sampleReport } from './sample';

const recording = recordingOf(sampleReport());
const totals = valuesOf(recording, 'total', null); // 900, 100, 10

test('stacks that begin alike share nodes', () => {
  const root = flameTree(recording, totals, 'callers');
  assert.equal(root.value, 1010);
  const [main] = root.children;
  assert.equal(main.value, 1010);
  assert.deepEqual(main.children.map(({ frame, value }) => [frame, value]), [[1, 1000], [3, 10]]);
});

test('from the innermost call out', () => {
  const root = flameTree(recording, totals, 'callees');
  assert.deepEqual(root.children.map(({ frame, value }) => [frame, value]), [[2, 900], [3, 110]]);
});

test('stacks without a value are not there', () => {
  const root = flameTree(recording, valuesOf(recording, 'temporary', null), 'callers');
  assert.equal(root.value, 5);
  assert.equal(root.children[0].children[0].children.length, 1);
});

test('children lie beside each other below their parent', () => {
  const root = flameTree(recording, totals, 'callers');
  const made = layOut(root, 0);
  assert.equal(made.length, 6);
  for (const one of made) {
    const parent = made.find(({ node }) => node === one.node.parent);
    if (!parent) continue;
    assert.equal(one.row, parent.row + 1);
    assert.ok(one.from >= parent.from - 1e-9 && one.to <= parent.to + 1e-9);
  }
  const row = made.filter((one) => one.row === 3).sort((a, b) => a.from - b.from);
  for (let at = 1; at < row.length; ++at) assert.ok(row[at].from >= row[at - 1].to - 1e-9);
});

test('what is too narrow is left out, what is zoomed is as wide as all', () => {
  const root = flameTree(recording, totals, 'callers');
  assert.equal(layOut(root, 0.05).length, 5);
  const run = root.children[0].children[0];
  const made = layOut(run, 0);
  assert.deepEqual(made.slice(0, 3).map(({ from, to }) => [from, to]), [[0, 1], [0, 1], [0, 1]]);
  assert.equal(made.length, 5);
});

test('a node is found again in the tree of another figure', () => {
  const root = flameTree(recording, totals, 'callers');
  const load = root.children[0].children[0].children[0];
  const other = flameTree(recording, valuesOf(recording, 'end', null), 'callers');
  assert.equal(sameNode(other, load).frame, 1); // nothing of load is live at the end; run is its caller
});

test('matches below a match count once', () => {
  const root = flameTree(recording, totals, 'callers', [totals]);
  const sumOf = (text: string) => chosenSums(root, matchesOf(recording, text)!.stacks);
  assert.deepEqual(sumOf('PARSE'), { value: 110, sums: [110] });
  assert.deepEqual(sumOf('main.c'), { value: 1010, sums: [1010] });
  assert.equal(matchesOf(recording, '  '), null);
});

test('more is summed up beside the value, and what has no value still counts', () => {
  const load = Float64Array.of(1, 0, 0);
  const root = flameTree(recording, load, 'callers', [totals]);
  const run = root.children[0].children[0];
  assert.deepEqual([root.sums, run.sums, run.value], [[1010], [1000], 1]);
  assert.deepEqual(run.children.map(({ frame }) => frame), [2]);
});

test('of 100,000 sites those that are too narrow are not divided', () => {
  let asked = 0;
  const stacks = Array.from({ length: 100_000 }, (_, site) => ({
    site,
    get frames() {
      asked += 1;
      return [0, 1, site];
    },
  }));
  const values = new Float64Array(stacks.length).fill(1);
  values[7] = 50_000;
  const made = layOut(flameTree({ frames: [], stacks }, values, 'callees'), 0.001);
  assert.deepEqual(made.map(({ node }) => node.frame), [-1, 7, 1, 0]);
  assert.equal(asked, 100_003);
});
