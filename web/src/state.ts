// What the views share: one figure, one filter, one window, and what is selected. It is kept in the address
// (#figure=total&filter=parse), so that a link shows what was seen.
import { figureTexts, valuesOf, type Figure, type Window } from './model/figures';
import { matchesOf, type Matches } from './model/filter';
import type { Recording, ReportBlock } from './model/report';

export type View = 'flame' | 'sites' | 'addresses' | 'resident' | 'lifetimes';

// A site, with all its stacks; or a block of the address map.
export type Selection = { site: number } | { block: ReportBlock } | null;

export type Changed = 'figure' | 'filter' | 'window' | 'view' | 'selection';

export class State {
  figure: Figure = 'peak';
  filter = '';
  window: Window | null = null;
  view: View = 'flame';
  selection: Selection = null;
  matches: Matches | null = null;
  values: Float64Array;
  private listeners: ((what: Changed) => void)[] = [];

  constructor(readonly recording: Recording) {
    const kept = new URLSearchParams(location.hash.slice(1));
    const figure = kept.get('figure') as Figure;
    if (figureTexts.some((one) => one.id === figure)) this.figure = figure;
    this.filter = kept.get('filter') ?? '';
    this.view = (kept.get('view') as View) ?? 'flame';
    const [from, to] = (kept.get('window') ?? '').split('-').map(Number);
    if (from >= 0 && to >= from && to < recording.steps) this.window = { from, to };
    this.matches = matchesOf(recording, this.filter);
    this.values = valuesOf(recording, this.figure, this.window);
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
  setWindow(window: Window | null) {
    if (window?.from === this.window?.from && window?.to === this.window?.to) return;
    this.change('window', () => (this.window = window));
  }
  setView(view: View) {
    if (view !== this.view) this.change('view', () => (this.view = view));
  }
  select(selection: Selection) {
    this.change('selection', () => (this.selection = selection));
  }

  private change(what: Changed, how: () => void) {
    how();
    if (what === 'figure' || what === 'window') {
      this.values = valuesOf(this.recording, this.figure, this.window);
    }
    if (what !== 'selection') this.keep();
    for (const listener of this.listeners) listener(what);
  }

  private keep() {
    const kept = new URLSearchParams();
    if (this.view !== 'flame') kept.set('view', this.view);
    if (this.figure !== 'peak') kept.set('figure', this.figure);
    if (this.filter !== '') kept.set('filter', this.filter);
    if (this.window) kept.set('window', `${this.window.from}-${this.window.to}`);
    history.replaceState(null, '', `#${kept}`);
  }
}
