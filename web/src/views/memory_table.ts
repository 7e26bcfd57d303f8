// What the program has mapped itself, or what its own pools have given out: the curve of it, and a row a site or a pool.
import uPlot from 'uplot';
import { cssColour, el, isShown } from '../dom';
import type { Figure } from '../model/figures';
import { matchesOf } from '../model/filter';
import { formatCount, formatMs, formatShare, formatValue, formatWhere } from '../model/format';
import { figuresOf, memoryRows, sortMemoryRows } from '../model/memories';
import type { Memory, MemoryGroup, MemoryKey, MemoryKind, MemoryRow } from '../model/memories';
import type { State } from '../state';
import { columnsOfPoints, curve, curveOptions, stepped } from './curves';
import { RowTable, type Column } from './row_table';

interface Words {
  labels: Partial<Record<Figure, string>>;
  explained: string;
  groups: [MemoryGroup, string][];
}

const wordsOf: Record<MemoryKind, Words> = {
  mappings: {
    labels: { peak: 'Live at peak', end: 'Live at end', total: 'Mapped', count: 'Mappings' },
    explained:
      'Address space that the program and its libraries have mapped themselves, by mmap, mremap, brk and sbrk: ' +
      'exact also where blocks are a sample, and no part of what the other views count.',
    groups: [['site', 'Sites']],
  },
  pools: {
    labels: {
      peak: 'Live at peak', end: 'Live at end', total: 'Given out', count: 'Blocks', temporary: 'Temporary',
    },
    explained:
      'Blocks that the program’s own pools have given out, as its annotations tell: exact also where blocks are ' +
      'a sample. Their bytes lie in blocks or mappings of the program, so no other view counts them again.',
    groups: [['pool', 'Pools'], ['site', 'Sites']],
  },
};

export const labelOf = (memory: Memory, figure: Figure): string => wordsOf[memory.kind].labels[figure] ?? '';
export const unitOf = (figure: Figure) => (figure === 'count' || figure === 'temporary' ? 'blocks' : 'bytes');

// What there is no figure of is shown as live at the peak.
export const figureFor = (memory: Memory, figure: Figure): Figure =>
  memory.whole[figure] === undefined ? 'peak' : figure;

export class MemoryTable {
  readonly element: HTMLElement;
  private readonly words: Words;
  private readonly plotBox = el('div', { class: 'plot low', role: 'img' });
  private readonly choice = el('select', { 'aria-label': 'Rows', change: () => this.show() });
  private readonly count = el('span', { class: 'quiet' });
  private readonly table: RowTable<MemoryRow>;
  private plot: uPlot | null = null;
  private sum = 0;

  constructor(
    private readonly state: State,
    private readonly memory: Memory,
  ) {
    this.words = wordsOf[memory.kind];
    this.choice.append(...this.words.groups.map(([value, text]) => el('option', { value }, text)));
    this.choice.hidden = this.words.groups.length < 2;
    this.table = new RowTable<MemoryRow>({
      label: memory.kind === 'pools' ? 'Pools' : 'Mappings',
      nothing: 'No site matches.',
      columns: () => this.columns(),
      sort: (rows, key, isDescending) => sortMemoryRows(rows, key as MemoryKey, isDescending),
      choose: ({ where, stacks }) => state.select({ memory, where, stacks }),
    });
    this.element = el(
      'div',
      {},
      el('p', { class: 'facts' }, this.facts()),
      el('p', { class: 'facts quiet' }, this.words.explained),
      this.plotBox,
      el('p', { class: 'tools' }, this.choice, this.count),
      this.table.element,
    );
    this.plotBox.setAttribute('aria-label', `Live bytes over time, at most ${this.amount('peak')}`);
    new ResizeObserver(() => this.draw()).observe(this.plotBox);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    state.onChange((what) => {
      if (what === 'figure' || what === 'filter' || what === 'window') this.show();
    });
  }

  show() {
    if (!isShown(this.element)) return;
    const { memory, state } = this;
    const by = this.choice.value as MemoryGroup;
    const rows = memoryRows(memory, by, matchesOf(memory, state.filter));
    this.sum = rows.reduce((sum, row) => sum + row.amounts[this.figure]!, 0);
    const of = state.window ? ', of the whole recording: windows are of blocks alone' : '';
    this.count.textContent = `${formatCount(rows.length)} ${by}${rows.length === 1 ? '' : 's'}${of}`;
    this.table.show(rows);
  }

  private get figure(): Figure {
    return figureFor(this.memory, this.state.figure);
  }

  private amount(figure: Figure): string {
    return formatValue(this.memory.whole[figure]!, unitOf(figure));
  }

  private facts(): string {
    const { memory } = this;
    const what = memory.kind === 'pools' ? 'blocks given out' : 'mappings';
    return (
      `${this.amount('peak')} live at the peak, after ${formatMs(memory.peakMs)}; ${this.amount('end')} at the ` +
      `end. In all ${this.amount('count')} ${what} with ${this.amount('total')}.`
    );
  }

  private draw() {
    const width = this.plotBox.clientWidth;
    if (width === 0) return;
    this.plot?.destroy();
    const { length_ms: length } = this.state.recording.report;
    const points: [number, number][] = [[0, 0], ...this.memory.curve];
    points.push([Math.max(length, points.at(-1)![0]), points.at(-1)![1]]);
    const live = curve('live', '--live', { paths: stepped(), fill: cssColour('--live-fill') });
    const options = curveOptions(width, length, [live], {});
    this.plot = new uPlot({ ...options, height: 120 }, columnsOfPoints(points), this.plotBox);
  }

  private columns(): Column<MemoryRow>[] {
    const figures = figuresOf(this.memory).map((one): Column<MemoryRow> => {
      const isMain = one === this.figure;
      return {
        key: one,
        label: labelOf(this.memory, one),
        isSpare: !isMain,
        cell: (row) => (isMain ? this.shareCell(row, one) : this.valueCell(row, one)),
      };
    });
    const name = this.choice.value === 'pool' ? 'Pool' : 'Site';
    return [
      { key: 'name', label: name, isSpare: false, cell: (row) => nameCell(row) },
      ...figures.sort((a, b) => Number(a.isSpare) - Number(b.isSpare)),
      {
        key: 'stacks',
        label: 'Stacks',
        isSpare: true,
        cell: ({ stacks }) => el('td', {}, formatCount(stacks.length)),
      },
    ];
  }

  private valueCell(row: MemoryRow, figure: Figure): HTMLTableCellElement {
    return el('td', {}, formatValue(row.amounts[figure]!, unitOf(figure)));
  }

  private shareCell(row: MemoryRow, figure: Figure): HTMLTableCellElement {
    const value = row.amounts[figure]!;
    const share = this.sum > 0 ? (100 * value) / this.sum : 0;
    return el(
      'td',
      { class: 'shown', style: `--share: ${share.toFixed(2)}%` },
      formatValue(value, unitOf(figure)),
      el('small', {}, formatShare(value, this.sum)),
    );
  }
}

function nameCell({ name, where, about }: MemoryRow): HTMLTableCellElement {
  const more = [formatWhere(where), about].filter((text) => text !== '').join(' · ');
  const title = `${where.function}\n${where.file ?? ''}`;
  return el('td', { class: 'name', title }, el('b', {}, name), el('small', {}, more));
}
