// The address map, on a canvas: blocks where they lay, a row for each range of addresses that has some. Only the
// lines in sight are drawn. Click or Enter selects a block, arrows walk, + and - change how much a row has.
import { cssColour, el, isDark, isShown, sizeCanvas } from '../dom';
import {
  blockNear,
  classesOf,
  closer,
  endOf,
  gapWords,
  hexadecimal,
  linesOf,
  mapWords,
  usualRowBytes,
  wider,
  type Classes,
  type Colouring,
  type Line,
  type Row,
} from '../model/address_map';
import { formatBytes, formatMs, formatWhere, shortName } from '../model/format';
import type { ReportBlock, ReportMap } from '../model/report';
import type { State } from '../state';

const rowHeight = 16;
const gapHeight = 22;
const nearPixels = 4;
const narrowPixels = 4;

const momentNames = { peak: 'when most was live', end: 'at the end', time: 'at the time asked for' };
const colourings: [Colouring, string][] = [
  ['site', 'by site'],
  ['age', 'by age'],
  ['size', 'by size'],
];
const hues = [208, 28, 150, 275, 52, 340, 178, 100];

const colourOfClass = (by: Colouring, at: number): string => {
  if (by === 'site') {
    if (at >= hues.length) return isDark() ? '#7d838c' : '#a3a8b0';
    return isDark() ? `hsl(${hues[at]} 50% 58%)` : `hsl(${hues[at]} 58% 52%)`;
  }
  const light = isDark() ? 82 - 12 * at : 80 - 14 * at;
  return by === 'age' ? `hsl(208 55% ${light}%)` : `hsl(24 62% ${light}%)`;
};

interface Strip {
  colour: string;
  alpha: number;
  from: number; // pixels
  to: number;
}

export class AddressMap {
  readonly element = el('div', {});
  private readonly canvas = el('canvas', {
    tabindex: 0,
    role: 'application',
    'aria-roledescription': 'address map',
    'aria-label':
      'Address map. Left and right walk from block to block, up and down from row to row, Enter selects, ' +
      'plus and minus change how much a row has.',
  });
  private readonly space = el('div', { class: 'space', 'aria-hidden': 'true' });
  private readonly box = el('div', { class: 'addresses' }, this.canvas, this.space);
  private readonly moment = el('select', { 'aria-label': 'Moment', change: () => this.choose() });
  private readonly colour = el('select', { 'aria-label': 'Colours', change: () => this.colourAnew() });
  private readonly scale = el('span', { class: 'sum', 'aria-live': 'polite' });
  private readonly facts = el('div', { class: 'facts' });
  private readonly legend = el('ul', { class: 'classes' });
  private readonly words = el('p', { class: 'words', 'aria-live': 'polite' });
  private map: ReportMap | null = null;
  private classes: Classes = { of: new Uint8Array(), listed: [] };
  private colours: string[] = []; // of the classes
  private rowBytes = 0;
  private lines: Line[] = [];
  private tops: number[] = []; // of the lines, and the end of the last
  private labelWidth = 0;
  private current = -1; // block

  constructor(private readonly state: State) {
    const recorded = state.recording.report.address_map;
    if (!recorded) {
      const how = el('code', {}, 'strata record --addresses');
      this.element.append(el('p', {}, 'This recording does not tell where blocks lay; ', how, ' makes one that does.'));
      return;
    }
    for (const { moment } of recorded.maps) {
      this.moment.append(el('option', { value: moment }, momentNames[moment]));
    }
    for (const [value, text] of colourings) this.colour.append(el('option', { value }, text));
    this.element.append(this.tools(), this.facts, this.legend, this.box, this.words);
    this.listen();
  }

  show() {
    if (this.state.recording.report.address_map && !this.map) this.choose();
    else this.draw();
  }

  private tools(): HTMLElement {
    const button = (text: string, title: string, step: (bytes: number) => number) =>
      el('button', { type: 'button', title, click: () => this.scaleTo(step(this.rowBytes)) }, text);
    const find = el('input', {
      type: 'search',
      placeholder: 'Address   0x…',
      'aria-label': 'Block at an address',
      spellcheck: 'false',
      keydown: (event) => {
        if ((event as KeyboardEvent).key === 'Enter') this.find(find.value);
      },
    });
    return el(
      'div',
      { class: 'tools' },
      this.moment,
      this.colour,
      el(
        'span',
        { class: 'scale' },
        button('−', 'More in a row', wider),
        button('+', 'Less in a row', closer),
        this.scale,
      ),
      find,
    );
  }

  private choose() {
    const { maps } = this.state.recording.report.address_map!;
    this.map = maps.find(({ moment }) => moment === this.moment.value) ?? maps[0];
    this.current = -1;
    const pageBytes = this.state.recording.report.address_map!.page_bytes;
    const words = mapWords(this.map, pageBytes, this.state.recording);
    this.facts.replaceChildren(...words.map((one) => el('p', { class: 'quiet' }, one)));
    this.colourAnew();
    this.scaleTo(usualRowBytes(this.map));
  }

  private colourAnew() {
    const by = this.colour.value as Colouring;
    this.classes = classesOf(this.map!, this.state.recording, by);
    this.colours = this.classes.listed.map((_, at) => colourOfClass(by, at));
    const items = this.classes.listed.map(({ label, bytes }, at) =>
      el(
        'li',
        {},
        el('i', { style: `background: ${this.colours[at]}` }),
        `${label} `,
        el('small', {}, formatBytes(bytes)),
      ),
    );
    this.legend.replaceChildren(...items);
    this.draw();
  }

  private scaleTo(rowBytes: number) {
    this.rowBytes = rowBytes;
    this.scale.textContent = `${formatBytes(rowBytes)} a row`;
    this.lines = linesOf(this.map!, rowBytes);
    this.tops = [0];
    for (const line of this.lines) {
      this.tops.push(this.tops.at(-1)! + (line.kind === 'row' ? rowHeight : gapHeight));
    }
    this.draw();
    if (this.current >= 0) this.bringToSight(this.current);
  }

  // ---- Drawing

  private firstLineAt(y: number): number {
    let from = 0;
    let to = this.lines.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.tops[middle + 1] <= y) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  private draw() {
    const width = this.box.clientWidth;
    if (!this.map || width === 0 || !isShown(this.element)) return;
    const all = this.tops.at(-1)!;
    const height = Math.max(Math.min(all, this.mostHeight()), rowHeight);
    this.box.style.height = `${height}px`;
    this.space.style.height = `${all - height}px`;
    const context = sizeCanvas(this.canvas, width, height);
    context.textBaseline = 'middle';
    context.font = '11px ui-monospace, "DejaVu Sans Mono", monospace';
    const last = this.lines.findLast((line) => line.kind === 'row') as Row | undefined;
    this.labelWidth = last ? context.measureText(last.start.toString(16)).width + 8 : 0;
    const top = this.box.scrollTop;
    for (let at = this.firstLineAt(top); at < this.lines.length && this.tops[at] < top + height; ++at) {
      this.drawLine(context, this.lines[at], this.tops[at] - top, width);
    }
    if (this.current >= 0) this.outline(context, width);
    this.describe(this.current);
    this.canvas.dataset.lines = String(this.lines.length);
  }

  private mostHeight(): number {
    return Math.max(Math.floor(window.innerHeight * 0.62), 10 * rowHeight);
  }

  private drawLine(context: CanvasRenderingContext2D, line: Line, top: number, width: number) {
    const left = this.labelWidth;
    context.fillStyle = cssColour('--quiet');
    if (line.kind === 'gap') {
      context.fillText(gapWords(line), left, top + gapHeight / 2);
      return;
    }
    context.fillText(line.start.toString(16), 0, top + rowHeight / 2);
    context.fillStyle = cssColour('--track');
    context.fillRect(left, top + 1, width - left, rowHeight - 2);
    this.drawOthers(context, line, top, width);
    for (const { colour, alpha, from, to } of this.strips(line, width)) {
      context.globalAlpha = alpha;
      context.fillStyle = colour;
      // A line between neighbours, where there is room.
      const wide = to - from;
      context.fillRect(from, top + 1, Math.max(wide > narrowPixels ? wide - 1 : wide, 0.6), rowHeight - 2);
    }
    context.globalAlpha = 1;
  }

  // What is to be drawn of a row: a block each, or several narrow ones of one colour that leave no gap to see.
  private strips(line: Row, width: number): Strip[] {
    const { matches } = this.state;
    const made: Strip[] = [];
    for (const at of line.blocks) {
      const [from, to] = this.across(line, this.map!.blocks[at], width);
      const stack = this.map!.blocks[at][2];
      const isDimmed = matches !== null && (stack === null || !matches.stacks[stack]);
      const strip = { colour: this.colours[this.classes.of[at]], alpha: isDimmed ? 0.2 : 1, from, to };
      const before = made.at(-1);
      const isNext = before && from - before.to < 0.5 && to - from <= narrowPixels;
      if (isNext && before.colour === strip.colour && before.alpha === strip.alpha) before.to = Math.max(before.to, to);
      else made.push(strip);
    }
    return made;
  }

  private drawOthers(context: CanvasRenderingContext2D, line: Row, top: number, width: number) {
    const { others } = this.map!;
    context.fillStyle = cssColour('--resident');
    for (const at of line.others) {
      const [start, , bytes] = others!.ranges[at];
      const [from, to] = this.across(line, [start, others!.range_bytes, null, 0], width);
      context.globalAlpha = 0.15 + 0.75 * Math.min(bytes / others!.range_bytes, 1);
      context.fillRect(from, top + 1, to - from, rowHeight - 2);
    }
    context.globalAlpha = 1;
  }

  private across(line: Row, block: ReportBlock, width: number): [number, number] {
    const scale = (width - this.labelWidth) / this.rowBytes;
    const from = Math.max(block[0] - line.start, 0);
    const to = Math.min(endOf(block) - line.start, this.rowBytes);
    return [this.labelWidth + from * scale, this.labelWidth + to * scale];
  }

  private outline(context: CanvasRenderingContext2D, width: number) {
    const top = this.box.scrollTop;
    context.strokeStyle = cssColour('--text');
    context.lineWidth = 2;
    for (let at = this.firstLineAt(top); at < this.lines.length; ++at) {
      const line = this.lines[at];
      if (this.tops[at] > top + this.box.clientHeight) return;
      if (line.kind === 'gap' || !line.blocks.includes(this.current)) continue;
      const [from, to] = this.across(line, this.map!.blocks[this.current], width);
      context.strokeRect(from - 1, this.tops[at] - top + 1, Math.max(to - from, 1) + 1, rowHeight - 2);
    }
  }

  private describe(at: number) {
    const block = this.map!.blocks[at];
    if (!block) {
      this.words.textContent = this.map!.live.blocks > 0 ? 'A click on a block shows its stack.' : 'Nothing was live.';
      return;
    }
    const [address, size, stack, ms] = block;
    const { recording } = this.state;
    const site = stack === null ? null : recording.report.sites[recording.stacks[stack].site];
    this.words.replaceChildren(
      el('strong', {}, site ? shortName(site.function) : 'stack not known'),
      el('span', {}, `${formatBytes(size)} at ${hexadecimal(address)}, came after ${formatMs(ms)}`),
      el('span', { class: 'quiet' }, site ? formatWhere(site) : ''),
    );
  }

  // ---- Finding

  private find(text: string) {
    const address = Number.parseInt(text.trim().replace(/^0x/i, ''), 16);
    if (Number.isNaN(address) || !this.map) return;
    const at = blockNear(this.map, address);
    if (at >= 0) this.select(at);
  }

  private blockAt(event: MouseEvent): number {
    const box = this.canvas.getBoundingClientRect();
    const line = this.lines[this.firstLineAt(event.clientY - box.top + this.box.scrollTop)];
    const x = event.clientX - box.left;
    if (!line || line.kind === 'gap') return -1;
    let found = -1;
    let nearest = nearPixels;
    for (const at of line.blocks) {
      const [from, to] = this.across(line, this.map!.blocks[at], box.width);
      const away = Math.max(from - x, x - to, 0);
      if (away < nearest) [found, nearest] = [at, away];
    }
    return found;
  }

  private walk(to: number) {
    this.current = to;
    this.bringToSight(to);
    this.draw();
  }

  private select(at: number) {
    this.walk(at);
    this.state.select({ block: this.map!.blocks[at] });
  }

  private lineOf(block: number): number {
    return this.lines.findIndex((line) => line.kind === 'row' && line.blocks.includes(block));
  }

  private bringToSight(block: number) {
    const line = this.lineOf(block);
    if (line < 0) return;
    const { scrollTop, clientHeight } = this.box;
    if (this.tops[line] < scrollTop) this.box.scrollTop = this.tops[line];
    const end = this.tops[line + 1];
    if (end > scrollTop + clientHeight) this.box.scrollTop = end - clientHeight;
  }

  // The block above or below, in the next row that has any.
  private beside(step: number): number {
    const address = this.map!.blocks[this.current][0];
    for (let at = this.lineOf(this.current) + step; this.lines[at]; at += step) {
      const line = this.lines[at];
      if (line.kind === 'gap' || !line.blocks.some((one) => one !== this.current)) continue;
      const across = address % this.rowBytes;
      const near = (one: number) => Math.abs(this.map!.blocks[one][0] - line.start - across);
      return line.blocks.reduce((best, one) => (near(one) < near(best) ? one : best));
    }
    return this.current;
  }

  private listen() {
    this.box.addEventListener('scroll', () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      if (this.map) this.colourAnew();
    });
    this.state.onChange((what) => {
      if (what === 'filter') this.draw();
    });
    this.canvas.addEventListener('mousemove', (event) => {
      const at = this.blockAt(event);
      this.canvas.style.cursor = at >= 0 ? 'pointer' : 'default';
      if (at >= 0) this.describe(at);
    });
    this.canvas.addEventListener('mouseleave', () => this.describe(this.current));
    this.canvas.addEventListener('click', (event) => {
      const at = this.blockAt(event);
      if (at >= 0) this.select(at);
    });
    this.canvas.addEventListener('keydown', (event) => this.takeKey(event));
  }

  private takeKey(event: KeyboardEvent) {
    const last = (this.map?.blocks.length ?? 0) - 1;
    if (last < 0) return;
    const isNowhere = this.current < 0;
    const next: Record<string, () => number> = {
      ArrowRight: () => Math.min(this.current + 1, last),
      ArrowLeft: () => Math.max(this.current - 1, 0),
      ArrowDown: () => (isNowhere ? 0 : this.beside(1)),
      ArrowUp: () => (isNowhere ? 0 : this.beside(-1)),
      Home: () => 0,
      End: () => last,
    };
    if (event.key in next) this.walk(next[event.key]());
    else if (event.key === '+' || event.key === '=') this.scaleTo(closer(this.rowBytes));
    else if (event.key === '-') this.scaleTo(wider(this.rowBytes));
    else if ((event.key === 'Enter' || event.key === ' ') && !isNowhere) this.select(this.current);
    else return;
    event.preventDefault();
  }
}
