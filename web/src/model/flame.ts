// The flame graph: stacks with a value joined into a tree, and the tree laid out in rows.
//
//   node      one call, as reached by one way; its value is that of all stacks that go through it, and so are
//             the sums of whatever else is asked for. Nodes without a value are not in the tree
//   rectangle a node on the screen: x from 0 to 1, row from the top
import type { StackSource } from './report';

export interface FlameNode {
  frame: number; // -1: the root
  value: number;
  sums: number[];
  parent: FlameNode | null;
  children: FlameNode[];
  depth: number;
}

export interface Rectangle {
  node: FlameNode;
  from: number;
  to: number;
  row: number;
}

export type Direction = 'callers' | 'callees';

// callers: from the outermost call down; callees: from the innermost call out.
export function flameTree(
  source: StackSource,
  values: Float64Array,
  direction: Direction,
  more: Float64Array[] = [],
): FlameNode {
  const nodeOf = (frame: number, parent: FlameNode | null): FlameNode => ({
    frame,
    value: 0,
    sums: more.map(() => 0),
    parent,
    children: [],
    depth: parent ? parent.depth + 1 : 0,
  });
  const add = (node: FlameNode, at: number) => {
    node.value += values[at];
    for (let which = 0; which < more.length; ++which) node.sums[which] += more[which][at];
  };
  const root = nodeOf(-1, null);
  const below = new Map<FlameNode, Map<number, FlameNode>>();
  source.stacks.forEach((stack, at) => {
    if (values[at] <= 0 && more.every((one) => one[at] === 0)) return;
    add(root, at);
    let node = root;
    const count = stack.frames.length;
    for (let step = 0; step < count; ++step) {
      const frame = stack.frames[direction === 'callers' ? step : count - 1 - step];
      let known = below.get(node);
      if (!known) below.set(node, (known = new Map()));
      let next = known.get(frame);
      if (!next) {
        next = nodeOf(frame, node);
        known.set(frame, next);
        node.children.push(next);
      }
      add(next, at);
      node = next;
    }
  });
  for (const node of below.keys()) {
    node.children = node.children.filter(({ value }) => value > 0);
    node.children.sort((a, b) => b.value - a.value);
  }
  return root;
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

// All outermost matches: a match below another counts once.
export function matchedNodes(root: FlameNode, frames: Uint8Array): FlameNode[] {
  const found: FlameNode[] = [];
  const pending = [...root.children];
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (frames[node.frame]) found.push(node);
    else pending.push(...node.children);
  }
  return found;
}
