// What is selected: a site with the stacks that lead there, or a block with the one that made it. Of mappings and
// pools likewise.
import { el } from '../dom';
import { textOf } from '../model/figures';
import { hexadecimal } from '../model/address_map';
import { formatBytes, formatMs, formatShare, formatValue, formatWhere, shortName } from '../model/format';
import type { Memory } from '../model/memories';
import type { Place, ReportBlock, StackSource } from '../model/report';
import type { State } from '../state';
import { figureFor, labelOf, unitOf } from './memory_table';

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

const moreStacks = (count: number): HTMLElement | string =>
  count > mostStacks ? el('p', { class: 'quiet' }, `and ${count - mostStacks} stacks more`) : '';

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
    else if (selection && 'memory' in selection) this.showMemory(selection);
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

  private showMemory({ memory, where, stacks }: { memory: Memory; where: Place; stacks: number[] }) {
    const figure = figureFor(memory, this.state.figure);
    const values = memory.stacks.map(({ amounts }) => amounts[figure]!);
    const sum = values.reduce((so, one) => so + one, 0);
    const sorted = [...stacks].sort((a, b) => values[b] - values[a]);
    const stackOf = (at: number) =>
      el(
        'div',
        { class: 'stack' },
        el(
          'p',
          {},
          `${labelOf(memory, figure)}: ${formatValue(values[at], unitOf(figure))}, ` +
            formatShare(values[at], sum),
        ),
        callList(memory, memory.stacks[at].frames),
      );
    this.element.hidden = false;
    this.element.replaceChildren(
      el('p', { class: 'tools' }, this.closeButton()),
      el('h2', {}, where.function),
      where.file ? el('p', { class: 'quiet' }, `${where.file}:${where.line ?? ''}`) : '',
      ...sorted.slice(0, mostStacks).map(stackOf),
      moreStacks(sorted.length),
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
      moreStacks(stacks.length),
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
