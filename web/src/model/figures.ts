// The one figure that all views show, of the whole recording or of a window of it.
//
// Of the whole recording all figures are exact. A window is a row of steps of the time line. What was live
// in it is known at the ends of steps only: so its peak is that of the step which ended with most.
import type { Recording } from './report';

export type Figure = 'peak' | 'end' | 'total' | 'count' | 'temporary';

export interface FigureText {
  id: Figure;
  label: string;
  meaning: string;
  inWindow: string;
  unit: 'bytes' | 'blocks';
}

export const figureTexts: FigureText[] = [
  {
    id: 'peak',
    label: 'Live at peak',
    meaning: 'bytes live at the moment when most were',
    inWindow: 'bytes live at the end of the step of the window that ended with most',
    unit: 'bytes',
  },
  {
    id: 'end',
    label: 'Live at end',
    meaning: 'bytes live when the process ended: never freed',
    inWindow: 'bytes live at the end of the window',
    unit: 'bytes',
  },
  {
    id: 'total',
    label: 'Allocated',
    meaning: 'bytes allocated in all, freed or not',
    inWindow: 'bytes allocated in the window',
    unit: 'bytes',
  },
  {
    id: 'count',
    label: 'Blocks',
    meaning: 'blocks allocated in all',
    inWindow: 'blocks allocated in the window',
    unit: 'blocks',
  },
  {
    id: 'temporary',
    label: 'Temporary',
    meaning: 'blocks that their thread freed before it allocated anything else',
    inWindow: 'blocks freed in the window by their thread before it allocated anything else',
    unit: 'blocks',
  },
];

export const textOf = (figure: Figure): FigureText => figureTexts.find((one) => one.id === figure)!;

// Steps, both included.
export interface Window {
  from: number;
  to: number;
}

// Live bytes at the end of each step, of all stacks or of those that are chosen.
export function liveBySteps(recording: Recording, chosen: Uint8Array | null): Float64Array {
  const live = new Float64Array(recording.steps);
  recording.stacks.forEach((stack, at) => {
    if (chosen && !chosen[at]) return;
    for (const [step, , made, , freed] of stack.steps) live[step] += made - freed;
  });
  for (let step = 1; step < live.length; ++step) live[step] += live[step - 1];
  return live;
}

function largestStep(recording: Recording, window: Window): number {
  const live = liveBySteps(recording, null);
  let found = window.from;
  for (let step = window.from; step <= window.to; ++step) {
    if (live[step] > live[found]) found = step;
  }
  return found;
}

// Of each stack.
export function valuesOf(recording: Recording, figure: Figure, window: Window | null): Float64Array {
  const values = new Float64Array(recording.stacks.length);
  const until = !window ? 0 : figure === 'peak' ? largestStep(recording, window) : window.to;
  recording.stacks.forEach((stack, at) => {
    if (!window) {
      values[at] = {
        peak: stack.at_peak.bytes,
        end: stack.at_end.bytes,
        total: stack.total.bytes,
        count: stack.total.blocks,
        temporary: stack.temporary_blocks,
      }[figure];
      return;
    }
    let sum = 0;
    for (const [step, blocks, bytes, , freed, temporary] of stack.steps) {
      if (step > until) break;
      if (figure === 'peak' || figure === 'end') sum += bytes - freed;
      else if (step < window.from) continue;
      else sum += figure === 'total' ? bytes : figure === 'count' ? blocks : temporary;
    }
    values[at] = Math.max(0, sum);
  });
  return values;
}

export function sumOf(values: Float64Array, chosen: Uint8Array | null): number {
  let sum = 0;
  for (let at = 0; at < values.length; ++at) if (!chosen || chosen[at]) sum += values[at];
  return sum;
}
