import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveBySteps, sumOf, valuesOf } from './figures';
import { recordingOf } from './report';
import { sampleReport } from './sample';

const recording = recordingOf(sampleReport());

test('of the whole recording figures are as they stand', () => {
  assert.deepEqual([...valuesOf(recording, 'peak', null)], [900, 0, 10]);
  assert.deepEqual([...valuesOf(recording, 'end', null)], [0, 50, 10]);
  assert.deepEqual([...valuesOf(recording, 'count', null)], [3, 10, 1]);
});

test('live bytes by steps', () => {
  assert.deepEqual([...liveBySteps(recording, null)], [910, 610, 660, 60]);
  assert.deepEqual([...liveBySteps(recording, Uint8Array.of(0, 1, 1))], [10, 10, 60, 60]);
});

test('a window counts what was allocated in it', () => {
  const window = { from: 1, to: 2 };
  assert.deepEqual([...valuesOf(recording, 'total', window)], [0, 100, 0]);
  assert.deepEqual([...valuesOf(recording, 'count', window)], [0, 10, 0]);
  assert.deepEqual([...valuesOf(recording, 'temporary', window)], [0, 5, 0]);
});

test('live in a window includes what came before it', () => {
  assert.deepEqual([...valuesOf(recording, 'end', { from: 1, to: 1 })], [600, 0, 10]);
  // Of steps 1 to 3 the second ends with most.
  assert.deepEqual([...valuesOf(recording, 'peak', { from: 1, to: 3 })], [600, 50, 10]);
});

test('the window of everything has the figures of the whole', () => {
  for (const figure of ['end', 'total', 'count', 'temporary'] as const) {
    const whole = valuesOf(recording, figure, null);
    assert.deepEqual(valuesOf(recording, figure, { from: 0, to: 3 }), whole, figure);
  }
});

test('sums of what is chosen', () => {
  const values = Float64Array.of(1, 2, 4);
  assert.equal(sumOf(values, null), 7);
  assert.equal(sumOf(values, Uint8Array.of(1, 0, 1)), 5);
});
