// The table of sites. Only the rows in sight are in the document, so that 100,000 scroll as ten do.
import { el, isShown } from '../dom';
import { figureTexts, textOf, type Figure } from '../model/figures';
import { formatCount, formatShare, formatValue, formatWhere } from '../model/format';
import { siteRows, sortRows, type SiteRow, type SortKey } from '../model/sites';
import type { State } from '../state';

const rowHeight = 34;
const spareRows = 8;

interface Column {
  key: SortKey;
  label: string;
  isSpare: boolean; // left out where there is no room
}

export class SiteTable {
  readonly element: HTMLElement;
  private readonly head = el('tr', {});
  private readonly body = el('tbody', {});
  private readonly count = el('span', { class: 'quiet' });
  private readonly box: HTMLElement;
  private readonly table: HTMLTableElement;
  private rows: SiteRow[] = [];
  private sum = 0;
  private key: SortKey | 'shown' = 'shown'; // shown: the selected figure, whichever it is
  private isDescending = true;
  private current = 0;

  constructor(private readonly state: State) {
    this.table = el('table', {}, el('thead', {}, this.head), this.body);
    this.box = el('div', { class: 'rows', tabindex: 0, 'aria-label': 'Sites', role: 'region' }, this.table);
    this.element = el('div', {}, el('p', { class: 'tools' }, this.count), this.box);
    this.box.addEventListener('scroll', () => this.drawRows());
    this.box.addEventListener('keydown', (event) => this.takeKey(event));
    new ResizeObserver(() => this.drawRows()).observe(this.box);
    state.onChange((what) => {
      if (what === 'figure' || what === 'filter' || what === 'window') this.show();
    });
  }

  show() {
    if (!isShown(this.element)) return;
    this.rows = siteRows(this.state.recording, this.state.window, this.state.matches);
    this.sum = this.rows.reduce((sum, row) => sum + row.values[this.state.figure], 0);
    this.count.textContent = `${formatCount(this.rows.length)} sites`;
    this.table.setAttribute('aria-rowcount', String(this.rows.length + 1));
    this.sort();
  }

  private get sortKey(): SortKey {
    return this.key === 'shown' ? this.state.figure : this.key;
  }

  private columns(): Column[] {
    const figures = figureTexts.map((one) => ({
      key: one.id as SortKey,
      label: one.label,
      isSpare: one.id !== this.state.figure,
    }));
    return [
      { key: 'name', label: 'Site', isSpare: false },
      ...figures.sort((a, b) => Number(a.isSpare) - Number(b.isSpare)),
      { key: 'stacks', label: 'Stacks', isSpare: true },
    ];
  }

  private sort() {
    sortRows(this.rows, this.sortKey, this.isDescending);
    this.current = 0;
    this.box.scrollTop = 0;
    this.drawHead();
    this.drawRows();
  }

  private sortBy(key: SortKey) {
    if (key === this.sortKey) this.isDescending = !this.isDescending;
    else this.isDescending = key !== 'name';
    this.key = key === this.state.figure ? 'shown' : key;
    this.sort();
    this.head.querySelector<HTMLElement>(`[data-key=${key}] button`)?.focus();
  }

  private drawHead() {
    const cells = this.columns().map(({ key, label, isSpare }) => {
      const isSorted = key === this.sortKey;
      const order = !isSorted ? 'none' : this.isDescending ? 'descending' : 'ascending';
      const mark = !isSorted ? '' : this.isDescending ? ' ↓' : ' ↑';
      return el(
        'th',
        { 'aria-sort': order, class: isSpare ? 'spare' : '', 'data-key': key, scope: 'col' },
        el('button', { type: 'button', click: () => this.sortBy(key) }, label + mark),
      );
    });
    this.head.replaceChildren(...cells);
  }

  private drawRows() {
    const height = this.box.clientHeight;
    if (height === 0) return;
    const first = Math.max(0, Math.floor(this.box.scrollTop / rowHeight) - spareRows);
    const end = Math.min(this.rows.length, first + Math.ceil(height / rowHeight) + 2 * spareRows);
    const space = (rows: number) =>
      el('tr', { class: 'space', 'aria-hidden': 'true', style: `height: ${rows * rowHeight}px` });
    const made = this.rows.slice(first, end).map((row, at) => this.rowOf(row, first + at));
    this.body.replaceChildren(space(first), ...made, space(this.rows.length - end));
    if (this.rows.length === 0) {
      this.body.replaceChildren(el('tr', {}, el('td', { colspan: 7 }, 'No site matches.')));
    }
  }

  private rowOf(row: SiteRow, at: number): HTMLTableRowElement {
    const { figure } = this.state;
    const cells = this.columns().map(({ key, isSpare }) => {
      if (key === 'name') {
        return el(
          'td',
          { class: 'name', title: `${row.where.function}\n${row.where.file ?? ''}` },
          el('b', {}, row.name),
          el('small', {}, formatWhere(row.where)),
        );
      }
      if (key === 'stacks') return el('td', { class: 'spare' }, formatCount(row.stacks));
      const value = row.values[key as Figure];
      const text = formatValue(value, textOf(key as Figure).unit);
      if (key !== figure) return el('td', { class: isSpare ? 'spare' : '' }, text);
      const share = this.sum > 0 ? (100 * value) / this.sum : 0;
      return el(
        'td',
        { class: 'shown', style: `--share: ${share.toFixed(2)}%` },
        text,
        el('small', {}, formatShare(value, this.sum)),
      );
    });
    const made = el('tr', { 'aria-rowindex': at + 2, click: () => this.choose(at) }, ...cells);
    if (at === this.current) made.classList.add('current');
    return made;
  }

  private choose(at: number) {
    this.current = at;
    this.drawRows();
    if (this.rows[at]) this.state.select({ site: this.rows[at].site });
  }

  private takeKey(event: KeyboardEvent) {
    if (event.target !== this.box) return;
    const page = Math.max(1, Math.floor(this.box.clientHeight / rowHeight) - 2);
    const last = this.rows.length - 1;
    const next: Record<string, number> = {
      ArrowDown: this.current + 1,
      ArrowUp: this.current - 1,
      PageDown: this.current + page,
      PageUp: this.current - page,
      Home: 0,
      End: last,
    };
    if (event.key in next) {
      this.current = Math.max(0, Math.min(last, next[event.key]));
      const top = this.current * rowHeight;
      const inSight = this.box.clientHeight - 2 * rowHeight;
      if (top < this.box.scrollTop) this.box.scrollTop = top;
      if (top > this.box.scrollTop + inSight) this.box.scrollTop = top - inSight;
      this.drawRows();
    } else if (event.key === 'Enter') {
      this.choose(this.current);
    } else {
      return;
    }
    event.preventDefault();
  }
}
