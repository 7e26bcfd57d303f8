// The selected site of two recordings, with the stacks that lead there.
import { el } from '../dom';
import { changeWords } from '../model/difference';
import type { DiffState } from '../diff_state';
import { textOf } from '../model/figures';
import { shortName } from '../model/format';
import { callList } from './details';

const mostStacks = 10;

export class DiffDetails {
  readonly element = el('section', { class: 'details', 'aria-label': 'Selected', tabindex: -1 });

  constructor(private readonly state: DiffState) {
    this.element.hidden = true;
    state.onChange((what) => {
      if (what === 'selection' || what === 'figure' || what === 'likeness') this.show();
      if (what === 'view') state.select(null);
    });
  }

  // Those that differ most come first.
  private stacksOf(site: number): number[] {
    const { recording, columns } = this.state;
    const found: number[] = [];
    recording.stacks.forEach((stack, at) => {
      if (stack.site === site && (columns.here[at] !== 0 || columns.other[at] !== 0)) found.push(at);
    });
    const difference = (at: number) => Math.abs(columns.here[at] - columns.other[at]);
    return found.sort((a, b) => difference(b) - difference(a));
  }

  private show() {
    const { selection, recording } = this.state;
    const stacks = selection && 'site' in selection ? this.stacksOf(selection.site) : [];
    this.element.hidden = stacks.length === 0;
    if (stacks.length === 0) return;
    const site = recording.frames[recording.stacks[stacks[0]].site];
    const filter = () => {
      this.state.setFilter(shortName(site.function));
      this.state.setView('flame');
    };
    const hidden = stacks.length - mostStacks;
    const where = site.line ? `${site.file}:${site.line}` : site.file;
    this.element.replaceChildren(
      el(
        'p',
        { class: 'tools' },
        el('button', { type: 'button', click: filter }, 'Show in flame graph'),
        el('button', { type: 'button', click: () => this.state.select(null) }, 'Close'),
      ),
      el('h2', {}, site.function),
      el('p', { class: 'quiet' }, where ?? 'source not known'),
      ...stacks.slice(0, mostStacks).map((at) => this.stackOf(at)),
      hidden > 0 ? el('p', { class: 'quiet' }, `and ${hidden} stacks more`) : '',
    );
  }

  private stackOf(at: number): HTMLElement {
    const { columns, figure, recording } = this.state;
    const { unit, label } = textOf(figure);
    const words = changeWords({ here: columns.here[at], other: columns.other[at] }, unit);
    return el(
      'div',
      { class: 'stack' },
      el('p', {}, `${label}: ${words}`),
      callList(recording, recording.stacks[at].frames),
    );
  }
}
