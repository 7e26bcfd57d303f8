import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parseDocument, recordingOf } from './report';
import { sampleReport } from './sample';

test('stacks are turned round', () => {
  const recording = recordingOf(sampleReport());
  assert.deepEqual(recording.stacks[0].frames, [0, 1, 2]);
  assert.equal(recording.steps, 4);
});

test('calls that are written out are numbered, equal ones alike', () => {
  const report = sampleReport();
  const places = report.frames!;
  delete report.frames;
  for (const stack of report.stacks) stack.calls = stack.calls.map((call) => ({ ...places[call as number] }));
  const recording = recordingOf(report);
  assert.equal(recording.frames.length, 4);
  const names = recording.stacks[2].frames.map((frame) => recording.frames[frame].function);
  assert.deepEqual(names, ['main', 'parse(char const*)']);
});

test('a report of another kind is refused', () => {
  assert.throws(() => recordingOf({ ...sampleReport(), schema: 'strata-map-1' }), /strata-map-1/);
});

test('a packed report is unpacked', async () => {
  const report = sampleReport();
  const packed = gzipSync(JSON.stringify(report)).toString('base64');
  assert.deepEqual(await parseDocument(packed, 'gzip-base64'), report);
  assert.deepEqual(await parseDocument(JSON.stringify(report), undefined), report);
});
