// What resident memory consists of at a moment, as far as a recording tells.
//
//   resident = what was there before the heap grew          (the first sample, less the heap then)
//            + live bytes                                   (the recording knows each)
//            + what neither explains                        (may be negative: asked for, never touched)
import type { Recording } from './report';

export interface ResidentStep {
  kind: 'start' | 'live' | 'rest' | 'untouched' | 'whole';
  name: string;
  bytes: number; // negative: not resident though counted before
  from: number; // where its bar begins
  to: number;
  words: string;
}

export interface ResidentParts {
  atMs: number;
  sampledMs: number; // resident memory was looked at then
  resident: number;
  steps: ResidentStep[];
}

function lastBefore(points: [number, number][], ms: number): [number, number] | null {
  let found: [number, number] | null = null;
  for (const point of points) {
    if (point[0] > ms) break;
    found = point;
  }
  return found;
}

function nearest(points: [number, number][], ms: number): [number, number] | null {
  let found: [number, number] | null = null;
  for (const point of points) {
    if (!found || Math.abs(point[0] - ms) < Math.abs(found[0] - ms)) found = point;
  }
  return found;
}

// null: resident memory was not looked at even once.
export function residentParts(recording: Recording, ms: number): ResidentParts | null {
  const { live_bytes: live, resident_bytes: resident } = recording.report.curve;
  const sample = nearest(resident, ms);
  if (!sample) return null;
  const first = resident[0];
  const liveAt = (at: number) => lastBefore(live, at)?.[1] ?? 0;
  const before = Math.max(0, Math.min(first[1] - liveAt(first[0]), sample[1]));
  const liveNow = liveAt(ms);
  const rest = sample[1] - before - liveNow;
  const steps: ResidentStep[] = [
    {
      kind: 'start',
      name: 'There from the start',
      bytes: before,
      from: 0,
      to: before,
      words:
        'Resident when it was first looked at, less what was live on the heap then: code and data of the ' +
        'program and its libraries, stacks, and what Strata and its recorder need to begin with.',
    },
    {
      kind: 'live',
      name: 'Live blocks',
      bytes: liveNow,
      from: before,
      to: before + liveNow,
      words: 'What the program had asked for and not freed. The other views say who did.',
    },
  ];
  const to = sample[1];
  if (rest >= 0) {
    steps.push({
      kind: 'rest',
      name: 'Everything else',
      bytes: rest,
      from: before + liveNow,
      to,
      words:
        'Not told apart in a recording: blocks are rounded up to their size class; freed blocks and pages ' +
        'are kept for reuse, and given back on a clock; tables of the allocator and of the recorder; ' +
        'memory that the program maps by itself. strata run tells the allocator’s share, strata map each mapping.',
    });
  } else {
    steps.push({
      kind: 'untouched',
      name: 'Not resident',
      bytes: rest,
      from: to,
      to: before + liveNow,
      words:
        'Live blocks are larger than resident memory: pages that were asked for and not yet written, or ' +
        'that were written out, are not resident.',
    });
  }
  return { atMs: ms, sampledMs: sample[0], resident: sample[1], steps };
}
