// The flame graph: stacks with a value joined into a tree, and the tree laid out in rows.
//
//   node      one call, as reached by one way; its value is that of all stacks that go through it, and so are
//             the sums of whatever else is asked for. Nodes without a value are not in the tree
//   rectangle a node on the screen: x from 0 to 1, row from the top
//
// A node knows its stacks, and is divided into those below it when somebody asks: most of 100,000 stacks are too narrow
// to be seen, and nobody does.
import type { StackSource } from './report';

// What some stacks amount to.
export interface FlameSums {
  value: number;
  sums: number[];
}

export interface FlameNode extends FlameSums {
  readonly frame: number; // -1: the root
  readonly parent: FlameNode | null;
  readonly depth: number;
  readonly children: FlameNode[]; // the widest first
}

export interface Rectangle {
  node: FlameNode;
  from: number;
  to: number;
  row: number;
}

export type Direction = 'callers' | 'callees';

interface Tree {
  source: StackSource;
  values: Float64Array;
  direction: Direction;
  more: Float64Array[];
}

class Node implements FlameNode {
  value = 0;
  readonly sums: number[];
  readonly depth: number;
  readonly stacks: number[] = [];
  private below: Node[] | null = null;

  constructor(
    readonly tree: Tree,
    readonly frame: number,
    readonly parent: Node | null,
  ) {
    this.sums = tree.more.map(() => 0);
    this.depth = parent ? parent.depth + 1 : 0;
  }

  get children(): Node[] {
    this.below ??= this.divided();
    return this.below;
  }

  add(stack: number) {
    this.stacks.push(stack);
    addTo(this, this.tree, stack);
  }

  private divided(): Node[] {
    const { source, direction } = this.tree;
    const made = new Map<number, Node>();
    for (const stack of this.stacks) {
      const { frames } = source.stacks[stack];
      if (frames.length === this.depth) continue;
      const frame = frames[direction === 'callers' ? this.depth : frames.length - 1 - this.depth];
      let node = made.get(frame);
      if (!node) made.set(frame, (node = new Node(this.tree, frame, this)));
      node.add(stack);
    }
    return [...made.values()].filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
  }
}

function addTo(to: FlameSums, { values, more }: Tree, stack: number) {
  to.value += values[stack];
  for (let which = 0; which < more.length; ++which) to.sums[which] += more[which][stack];
}

// callers: from the outermost call down; callees: from the innermost call out.
export function flameTree(
  source: StackSource,
  values: Float64Array,
  direction: Direction,
  more: Float64Array[] = [],
): FlameNode {
  const root = new Node({ source, values, direction, more }, -1, null);
  for (let at = 0; at < source.stacks.length; ++at) {
    if (values[at] > 0 || more.some((one) => one[at] !== 0)) root.add(at);
  }
  return root;
}

// Of those stacks that are chosen.
export function chosenSums(root: FlameNode, chosen: Uint8Array): FlameSums {
  const { tree, stacks } = root as Node;
  const made = { value: 0, sums: tree.more.map(() => 0) };
  for (const stack of stacks) if (chosen[stack]) addTo(made, tree, stack);
  return made;
}

// What is narrower than `least` (of 1) is left out, with all below it.
export function layOut(zoomed: FlameNode, least: number): Rectangle[] {
  const made: Rectangle[] = [];
  for (let node = zoomed.parent; node; node = node.parent) {
    made.push({ node, from: 0, to: 1, row: node.depth });
  }
  made.reverse();
  const pending: Rectangle[] = [{ node: zoomed, from: 0, to: 1, row: zoomed.depth }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    made.push(next);
    const scale = (next.to - next.from) / next.node.value;
    let from = next.from;
    for (const child of next.node.children) {
      const to = from + child.value * scale;
      if (to - from < least) break; // those that follow are no wider
      pending.push({ node: child, from, to, row: next.row + 1 });
      from = to;
    }
  }
  return made;
}

// Where the same call is, by the same way, in another tree of the same recording; or the last call of
// that way that is there.
export function sameNode(root: FlameNode, as: FlameNode): FlameNode {
  const way: number[] = [];
  for (let node: FlameNode | null = as; node?.parent; node = node.parent) way.push(node.frame);
  let at = root;
  for (const frame of way.reverse()) {
    const next = at.children.find((child) => child.frame === frame);
    if (!next) break;
    at = next;
  }
  return at;
}
