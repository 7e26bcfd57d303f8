// The flame graph of two recordings: orange has grown, blue has shrunk, the deeper the larger the share that
// changed. The two are told apart with any kind of sight, and each call has a mark and the difference, too.
import { cssColour, el, isDark } from '../dom';
import { changeWords, markOf, shareOfChange, signed, sumsByKind } from '../model/difference';
import type { Kind, Likeness, Pair, Width } from '../model/difference';
import type { DiffState } from '../diff_state';
import { textOf } from '../model/figures';
import type { FlameSums } from '../model/flame';
import { formatValue } from '../model/format';
import type { FlameLooks } from './flame_graph';

// share: from -1 to 1.
export function changeColour(share: number): string {
  const depth = Math.sqrt(Math.abs(share)); // a tenth more should be seen
  const hue = share > 0 ? 28 : 212;
  if (share === 0) return isDark() ? 'hsl(220 6% 30%)' : 'hsl(220 8% 88%)';
  return isDark()
    ? `hsl(${hue} ${30 + 50 * depth}% ${27 + 10 * depth}%)`
    : `hsl(${hue} ${55 + 35 * depth}% ${91 - 29 * depth}%)`;
}

const pairOf = ({ sums }: FlameSums): Pair => ({ here: sums[0], other: sums[1] });

export function diffLooks(state: DiffState): FlameLooks {
  const unit = () => textOf(state.figure).unit;
  return {
    nothing: 'Nothing of this figure here: try another figure or width.',
    sums: () => [state.columns.here, state.columns.other],
    colour: (node) => changeColour(shareOfChange(pairOf(node))),
    textColour: () => cssColour('--text'),
    label: (node, name) => `${markOf(pairOf(node))} ${name} ${signed(pairOf(node), unit())}`,
    figures: (node) => changeWords(pairOf(node), unit()),
    sumText: (root, matched) =>
      (matched ? 'Matches: ' : 'In all: ') + changeWords(pairOf(matched ?? root), unit()),
  };
}

const kindTexts: [Kind, number, string][] = [
  ['new', 1, '▲ new'],
  ['grown', 0.3, '▲ grown by'],
  ['same', 0, '= the same'],
  ['shrunk', -0.3, '▼ shrunk by'],
  ['gone', -1, '▼ gone'],
];

// What the colours mean, and how much of each there is, by stacks.
export function legend(state: DiffState): HTMLElement {
  const list = el('ul', { class: 'classes', 'aria-label': 'Stacks by what became of them' });
  const show = () => {
    const { unit } = textOf(state.figure);
    const sums = sumsByKind(state.columns, state.matches?.stacks ?? null);
    const items = kindTexts.map(([kind, share, text]) =>
      el(
        'li',
        {},
        el('i', { style: `background: ${changeColour(share)}`, 'aria-hidden': 'true' }),
        `${text} ${formatValue(sums[kind], unit)}`,
      ),
    );
    list.replaceChildren(...items);
  };
  state.onChange((what) => {
    if (what !== 'view' && what !== 'selection') show();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show);
  show();
  return list;
}

export function widthChoice(state: DiffState): HTMLElement {
  const choice = el(
    'select',
    { change: () => state.setWidth(choice.value as Width) },
    el('option', { value: 'both', selected: state.width === 'both' }, 'the larger of the two'),
    el('option', { value: 'change', selected: state.width === 'change' }, 'the difference'),
  );
  return el('label', {}, 'Width: ', choice);
}

export function likenessChoice(state: DiffState): HTMLElement {
  const choice = el(
    'select',
    { change: () => state.setLikeness(choice.value as Likeness) },
    el('option', { value: 'function', selected: state.likeness === 'function' }, 'function'),
    el('option', { value: 'line', selected: state.likeness === 'line' }, 'function, file and line'),
  );
  return el('label', { title: 'Which calls of the two recordings are taken for the same one' }, 'Same by: ', choice);
}
