// A table of many rows, of which only those in sight are in the document, so that 100,000 scroll as ten do.
// Arrows, Page Up and Down, Home and End walk; Enter chooses; a head's button sorts.
//
// The second column is the main one: until another is chosen, rows are in its order, whichever it is.
import { el } from '../dom';

const rowHeight = 34;
const spareRows = 8;

export interface Column<Row> {
  key: string;
  label: string;
  isSpare: boolean; // left out where there is no room
  cell(row: Row): HTMLTableCellElement;
}

export interface RowTableOptions<Row> {
  label: string;
  nothing: string; // what is said where there are no rows
  columns(): Column<Row>[]; // the first one: "name"
  sort(rows: Row[], key: string, isDescending: boolean): void;
  choose(row: Row): void;
}

export class RowTable<Row> {
  readonly element: HTMLElement;
  private readonly head = el('tr', {});
  private readonly body = el('tbody', {});
  private readonly table: HTMLTableElement;
  private rows: Row[] = [];
  private columns: Column<Row>[] = [];
  private chosenKey: string | null = null; // null: that of the main column
  private isDescending = true;
  private current = 0;

  constructor(private readonly options: RowTableOptions<Row>) {
    this.table = el('table', {}, el('thead', {}, this.head), this.body);
    this.element = el(
      'div',
      { class: 'rows', tabindex: 0, 'aria-label': options.label, role: 'region' },
      this.table,
    );
    this.element.addEventListener('scroll', () => this.drawRows());
    this.element.addEventListener('keydown', (event) => this.takeKey(event));
    new ResizeObserver(() => this.drawRows()).observe(this.element);
  }

  show(rows: Row[]) {
    this.rows = rows;
    this.columns = this.options.columns();
    this.table.setAttribute('aria-rowcount', String(rows.length + 1));
    this.sort();
  }

  private get key(): string {
    return this.chosenKey ?? this.columns[1].key;
  }

  private sort() {
    this.options.sort(this.rows, this.key, this.isDescending);
    this.current = 0;
    this.element.scrollTop = 0;
    this.drawHead();
    this.drawRows();
  }

  private sortBy(key: string) {
    if (key === this.key) this.isDescending = !this.isDescending;
    else this.isDescending = key !== 'name';
    this.chosenKey = key === this.columns[1].key ? null : key;
    this.sort();
    this.head.querySelector<HTMLElement>(`[data-key=${key}] button`)?.focus();
  }

  private drawHead() {
    const cells = this.columns.map(({ key, label, isSpare }) => {
      const isSorted = key === this.key;
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
    const height = this.element.clientHeight;
    if (height === 0) return;
    const first = Math.max(0, Math.floor(this.element.scrollTop / rowHeight) - spareRows);
    const end = Math.min(this.rows.length, first + Math.ceil(height / rowHeight) + 2 * spareRows);
    const space = (rows: number) =>
      el('tr', { class: 'space', 'aria-hidden': 'true', style: `height: ${rows * rowHeight}px` });
    const made = this.rows.slice(first, end).map((row, at) => this.rowOf(row, first + at));
    this.body.replaceChildren(space(first), ...made, space(this.rows.length - end));
    if (this.rows.length === 0) {
      const cell = el('td', { colspan: this.columns.length }, this.options.nothing);
      this.body.replaceChildren(el('tr', {}, cell));
    }
  }

  private rowOf(row: Row, at: number): HTMLTableRowElement {
    const cells = this.columns.map((column) => {
      const cell = column.cell(row);
      if (column.isSpare) cell.classList.add('spare');
      return cell;
    });
    const made = el('tr', { 'aria-rowindex': at + 2, click: () => this.choose(at) }, ...cells);
    if (at === this.current) made.classList.add('current');
    return made;
  }

  private choose(at: number) {
    this.current = at;
    this.drawRows();
    if (this.rows[at]) this.options.choose(this.rows[at]);
  }

  private takeKey(event: KeyboardEvent) {
    if (event.target !== this.element) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / rowHeight) - 2);
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
      const inSight = this.element.clientHeight - 2 * rowHeight;
      if (top < this.element.scrollTop) this.element.scrollTop = top;
      if (top > this.element.scrollTop + inSight) this.element.scrollTop = top - inSight;
      this.drawRows();
    } else if (event.key === 'Enter') {
      this.choose(this.current);
    } else {
      return;
    }
    event.preventDefault();
  }
}
