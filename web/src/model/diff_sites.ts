// Rows of the table of differences: the sum of each site's stacks.
import { kindOf, shareOfChange, type Columns, type Difference, type Kind, type Pair } from './difference';
import type { Matches } from './filter';
import { shortName } from './format';
import type { Place } from './report';

export interface DiffRow extends Pair {
  site: number; // a place in the frames
  name: string; // without parameters
  where: Place;
  stacks: number;
  kind: Kind;
}

export type DiffKey = 'name' | 'difference' | 'share' | 'other' | 'this' | 'stacks';

export function diffRows(
  { stacks, frames }: Difference,
  { here, other }: Columns,
  matches: Matches | null,
): DiffRow[] {
  const rows = new Map<number, DiffRow>();
  stacks.forEach(({ site }, at) => {
    if (matches && !matches.stacks[at]) return;
    if (here[at] === 0 && other[at] === 0) return;
    let row = rows.get(site);
    if (!row) {
      const where = frames[site];
      row = { site, name: shortName(where.function), where, stacks: 0, here: 0, other: 0, kind: 'same' };
      rows.set(site, row);
    }
    row.stacks += 1;
    row.here += here[at];
    row.other += other[at];
  });
  for (const row of rows.values()) row.kind = kindOf(row);
  return [...rows.values()];
}

// Which rows are shown, by what became of them.
export type Shown = 'changed' | 'more' | 'less' | 'new' | 'gone' | 'same' | 'all';

const kindsShown: Record<Shown, Kind[]> = {
  changed: ['new', 'grown', 'shrunk', 'gone'],
  more: ['new', 'grown'],
  less: ['shrunk', 'gone'],
  new: ['new'],
  gone: ['gone'],
  same: ['same'],
  all: ['new', 'grown', 'same', 'shrunk', 'gone'],
};

export const isShownAs = (row: DiffRow, shown: Shown): boolean => kindsShown[shown].includes(row.kind);

// By difference: the largest first, whether more or less.
export function sortDiffRows(rows: DiffRow[], key: DiffKey, isDescending: boolean): DiffRow[] {
  const sign = isDescending ? -1 : 1;
  const number: Record<Exclude<DiffKey, 'name'>, (row: DiffRow) => number> = {
    difference: (row) => Math.abs(row.here - row.other),
    share: shareOfChange,
    other: (row) => row.other,
    this: (row) => row.here,
    stacks: (row) => row.stacks,
  };
  return rows.sort((a, b) => {
    const order = key === 'name' ? a.name.localeCompare(b.name) : number[key](a) - number[key](b);
    return sign * order || a.site - b.site;
  });
}
