// The one filter: a text that a call's function or file contains, whatever the case.
import type { StackSource } from './report';

export interface Matches {
  frames: Uint8Array; // 1: the call matches
  stacks: Uint8Array; // 1: one of its calls does
}

export function matchesOf({ frames: calls, stacks }: StackSource, text: string): Matches | null {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return null;
  const frames = Uint8Array.from(calls, (frame) =>
    Number(`${frame.function}\n${frame.file ?? ''}`.toLowerCase().includes(wanted)),
  );
  const chosen = Uint8Array.from(stacks, (stack) =>
    Number(stack.frames.some((frame) => frames[frame])),
  );
  return { frames, stacks: chosen };
}
