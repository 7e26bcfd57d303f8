// The table of what sites differ by.
import { el, isShown } from '../dom';
import { markOf, shareText, signed } from '../model/difference';
import { diffRows, isShownAs, sortDiffRows } from '../model/diff_sites';
import type { DiffKey, DiffRow, Shown } from '../model/diff_sites';
import type { DiffState } from '../diff_state';
import { textOf } from '../model/figures';
import { formatCount, formatValue } from '../model/format';
import { RowTable, type Column } from './row_table';
import { placeCell } from './site_table';

const shownTexts: [Shown, string][] = [
  ['changed', 'What changed'],
  ['more', 'More than before'],
  ['less', 'Less than before'],
  ['new', 'New'],
  ['gone', 'Gone'],
  ['same', 'The same in both'],
  ['all', 'All'],
];

export class DiffTable {
  readonly element: HTMLElement;
  private readonly choice = el('select', { 'aria-label': 'Sites shown', change: () => this.fill() });
  private readonly table: RowTable<DiffRow>;
  private rows: DiffRow[] = [];
  private largest = 0; // difference, of all

  constructor(private readonly state: DiffState) {
    this.table = new RowTable<DiffRow>({
      label: 'Sites',
      nothing: 'No such site.',
      columns: () => this.columns(),
      sort: (rows, key, isDescending) => sortDiffRows(rows, key as DiffKey, isDescending),
      choose: ({ site }) => state.select({ site }),
    });
    this.choice.append(...shownTexts.map(([value]) => el('option', { value })));
    this.element = el('div', {}, el('p', { class: 'tools' }, this.choice), this.table.element);
    state.onChange((what) => {
      if (what === 'figure' || what === 'filter' || what === 'likeness') this.show();
    });
  }

  show() {
    if (!isShown(this.element)) return;
    const { recording, columns, matches } = this.state;
    this.rows = diffRows(recording, columns, matches);
    this.largest = this.rows.reduce((most, row) => Math.max(most, Math.abs(row.here - row.other)), 0);
    shownTexts.forEach(([shown, text], at) => {
      const count = this.rows.filter((row) => isShownAs(row, shown)).length;
      this.choice.options[at].textContent = `${text}: ${formatCount(count)} sites`;
    });
    this.fill();
  }

  private fill() {
    const shown = this.choice.value as Shown;
    this.table.show(this.rows.filter((row) => isShownAs(row, shown)));
  }

  private columns(): Column<DiffRow>[] {
    const { unit } = textOf(this.state.figure);
    const cell = (text: string) => el('td', {}, text);
    return [
      { key: 'name', label: 'Site', isSpare: false, cell: ({ name, where }) => placeCell(name, where) },
      { key: 'difference', label: 'Difference', isSpare: false, cell: (row) => this.changeCell(row) },
      { key: 'share', label: 'Change', isSpare: true, cell: (row) => cell(shareText(row)) },
      { key: 'other', label: 'Other', isSpare: true, cell: (row) => cell(formatValue(row.other, unit)) },
      { key: 'this', label: 'This', isSpare: true, cell: (row) => cell(formatValue(row.here, unit)) },
      { key: 'stacks', label: 'Stacks', isSpare: true, cell: (row) => cell(formatCount(row.stacks)) },
    ];
  }

  private changeCell(row: DiffRow): HTMLTableCellElement {
    const share = this.largest > 0 ? (100 * Math.abs(row.here - row.other)) / this.largest : 0;
    return el(
      'td',
      { class: `shown changed ${row.kind}`, style: `--share: ${share.toFixed(2)}%` },
      signed(row, textOf(this.state.figure).unit),
      el('small', { 'aria-hidden': 'true' }, markOf(row)),
    );
  }
}
