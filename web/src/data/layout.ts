// Which boxes of a flame graph are seen in a window of values, and where.
//
// Only what is at least LEAST px wide is followed; smaller siblings are put together in one box.  As children come
// by falling total, the first that is too small ends its row: work follows the picture, not the tree.
import type { Hierarchy } from "./tree";

export const LEAST = 1; // px

export interface Boxes {
  count: number;
  node: Uint32Array; // put together: of the parent
  depth: Uint32Array;
  left: Float32Array; // px
  right: Float32Array;
  rest: Uint32Array; // 0: a box; else so many put together
  deepest: number;
  isWhole: boolean; // false: time ran out, more is to be opened
}

function grown(boxes: Boxes): Boxes {
  const larger = <T extends Uint32Array | Float32Array>(old: T, make: new (length: number) => T): T => {
    const array = new make(old.length * 2);
    array.set(old);
    return array;
  };
  boxes.node = larger(boxes.node, Uint32Array as new (n: number) => Uint32Array);
  boxes.depth = larger(boxes.depth, Uint32Array as new (n: number) => Uint32Array);
  boxes.left = larger(boxes.left, Float32Array as new (n: number) => Float32Array);
  boxes.right = larger(boxes.right, Float32Array as new (n: number) => Float32Array);
  boxes.rest = larger(boxes.rest, Uint32Array as new (n: number) => Uint32Array);
  return boxes;
}

export function newBoxes(): Boxes {
  const room = 4096;
  return {
    count: 0,
    node: new Uint32Array(room),
    depth: new Uint32Array(room),
    left: new Float32Array(room),
    right: new Float32Array(room),
    rest: new Uint32Array(room),
    deepest: 0,
    isWhole: true,
  };
}

/** Lays the values from `start` to `end` out over `width` px.  `until`: performance.now() at which to stop opening. */
export function layOut(tree: Hierarchy, start: number, end: number, width: number, until: number, boxes: Boxes): Boxes {
  const scale = width / (end - start);
  const pending: number[] = [0];
  const begins: number[] = [0];
  const depths: number[] = [0];
  boxes.count = boxes.deepest = 0;
  boxes.isWhole = true;
  const put = (node: number, depth: number, from: number, to: number, rest: number) => {
    if (boxes.count === boxes.node.length) grown(boxes);
    const i = boxes.count++;
    boxes.node[i] = node;
    boxes.depth[i] = depth;
    boxes.left[i] = Math.max(0, (from - start) * scale);
    boxes.right[i] = Math.min(width, (to - start) * scale);
    boxes.rest[i] = rest;
    if (depth > boxes.deepest) boxes.deepest = depth;
  };
  while (pending.length) {
    const node = pending.pop()!;
    const begin = begins.pop()!;
    const depth = depths.pop()!;
    put(node, depth, begin, begin + tree.total[node]!, 0);
    if (!tree.isOpen(node) && performance.now() > until) {
      boxes.isWhole = false;
      continue;
    }
    const children = tree.children(node);
    let at = begin;
    for (let i = 0; i < children.length && at < end; i++) {
      const child = children[i]!;
      const size = tree.total[child]!;
      if (size * scale < LEAST) {
        let rest = size;
        for (let j = i + 1; j < children.length; j++) rest += tree.total[children[j]!]!;
        if (rest * scale >= LEAST && at + rest > start) put(node, depth + 1, at, at + rest, children.length - i);
        break;
      }
      if (at + size > start) {
        pending.push(child);
        begins.push(at);
        depths.push(depth + 1);
      }
      at += size;
    }
  }
  return boxes;
}

/** Where a node's values begin. */
export function startOf(tree: Hierarchy, node: number): number {
  let at = 0;
  while (node) {
    const parent = tree.parent[node]!;
    for (const sibling of tree.children(parent)) {
      if (sibling === node) break;
      at += tree.total[sibling]!;
    }
    node = parent;
  }
  return at;
}
