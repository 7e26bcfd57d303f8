// How long blocks lived, and how large they were.
import { el, isShown } from '../dom';
import { formatBytes, formatCount, formatMs, formatShare } from '../model/format';
import type { State } from '../state';

interface Bar {
  label: string;
  blocks: number;
  more: string;
}

function bars(title: string, words: string, all: Bar[]): HTMLElement {
  const most = Math.max(1, ...all.map((one) => one.blocks));
  const sum = all.reduce((so, one) => so + one.blocks, 0);
  const rows = all.map((one) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, one.label),
      el('td', { class: 'bar' }, el('i', { style: `width: ${((100 * one.blocks) / most).toFixed(2)}%` })),
      el('td', {}, formatCount(one.blocks)),
      el('td', {}, formatShare(one.blocks, sum)),
      el('td', { class: 'quiet spare' }, one.more),
    ),
  );
  return el(
    'section',
    { class: 'histogram' },
    el('h2', {}, title),
    el('p', { class: 'quiet' }, words),
    el('table', {}, el('tbody', {}, ...rows)),
  );
}

export class Histograms {
  readonly element = el('div', { class: 'histograms' });

  constructor(private readonly state: State) {
    state.onChange((what) => {
      if (what === 'filter' && isShown(this.element)) this.show();
    });
  }

  show() {
    this.element.replaceChildren(this.lifetimes(), this.sizes());
  }

  private lifetimes(): HTMLElement {
    const { recording, matches } = this.state;
    const limits = recording.report.lifetime_limits_ms;
    const blocks = new Array<number>(limits.length + 1).fill(0);
    let live = 0;
    recording.stacks.forEach((stack, at) => {
      if (matches && !matches.stacks[at]) return;
      stack.lifetimes.forEach((count, step) => (blocks[step] += count));
      live += stack.at_end.blocks;
    });
    const all = blocks.map((count, step) => ({
      label:
        step === 0
          ? `less than ${formatMs(limits[0])}`
          : step < limits.length
            ? `${formatMs(limits[step - 1])} to ${formatMs(limits[step])}`
            : `longer than ${formatMs(limits[step - 1])}`,
      blocks: Math.max(0, count),
      more: '',
    }));
    all.push({ label: 'never freed', blocks: live, more: '' });
    return bars(
      'Lifetimes',
      `Blocks by how long they lived, over the whole recording${matches ? ', of the filter' : ''}. ` +
        'Times are good to a few milliseconds.',
      all,
    );
  }

  private sizes(): HTMLElement {
    const all = this.state.recording.report.sizes.map((one) => ({
      label:
        one.below_bytes <= 1
          ? '0 B'
          : `${formatBytes(one.below_bytes / 2)} to ${formatBytes(one.below_bytes)}`,
      blocks: one.total.blocks,
      more: `${formatBytes(one.total.bytes)} in all`,
    }));
    return bars(
      'Sizes',
      'Blocks by the size that was asked for, over the whole recording and of all sites.',
      all,
    );
  }
}
