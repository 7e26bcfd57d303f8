// What the views share: one figure, one filter, one window, and what is selected. It is kept in the address
// (#figure=total&filter=parse), so that a link shows what was seen.
import { figureTexts, valuesOf, type Figure, type Window } from './model/figures';
import { matchesOf, type Matches } from './model/filter';
import type { Memory } from './model/memories';
import type { Place, Recording, ReportBlock, StackSource } from './model/report';

export type View = 'flame' | 'sites' | 'addresses' | 'mappings' | 'pools' | 'resident' | 'lifetimes';

// A site, with all its stacks; a block of the address map; or a site of mappings or pools, or a pool.
export type Selection =
  | { site: number }
  | { block: ReportBlock }
  | { memory: Memory; where: Place; stacks: number[] }
  | null;

export type Changed = 'figure' | 'filter' | 'window' | 'view' | 'selection' | 'width' | 'likeness';

// What the page of one recording and that of two have in common.
export abstract class Choices<Source extends StackSource> {
  figure: Figure = 'peak';
  filter = '';
  view: View = 'flame';
  selection: Selection = null;
  matches: Matches | null;
  private listeners: ((what: Changed) => void)[] = [];

  constructor(
    public recording: Source,
    protected readonly kept: URLSearchParams,
  ) {
    const figure = kept.get('figure') as Figure;
    if (figureTexts.some((one) => one.id === figure)) this.figure = figure;
    this.filter = kept.get('filter') ?? '';
    this.view = (kept.get('view') as View) ?? 'flame';
    this.matches = matchesOf(recording, this.filter);
  }

  onChange(listener: (what: Changed) => void) {
    this.listeners.push(listener);
  }

  setFigure(figure: Figure) {
    if (figure !== this.figure) this.change('figure', () => (this.figure = figure));
  }
  setFilter(filter: string) {
    if (filter === this.filter) return;
    this.change('filter', () => {
      this.filter = filter;
      this.matches = matchesOf(this.recording, filter);
    });
  }
  setView(view: View) {
    if (view !== this.view) this.change('view', () => (this.view = view));
  }
  select(selection: Selection) {
    this.change('selection', () => (this.selection = selection));
  }

  protected change(what: Changed, how: () => void) {
    how();
    this.follow(what);
    if (what !== 'selection') this.keep();
    for (const listener of this.listeners) listener(what);
  }

  // Brings what hangs on it up to date, before anybody is told.
  protected abstract follow(what: Changed): void;
  // Adds what the address has beyond what all pages have.
  protected abstract addTo(kept: URLSearchParams): void;

  private keep() {
    const kept = new URLSearchParams();
    if (this.view !== 'flame') kept.set('view', this.view);
    if (this.figure !== 'peak') kept.set('figure', this.figure);
    if (this.filter !== '') kept.set('filter', this.filter);
    this.addTo(kept);
    history.replaceState(null, '', `#${kept}`);
  }
}

export const keptInAddress = (): URLSearchParams => new URLSearchParams(location.hash.slice(1));

export class State extends Choices<Recording> {
  window: Window | null = null;
  values: Float64Array;

  constructor(recording: Recording) {
    super(recording, keptInAddress());
    const [from, to] = (this.kept.get('window') ?? '').split('-').map(Number);
    if (from >= 0 && to >= from && to < recording.steps) this.window = { from, to };
    this.values = valuesOf(recording, this.figure, this.window);
  }

  setWindow(window: Window | null) {
    if (window?.from === this.window?.from && window?.to === this.window?.to) return;
    this.change('window', () => (this.window = window));
  }

  protected follow(what: Changed) {
    if (what === 'figure' || what === 'window') {
      this.values = valuesOf(this.recording, this.figure, this.window);
    }
  }

  protected addTo(kept: URLSearchParams) {
    if (this.window) kept.set('window', `${this.window.from}-${this.window.to}`);
  }
}
