// Memory beside malloc's blocks, which counts for itself: what the program has mapped, and what its own pools have
// given out. Figures are of the whole recording.
import type { Figure } from './figures';
import type { Matches } from './filter';
import { shortName } from './format';
import type { Place, StackSource } from './report';

export type MemoryKind = 'mappings' | 'pools';
export type Amounts = Partial<Record<Figure, number>>; // mappings have no temporary ones

export interface MemoryStack {
  frames: number[]; // as those of Recording.stacks
  site: number;
  about: string; // of mappings: anonymous, file ...
  amounts: Amounts;
}

export interface Memory extends StackSource {
  kind: MemoryKind;
  sites: Place[];
  stacks: MemoryStack[];
  whole: Amounts;
  peakMs: number;
  curve: [number, number][]; // ms, live bytes
}

// Of the report.
interface Counted {
  bytes: number;
  blocks?: number;
  mappings?: number;
}
interface Sums {
  at_peak: Counted;
  at_end: Counted;
  total: Counted;
  temporary_blocks?: number;
}
export interface ReportMemory {
  summary: Sums & { peak_ms: number };
  sites: (Place & Sums)[];
  stacks: (Sums & { calls: (Place | number)[]; site: number; kinds?: string })[];
  curve: [number, number][];
}

function amountsOf(sums: Sums): Amounts {
  const made: Amounts = {
    peak: sums.at_peak.bytes,
    end: sums.at_end.bytes,
    total: sums.total.bytes,
    count: sums.total.blocks ?? sums.total.mappings ?? 0,
  };
  if (sums.temporary_blocks !== undefined) made.temporary = sums.temporary_blocks;
  return made;
}

// numberOf: the place of a call among those that all stacks share.
export function memoryOf(
  kind: MemoryKind,
  report: ReportMemory | null | undefined,
  frames: Place[],
  numberOf: (call: Place | number) => number,
): Memory | null {
  if (!report) return null;
  const stacks = report.stacks.map((stack) => ({
    frames: stack.calls.map(numberOf).reverse(),
    site: stack.site,
    about: stack.kinds ?? '',
    amounts: amountsOf(stack),
  }));
  const { sites, summary, curve } = report;
  return { kind, frames, sites, stacks, whole: amountsOf(summary), peakMs: summary.peak_ms, curve };
}

// Rows are sites; or pools, each with all blocks of that name.
export type MemoryGroup = 'site' | 'pool';

export interface MemoryRow {
  name: string; // without parameters
  where: Place;
  about: string;
  stacks: number[];
  amounts: Amounts;
}

export const figuresOf = (memory: Memory): Figure[] => Object.keys(memory.whole) as Figure[];

// A block of a pool has the pool's name as its innermost call.
const poolOf = (memory: Memory, stack: MemoryStack): Place => memory.frames[stack.frames.at(-1)!];

const nameOfPool = (place: Place): string => /^\[pool (.*)\]$/.exec(place.function)?.[1] ?? place.function;

export function memoryRows(memory: Memory, by: MemoryGroup, matches: Matches | null): MemoryRow[] {
  const rows = new Map<Place, MemoryRow>();
  const figures = figuresOf(memory);
  memory.stacks.forEach((stack, at) => {
    if (matches && !matches.stacks[at]) return;
    const where = by === 'pool' ? poolOf(memory, stack) : memory.sites[stack.site];
    let row = rows.get(where);
    if (!row) {
      const name = by === 'pool' ? nameOfPool(where) : shortName(where.function);
      const amounts = Object.fromEntries(figures.map((one) => [one, 0]));
      row = { name, where, about: '', stacks: [], amounts };
      rows.set(where, row);
    }
    row.stacks.push(at);
    for (const one of figures) row.amounts[one]! += stack.amounts[one]!;
    if (!row.about.split(', ').includes(stack.about)) row.about += (row.about && ', ') + stack.about;
  });
  return [...rows.values()];
}

export type MemoryKey = Figure | 'name' | 'stacks';

export function sortMemoryRows(rows: MemoryRow[], key: MemoryKey, isDescending: boolean): MemoryRow[] {
  const sign = isDescending ? -1 : 1;
  const number = (row: MemoryRow) =>
    key === 'stacks' ? row.stacks.length : key === 'name' ? 0 : (row.amounts[key] ?? 0);
  return rows.sort((a, b) => {
    const order = key === 'name' ? a.name.localeCompare(b.name) : number(a) - number(b);
    return sign * order || a.stacks[0] - b.stacks[0];
  });
}
