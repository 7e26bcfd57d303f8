// The report of strata report --json (docs/report.md explains its keys), and the recording that all views
// share: the same, with calls as numbers and stacks turned round, the outermost call first.

import { memoryOf, type Memory, type ReportMemory } from './memories';

export interface Amount {
  blocks: number;
  bytes: number;
}

export interface Figures {
  at_peak: Amount;
  at_end: Amount;
  total: Amount;
  temporary_blocks: number;
  resized_blocks: number;
  lifetimes: number[];
}

export interface Place {
  function: string;
  file: string | null;
  line: number | null;
}

// [step, blocks, bytes, freed blocks, freed bytes, temporary blocks]
export type Step = [number, number, number, number, number, number];

export interface ReportStack extends Figures {
  calls: (Place | number)[];
  site: number;
  steps: Step[];
}

export interface ReportSite extends Figures, Place {
  stacks: number;
}

// [address, size, place of its stack, ms when it came]
export type ReportBlock = [number, number, number | null, number];

// Live blocks at a moment: the largest one by one, by address; the rest as sums [start, blocks, bytes].
export interface ReportMap {
  moment: 'peak' | 'end' | 'time';
  time_ms: number;
  live: Amount; // of all
  pages: number;
  extent_bytes: number;
  blocks: ReportBlock[];
  others: { range_bytes: number; ranges: [number, number, number][] } | null;
}

export interface ReportProcess {
  number: number;
  pid: number;
  executable: string;
  command: string[];
  peak_bytes: number;
}

// What both the report and the difference of two say of a recording.
export interface Facts {
  file: string;
  command: string[];
  sample_bytes: number | null;
  started_unix_s: number;
  length_ms: number;
  events: number;
  is_complete: boolean;
  is_rolled_up: boolean;
  is_cut: boolean;
  lost: Record<string, number>;
  processes: ReportProcess[];
  process: number;
  summary: Figures & { peak_ms: number; unknown_frees: number };
  lifetime_limits_ms: number[];
  sizes: { below_bytes: number; total: Amount }[];
  curve: { live_bytes: [number, number][]; resident_bytes: [number, number][] };
  step_ms: number | null;
}

export interface Report extends Facts {
  schema: string;
  frames?: Place[];
  sites: ReportSite[];
  stacks: ReportStack[];
  mappings: ReportMemory | null; // null: the program has mapped nothing
  pools: ReportMemory | null; // null: it tells of none
  address_map: { page_bytes: number; maps: ReportMap[] } | null; // null: recorded without --addresses
}

export interface Stack extends Figures {
  frames: number[]; // into Recording.frames, the outermost first
  site: number;
  steps: Step[];
}

// Stacks, and the calls that these are made of: what is filtered, and drawn as a flame graph.
export interface StackSource {
  frames: Place[];
  stacks: { frames: number[]; site: number }[];
}

export interface Recording extends StackSource {
  report: Report;
  stacks: Stack[];
  memories: Memory[]; // those that there are
  steps: number; // the time line has so many; 0: it cannot be divided
}

export const schema = 'strata-report-1';

export function recordingOf(report: Report): Recording {
  if (report.schema !== schema) throw new Error(`not a report this page can show: ${report.schema}`);
  const frames = report.frames ? [...report.frames] : [];
  const known = new Map<string, number>();
  const numberOf = (call: Place | number): number => {
    if (typeof call === 'number') return call;
    const key = `${call.function}\n${call.file}\n${call.line}`;
    let number = known.get(key);
    if (number === undefined) {
      number = frames.push(call) - 1;
      known.set(key, number);
    }
    return number;
  };
  const stacks = report.stacks.map(({ calls, ...rest }) => ({
    ...rest,
    frames: calls.map(numberOf).reverse(),
  }));
  const memories = [
    memoryOf('mappings', report.mappings, frames, numberOf),
    memoryOf('pools', report.pools, frames, numberOf),
  ].filter((one) => one !== null);
  let last = -1;
  for (const stack of stacks) last = Math.max(last, stack.steps.at(-1)?.[0] ?? -1);
  const width = report.step_ms;
  // A process may do nothing for hours: that needs no steps.
  const steps = width ? Math.max(last + 1, Math.min(Math.ceil(report.length_ms / width), 1024)) : 0;
  return { report, frames, stacks, memories, steps };
}

// The text between the tags: JSON, or its gzip in base64.
export async function parseDocument(
  text: string,
  encoding: string | undefined,
): Promise<{ schema: string }> {
  if (encoding === undefined) return JSON.parse(text);
  const bytes = Uint8Array.from(atob(text.trim()), (one) => one.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return await new Response(unpacked).json();
}
