// What is selected: a site with the stacks that lead there, or a block with the one that made it.
import { el } from '../dom';
import { textOf } from '../model/figures';
import { hexadecimal } from '../model/address_map';
import { formatBytes, formatMs, formatShare, formatValue, formatWhere, shortName } from '../model/format';
import type { ReportBlock, StackSource } from '../model/report';
import type { State } from '../state';

const mostStacks = 10;

// A stack, of which the outermost call comes first.
export function callList({ frames }: StackSource, stack: number[]): HTMLElement {
  const calls = [...stack].reverse().map((number) => {
    const frame = frames[number];
    return el(
      'li',
      { title: `${frame.function}\n${frame.file ?? ''}` },
      el('b', {}, shortName(frame.function)),
      el('small', {}, formatWhere(frame)),
    );
  });
  return el('ol', { class: 'calls', 'aria-label': 'Calls, the innermost first' }, ...calls);
}

export class Details {
  readonly element = el('section', { class: 'details', 'aria-label': 'Selected', tabindex: -1 });

  constructor(private readonly state: State) {
    this.element.hidden = true;
    state.onChange((what) => {
      if (what === 'selection' || what === 'figure' || what === 'window') this.show();
      if (what === 'view') state.select(null);
    });
  }

  private stacks(): number[] {
    const { selection, recording, values } = this.state;
    if (!selection || !('site' in selection)) return [];
    const found: number[] = [];
    recording.stacks.forEach((stack, at) => {
      if (stack.site === selection.site) found.push(at);
    });
    const counted = found.filter((at) => values[at] > 0);
    return (counted.length > 0 ? counted : found).sort((a, b) => values[b] - values[a]);
  }

  private show() {
    const { selection } = this.state;
    if (selection && 'block' in selection) this.showBlock(selection.block);
    else this.showSite();
  }

  private closeButton(): HTMLElement {
    return el('button', { type: 'button', click: () => this.state.select(null) }, 'Close');
  }

  private showBlock([address, size, stack, ms]: ReportBlock) {
    this.element.hidden = false;
    this.element.replaceChildren(
      el('p', { class: 'tools' }, this.closeButton()),
      el('h2', {}, `${formatBytes(size)} at ${hexadecimal(address)}`),
      el('p', { class: 'quiet' }, `${size.toLocaleString('en')} bytes, came after ${formatMs(ms)}`),
      stack === null ? el('p', {}, 'Its stack is not known.') : this.callsOf(stack),
    );
  }

  private showSite() {
    const stacks = this.stacks();
    this.element.hidden = stacks.length === 0;
    if (stacks.length === 0) return;
    const { recording } = this.state;
    const site = recording.report.sites[recording.stacks[stacks[0]].site];
    const filter = () => {
      this.state.setFilter(shortName(site.function));
      this.state.setView('flame');
    };
    const hidden = stacks.length - mostStacks;
    this.element.replaceChildren(
      el(
        'p',
        { class: 'tools' },
        el('button', { type: 'button', click: filter }, 'Show in flame graph'),
        this.closeButton(),
      ),
      el('h2', {}, site.function),
      el('p', { class: 'quiet' }, site.file ? `${site.file}:${site.line ?? ''}` : 'source not known'),
      ...stacks.slice(0, mostStacks).map((at) => this.stackOf(at)),
      hidden > 0 ? el('p', { class: 'quiet' }, `and ${hidden} stacks more`) : '',
    );
  }

  private stackOf(at: number): HTMLElement {
    const { values, figure } = this.state;
    const { unit, label } = textOf(figure);
    const sum = values.reduce((so, one) => so + one, 0);
    return el(
      'div',
      { class: 'stack' },
      el('p', {}, `${label}: ${formatValue(values[at], unit)}, ${formatShare(values[at], sum)}`),
      this.callsOf(at),
    );
  }

  private callsOf(at: number): HTMLElement {
    const { recording } = this.state;
    return callList(recording, recording.stacks[at].frames);
  }
}
