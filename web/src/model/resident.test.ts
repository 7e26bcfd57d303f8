import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingOf } from './report';
import { residentParts } from './resident';
import { sampleReport } from './sample';

const recording = recordingOf(sampleReport());

test('steps add up to what is resident', () => {
  for (const ms of [0, 9, 20, 40]) {
    const parts = residentParts(recording, ms)!;
    assert.equal(parts.steps.reduce((sum, step) => sum + step.bytes, 0), parts.resident, `${ms} ms`);
  }
});

test('what was there at the start is not of the heap', () => {
  const parts = residentParts(recording, 9)!;
  assert.equal(parts.sampledMs, 10);
  assert.deepEqual(parts.steps.map(({ kind, bytes }) => [kind, bytes]), [
    ['start', 4990],
    ['live', 910],
    ['rest', 600],
  ]);
});

test('live memory that nobody touched', () => {
  const report = sampleReport();
  report.curve.live_bytes = [[0, 10], [9, 100_000]];
  const parts = residentParts(recordingOf(report), 9)!;
  assert.equal(parts.steps[2].kind, 'untouched');
  assert.ok(parts.steps[2].bytes < 0);
  assert.equal(parts.steps[2].from, parts.resident);
});

test('a process that nobody looked at', () => {
  const report = sampleReport();
  report.curve.resident_bytes = [];
  assert.equal(residentParts(recordingOf(report), 9), null);
});
