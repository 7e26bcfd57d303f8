// The flame graph of one recording: a colour for each file, and shares of the figure.
import { colourOf, cssColour } from '../dom';
import { textOf } from '../model/figures';
import { formatShare, formatValue } from '../model/format';
import type { State } from '../state';
import type { FlameLooks } from './flame_graph';

// Of code without symbols, "libfoo.so+0x1234".
const libraryOf = (name: string): string => name.replace(/\+0x[0-9a-f]+$/, '');

export function figureLooks(state: State): FlameLooks {
  const value = (of: number) => formatValue(of, textOf(state.figure).unit);
  return {
    nothing: 'Nothing of this figure here.',
    sums: () => [],
    colour: (_node, frame, isMatch) =>
      isMatch ? cssColour('--match') : colourOf(frame.file ?? libraryOf(frame.function)),
    textColour: (isMatch) => cssColour(isMatch ? '--match-text' : '--text'),
    label: (_node, name) => name,
    figures: (node, root) => `${value(node.value)} · ${formatShare(node.value, root.value)}`,
    sumText(root, matched) {
      if (!matched) return `${value(root.value)} in all`;
      return `Matches: ${value(matched.value)}, ${formatShare(matched.value, root.value)}`;
    },
  };
}
