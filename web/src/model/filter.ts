// The one filter: a text that a call's function or file contains, whatever the case.
import type { Recording } from './report';

export interface Matches {
  frames: Uint8Array; // 1: the call matches
  stacks: Uint8Array; // 1: one of its calls does
}

export function matchesOf(recording: Recording, text: string): Matches | null {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return null;
  const frames = Uint8Array.from(recording.frames, (frame) =>
    Number(`${frame.function}\n${frame.file ?? ''}`.toLowerCase().includes(wanted)),
  );
  const stacks = Uint8Array.from(recording.stacks, (stack) =>
    Number(stack.frames.some((frame) => frames[frame])),
  );
  return { frames, stacks };
}
