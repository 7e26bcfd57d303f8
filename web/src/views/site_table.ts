// The table of sites.
import { el, isShown } from '../dom';
import { figureTexts, type FigureText } from '../model/figures';
import { formatCount, formatShare, formatValue, formatWhere } from '../model/format';
import type { Place } from '../model/report';
import { siteRows, sortRows, type SiteRow, type SortKey } from '../model/sites';
import type { State } from '../state';
import { RowTable, type Column } from './row_table';

export const placeCell = (name: string, where: Place): HTMLTableCellElement =>
  el(
    'td',
    { class: 'name', title: `${where.function}\n${where.file ?? ''}` },
    el('b', {}, name),
    el('small', {}, formatWhere(where)),
  );

export class SiteTable {
  readonly element: HTMLElement;
  private readonly count = el('span', { class: 'quiet' });
  private readonly table: RowTable<SiteRow>;
  private sum = 0;

  constructor(private readonly state: State) {
    this.table = new RowTable<SiteRow>({
      label: 'Sites',
      nothing: 'No site matches.',
      columns: () => this.columns(),
      sort: (rows, key, isDescending) => sortRows(rows, key as SortKey, isDescending),
      choose: ({ site }) => state.select({ site }),
    });
    this.element = el('div', {}, el('p', { class: 'tools' }, this.count), this.table.element);
    state.onChange((what) => {
      if (what === 'figure' || what === 'filter' || what === 'window') this.show();
    });
  }

  show() {
    if (!isShown(this.element)) return;
    const rows = siteRows(this.state.recording, this.state.window, this.state.matches);
    this.sum = rows.reduce((sum, row) => sum + row.values[this.state.figure], 0);
    this.count.textContent = `${formatCount(rows.length)} sites`;
    this.table.show(rows);
  }

  private columns(): Column<SiteRow>[] {
    const figures = figureTexts.map((one): Column<SiteRow> => {
      const isMain = one.id === this.state.figure;
      return {
        key: one.id,
        label: one.label,
        isSpare: !isMain,
        cell: (row) => (isMain ? this.shareCell(row, one) : this.valueCell(row, one)),
      };
    });
    return [
      { key: 'name', label: 'Site', isSpare: false, cell: ({ name, where }) => placeCell(name, where) },
      ...figures.sort((a, b) => Number(a.isSpare) - Number(b.isSpare)),
      {
        key: 'stacks',
        label: 'Stacks',
        isSpare: true,
        cell: (row) => el('td', {}, formatCount(row.stacks)),
      },
    ];
  }

  private valueCell(row: SiteRow, { id, unit }: FigureText): HTMLTableCellElement {
    return el('td', {}, formatValue(row.values[id], unit));
  }

  private shareCell(row: SiteRow, { id, unit }: FigureText): HTMLTableCellElement {
    const value = row.values[id];
    const share = this.sum > 0 ? (100 * value) / this.sum : 0;
    return el(
      'td',
      { class: 'shown', style: `--share: ${share.toFixed(2)}%` },
      formatValue(value, unit),
      el('small', {}, formatShare(value, this.sum)),
    );
  }
}
