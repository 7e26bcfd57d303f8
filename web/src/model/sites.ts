// Rows of the table: the sum of each site's stacks.
import { valuesOf, type Figure, type Window } from './figures';
import { shortName } from './format';
import type { Matches } from './filter';
import type { Recording, ReportSite } from './report';

export interface SiteRow {
  site: number;
  name: string; // without parameters
  where: ReportSite;
  stacks: number;
  values: Record<Figure, number>;
}

export type SortKey = Figure | 'name' | 'stacks';

const all: Figure[] = ['peak', 'end', 'total', 'count', 'temporary'];

export function siteRows(
  recording: Recording,
  window: Window | null,
  matches: Matches | null,
): SiteRow[] {
  const rows = new Map<number, SiteRow>();
  const values = all.map((figure) => valuesOf(recording, figure, window));
  recording.stacks.forEach((stack, at) => {
    if (matches && !matches.stacks[at]) return;
    if (values.every((one) => one[at] === 0)) return;
    let row = rows.get(stack.site);
    if (!row) {
      const where = recording.report.sites[stack.site];
      const zero = { peak: 0, end: 0, total: 0, count: 0, temporary: 0 };
      row = { site: stack.site, name: shortName(where.function), where, stacks: 0, values: zero };
      rows.set(stack.site, row);
    }
    row.stacks += 1;
    all.forEach((figure, number) => (row.values[figure] += values[number][at]));
  });
  return [...rows.values()];
}

export function sortRows(rows: SiteRow[], key: SortKey, descending: boolean): SiteRow[] {
  const sign = descending ? -1 : 1;
  const number = (row: SiteRow) =>
    key === 'stacks' ? row.stacks : key === 'name' ? 0 : row.values[key];
  return rows.sort((a, b) => {
    const order = key === 'name' ? a.name.localeCompare(b.name) : number(a) - number(b);
    return sign * order || a.site - b.site;
  });
}
