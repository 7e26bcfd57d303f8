// Two recordings in one: stacks with all their figures in this one and in the other.
//
// Calls are the same in both by function, or only when file and line are the same, too. A line moves whenever
// something is written above it, and takes all stacks below a call apart, into gone ones and new ones; so
// functions are what is compared first. Where calls have been joined the line is not known any more.
import type { Figure } from './figures';
import { formatValue } from './format';
import type { Facts, Place, StackSource } from './report';

export const diffSchema = 'strata-page-diff-1';

export const diffFigures: Figure[] = ['peak', 'end', 'total', 'count', 'temporary'];

export interface DiffReport {
  schema: string;
  this: Facts;
  other: Facts;
  frames: Place[];
  // Calls and site: places in frames; calls, the innermost first. Figures in the order of diffFigures.
  stacks: { calls: number[]; site: number; this: number[]; other: number[] }[];
}

export interface Pair {
  here: number;
  other: number;
}

export interface DiffStack {
  frames: number[]; // the outermost first
  site: number; // a place in frames, too
  here: number[];
  other: number[];
}

export interface Difference extends StackSource {
  report: DiffReport;
  stacks: DiffStack[];
}

export type Likeness = 'function' | 'line';

// Of each place its number among the joined ones, and these.
function joinedPlaces(frames: Place[]): { numbers: number[]; joined: Place[] } {
  const known = new Map<string, number>();
  const joined: Place[] = [];
  const numbers = frames.map((frame) => {
    let number = known.get(frame.function);
    if (number === undefined) {
      number = joined.push({ ...frame }) - 1;
      known.set(frame.function, number);
    } else if (joined[number].line !== frame.line || joined[number].file !== frame.file) {
      joined[number].line = null;
    }
    return number;
  });
  return { numbers, joined };
}

export function differenceOf(report: DiffReport, likeness: Likeness): Difference {
  const { numbers, joined } =
    likeness === 'function'
      ? joinedPlaces(report.frames)
      : { numbers: report.frames.map((_, at) => at), joined: report.frames };
  const stacks = new Map<string, DiffStack>();
  for (const { calls, site, this: here, other } of report.stacks) {
    const frames = calls.map((call) => numbers[call]).reverse();
    const key = frames.join();
    const known = stacks.get(key);
    if (!known) {
      stacks.set(key, { frames, site: numbers[site], here: [...here], other: [...other] });
      continue;
    }
    here.forEach((value, figure) => (known.here[figure] += value));
    other.forEach((value, figure) => (known.other[figure] += value));
  }
  return { report, frames: joined, stacks: [...stacks.values()] };
}

// A figure of each stack.
export interface Columns {
  here: Float64Array;
  other: Float64Array;
}

export function columnsOf({ stacks }: Difference, figure: Figure): Columns {
  const number = diffFigures.indexOf(figure);
  return {
    here: Float64Array.from(stacks, ({ here }) => here[number]),
    other: Float64Array.from(stacks, ({ other }) => other[number]),
  };
}

// How wide a stack is in the flame graph: the larger of its two values, or what it has more or less. Of a
// larger value alone nothing could be seen of what has gone.
export type Width = 'both' | 'change';

export const widthsOf = ({ here, other }: Columns, width: Width): Float64Array =>
  here.map((value, at) =>
    width === 'both' ? Math.max(value, other[at]) : Math.abs(value - other[at]),
  );

export type Kind = 'new' | 'grown' | 'same' | 'shrunk' | 'gone';

export function kindOf({ here, other }: Pair): Kind {
  if (here === other) return 'same';
  if (other === 0) return 'new';
  if (here === 0) return 'gone';
  return here > other ? 'grown' : 'shrunk';
}

// From -1, gone, to 1, new.
export const shareOfChange = ({ here, other }: Pair): number =>
  here === other ? 0 : (here - other) / Math.max(here, other);

export const markOf = ({ here, other }: Pair): string =>
  here === other ? '=' : here > other ? '▲' : '▼';

type Unit = 'bytes' | 'blocks';

export function signed({ here, other }: Pair, unit: Unit): string {
  if (here === other) return '±0';
  return `${here > other ? '+' : '−'}${formatValue(Math.abs(here - other), unit)}`;
}

// "+150 %", from tenfold on "12 ×"; new and gone in words.
export function shareText(pair: Pair): string {
  const kind = kindOf(pair);
  if (kind === 'new' || kind === 'gone' || kind === 'same') return kind;
  const { here, other } = pair;
  if (here >= 10 * other) return `${Math.round(here / other)} ×`;
  const percent = (100 * Math.abs(here - other)) / other;
  const digits = percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0);
  return `${here > other ? '+' : '−'}${percent < 0.05 ? '<0.1' : digits} %`;
}

export function changeWords(pair: Pair, unit: Unit): string {
  const { here, other } = pair;
  const amount = formatValue(Math.abs(here - other), unit);
  const [from, to] = [formatValue(other, unit), formatValue(here, unit)];
  switch (kindOf(pair)) {
    case 'same':
      return `the same in both: ${to}`;
    case 'new':
      return `new: ${to}, nothing in the other`;
    case 'gone':
      return `gone: ${from} in the other, nothing in this`;
    case 'grown':
      return `${amount} more: from ${from} to ${to}, ${shareText(pair)}`;
    case 'shrunk':
      return `${amount} less: from ${from} to ${to}, ${shareText(pair)}`;
  }
}

// What stacks of each kind differ by; of those that are the same, what they have.
export function sumsByKind(columns: Columns, chosen: Uint8Array | null): Record<Kind, number> {
  const sums: Record<Kind, number> = { new: 0, grown: 0, same: 0, shrunk: 0, gone: 0 };
  columns.here.forEach((here, at) => {
    if (chosen && !chosen[at]) return;
    const pair = { here, other: columns.other[at] };
    const kind = kindOf(pair);
    sums[kind] += kind === 'same' ? here : Math.abs(here - pair.other);
  });
  return sums;
}
