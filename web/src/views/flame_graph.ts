// The flame graph, on a canvas: a row a call, as wide as its share of the figure. Click or Enter zooms,
// arrows walk, Escape goes back. What colours mean, and which figures are told, is said from outside.
import { cssColour, el, isShown, sizeCanvas } from '../dom';
import type { Matches } from '../model/filter';
import { chosenSums, flameTree, layOut, sameNode } from '../model/flame';
import type { Direction, FlameNode, FlameSums, Rectangle } from '../model/flame';
import { formatWhere, shortName } from '../model/format';
import type { Place, StackSource } from '../model/report';
import type { Changed } from '../state';

const rowHeight = 20;
const leastPixels = 0.7;

// What is drawn.
export interface FlameSource {
  recording: StackSource;
  values: Float64Array; // widths
  matches: Matches | null;
  onChange(listener: (what: Changed) => void): void;
}

// How it is drawn, and told in words.
export interface FlameLooks {
  sums(): Float64Array[]; // what nodes sum up beside their value
  colour(node: FlameNode, frame: Place, isMatch: boolean): string;
  textColour(isMatch: boolean): string;
  label(node: FlameNode, name: string): string;
  figures(node: FlameNode, root: FlameNode): string;
  sumText(root: FlameNode, matched: FlameSums | null): string; // matched: null without a filter
  nothing: string;
}

export class FlameGraph {
  readonly element: HTMLElement;
  private readonly canvas = el('canvas', {
    tabindex: 0,
    role: 'application',
    'aria-roledescription': 'flame graph',
    'aria-label': 'Flame graph. Arrows walk from call to call, Enter zooms, Escape zooms out.',
  });
  private readonly box = el('div', { class: 'flame' }, this.canvas);
  private readonly words = el('p', { class: 'words', 'aria-live': 'polite' });
  private readonly sum = el('span', { class: 'sum', 'aria-live': 'polite' });
  private readonly directionButton: HTMLButtonElement;
  private readonly backButton: HTMLButtonElement;
  private direction: Direction = 'callers';
  private root: FlameNode | null = null;
  private zoomed: FlameNode | null = null;
  private current: FlameNode | null = null;
  private rectangles: Rectangle[] = [];

  constructor(
    private readonly state: FlameSource,
    private readonly looks: FlameLooks,
    tools: HTMLElement[] = [],
  ) {
    this.directionButton = el('button', {
      type: 'button',
      'aria-pressed': 'false',
      title: 'Begin with the calls that allocate, their callers below',
      click: () => this.turn(),
    }, 'Bottom up');
    this.backButton = el('button', { type: 'button', click: () => this.zoom(this.root!) }, 'Zoom out');
    this.element = el(
      'div',
      {},
      el('p', { class: 'tools' }, this.directionButton, ...tools, this.backButton, this.sum),
      this.box,
      this.words,
    );
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.box);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    state.onChange((what) => {
      if (what === 'likeness') this.forget(); // calls have other numbers
      if (['figure', 'window', 'width', 'likeness'].includes(what)) this.rebuild();
      else if (what === 'filter') this.draw();
    });
  }

  show() {
    this.rebuild();
  }

  private turn() {
    this.direction = this.direction === 'callers' ? 'callees' : 'callers';
    this.directionButton.setAttribute('aria-pressed', String(this.direction === 'callees'));
    this.forget();
    this.rebuild();
  }

  private forget() {
    this.zoomed = null;
    this.current = null;
  }

  private rebuild() {
    if (!isShown(this.element)) return;
    const { recording, values } = this.state;
    this.root = flameTree(recording, values, this.direction, this.looks.sums());
    this.zoomed = this.zoomed ? sameNode(this.root, this.zoomed) : this.root;
    this.current = this.current ? sameNode(this.root, this.current) : null;
    this.draw();
  }

  private zoom(node: FlameNode) {
    this.zoomed = node;
    this.current = node;
    this.draw();
  }

  private nameOf(node: FlameNode): string {
    if (node.frame < 0) return 'all';
    return shortName(this.state.recording.frames[node.frame].function);
  }

  private draw() {
    const width = this.box.clientWidth;
    if (width === 0 || !this.root || !this.zoomed) return;
    this.rectangles = this.root.value > 0 ? layOut(this.zoomed, leastPixels / width) : [];
    const rows = this.rectangles.reduce((most, one) => Math.max(most, one.row + 1), 1);
    const context = sizeCanvas(this.canvas, width, Math.max(rows * rowHeight, 3 * rowHeight));
    context.font = '12px system-ui, sans-serif';
    context.textBaseline = 'middle';
    for (const one of this.rectangles) this.drawRectangle(context, one, width);
    this.backButton.hidden = this.zoomed === this.root;
    this.showSum();
    this.describe(this.current ?? this.zoomed);
    this.canvas.dataset.rectangles = String(this.rectangles.length);
  }

  private drawRectangle(context: CanvasRenderingContext2D, one: Rectangle, width: number) {
    const { matches, recording } = this.state;
    const { node } = one;
    const frame = node.frame < 0 ? null : recording.frames[node.frame];
    const isMatch = matches !== null && node.frame >= 0 && matches.frames[node.frame] === 1;
    const isDimmed = (matches !== null && !isMatch) || node.depth < this.zoomed!.depth;
    const left = one.from * width;
    const wide = Math.max((one.to - one.from) * width - 1, 0.5);
    const top = one.row * rowHeight;
    context.globalAlpha = isDimmed ? 0.4 : 1;
    context.fillStyle = frame ? this.looks.colour(node, frame, isMatch) : cssColour('--line');
    context.fillRect(left, top, wide, rowHeight - 1);
    if (node === this.current) {
      context.globalAlpha = 1;
      context.strokeStyle = cssColour('--text');
      context.strokeRect(left + 0.5, top + 0.5, Math.max(wide - 1, 1), rowHeight - 2);
    }
    if (wide > 28) {
      context.globalAlpha = isDimmed ? 0.65 : 1;
      context.fillStyle = this.looks.textColour(isMatch);
      const label = this.looks.label(node, this.nameOf(node));
      context.fillText(fitted(context, label, wide - 10), left + 5, top + rowHeight / 2);
    }
    context.globalAlpha = 1;
  }

  private showSum() {
    const { matches } = this.state;
    const matched = matches && chosenSums(this.root!, matches.stacks);
    this.sum.textContent = this.looks.sumText(this.root!, matched);
  }

  private describe(node: FlameNode) {
    const frame = node.frame < 0 ? null : this.state.recording.frames[node.frame];
    if (this.root!.value === 0) {
      this.words.textContent = this.looks.nothing;
      return;
    }
    const where = frame ? formatWhere(frame) : '';
    this.words.replaceChildren(
      el('strong', {}, frame ? frame.function : 'All calls'),
      el('span', {}, this.looks.figures(node, this.root!)),
      el('span', { class: 'quiet', title: frame?.file ?? '' }, where),
    );
  }

  private at(event: MouseEvent): FlameNode | null {
    const box = this.canvas.getBoundingClientRect();
    const across = (event.clientX - box.left) / box.width;
    const row = Math.floor((event.clientY - box.top) / rowHeight);
    const found = this.rectangles.find((one) => one.row === row && across >= one.from && across < one.to);
    return found ? found.node : null;
  }

  private listen() {
    this.canvas.addEventListener('mousemove', (event) => {
      const node = this.at(event);
      this.canvas.style.cursor = node ? 'pointer' : 'default';
      if (node) this.describe(node);
    });
    this.canvas.addEventListener('mouseleave', () => {
      if (this.zoomed) this.describe(this.current ?? this.zoomed);
    });
    this.canvas.addEventListener('click', (event) => {
      const node = this.at(event);
      if (node) this.zoom(node);
    });
    this.canvas.addEventListener('keydown', (event) => this.takeKey(event));
  }

  private bringToSight(top: number) {
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    if (top > scrollTop + clientHeight - rowHeight) this.box.scrollTop = top - clientHeight + rowHeight;
  }

  private takeKey(event: KeyboardEvent) {
    if (!this.root || this.root.value === 0) return;
    const at = this.current ?? this.zoomed!;
    const beside = at.parent?.children ?? [at];
    const place = beside.indexOf(at);
    const next: Record<string, FlameNode | null | undefined> = {
      ArrowDown: at.children[0],
      ArrowUp: at.parent,
      ArrowLeft: beside[place - 1],
      ArrowRight: beside[place + 1],
      Home: this.root,
    };
    if (event.key in next) {
      this.current = next[event.key] ?? at;
      if (this.current.depth < this.zoomed!.depth) this.zoomed = this.current;
      this.draw();
      this.bringToSight(this.current.depth * rowHeight);
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.zoom(at);
    } else if (event.key === 'Escape') {
      this.zoom(this.root);
    } else {
      return;
    }
    event.preventDefault();
  }
}

// As much of the text as fits, without measuring each letter.
function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  const whole = context.measureText(text).width;
  if (whole <= width) return text;
  const kept = Math.floor((text.length * width) / whole) - 1;
  return kept > 1 ? `${text.slice(0, kept)}…` : '';
}
