// A heap snapshot as docs/internals/report.md describes it: classes, the dominator tree, merged paths.
import type { HeapFacts } from "./container";
import type { Profile } from "./profile";

/** Kinds of nodes of the dominator tree. */
export const OBJECT = 0;
export const ROOT = 1;
export const OTHERS = 2;
export const GARBAGE = 3;

const AT_PEAK = 1;
const AT_EXIT = 2;

/** Rows of a tree in the order in which they are drawn: a row's children follow it, one level deeper. */
export class Rows {
  readonly parent: Int32Array; // -1: none
  readonly end: Uint32Array; // one beyond the last row below it

  constructor(readonly depth: Uint32Array) {
    const count = depth.length;
    this.parent = new Int32Array(count).fill(-1);
    this.end = new Uint32Array(count);
    const open: number[] = [];
    for (let i = 0; i < count; i++) {
      while (open.length > depth[i]!) this.end[open.pop()!] = i;
      if (open.length) this.parent[i] = open[open.length - 1]!;
      open.push(i);
    }
    for (const row of open) this.end[row] = count;
  }

  get count(): number {
    return this.depth.length;
  }

  hasChildren(row: number): boolean {
    return this.end[row]! > row + 1;
  }

  children(row: number): number[] {
    const found: number[] = [];
    for (let i = row + 1; i < this.end[row]!; i = this.end[i]!) found.push(i);
    return found;
  }
}

export interface Types {
  name: Uint32Array; // 0: all classes that have no row of their own
  module: Uint32Array;
  objects: Float64Array;
  bytes: Float64Array;
  retained: Float64Array;
}

export interface Nodes {
  rows: Rows;
  kind: Uint32Array;
  name: Uint32Array;
  reference: Uint32Array;
  objects: Float64Array;
  bytes: Float64Array;
  retained: Float64Array;
  address: Float64Array;
  length: Float64Array;
  birth: Uint32Array; // frames
  path: Uint32Array;
}

export interface Paths {
  rows: Rows;
  tops: number[]; // the rows that bear the classes
  kind: Uint32Array;
  name: Uint32Array;
  class: Uint32Array;
  objects: Float64Array;
  ends: Float64Array;
  bytes: Float64Array;
  retained: Float64Array;
}

export class Heap {
  constructor(
    readonly profile: Profile,
    readonly index: number,
    readonly facts: HeapFacts,
    private readonly first: { types: number; nodes: number; paths: number },
  ) {}

  private small(column: string, group: "types" | "nodes" | "paths"): Uint32Array {
    const from = this.first[group];
    return this.profile.small(`heap_${group}.${column}`).subarray(from, from + this.facts[group]);
  }

  private large(column: string, group: "types" | "nodes" | "paths"): Float64Array {
    const from = this.first[group];
    return this.profile.large(`heap_${group}.${column}`).subarray(from, from + this.facts[group]);
  }

  get types(): Types {
    return this.profile.keep(`heap types ${this.index}`, () => ({
      name: this.small("class", "types"),
      module: this.small("module", "types"),
      objects: this.large("objects", "types"),
      bytes: this.large("bytes", "types"),
      retained: this.large("retained", "types"),
    }));
  }

  get nodes(): Nodes {
    return this.profile.keep(`heap nodes ${this.index}`, () => ({
      rows: new Rows(this.small("depth", "nodes")),
      kind: this.small("kind", "nodes"),
      name: this.small("name", "nodes"),
      reference: this.small("reference", "nodes"),
      objects: this.large("objects", "nodes"),
      bytes: this.large("bytes", "nodes"),
      retained: this.large("retained", "nodes"),
      address: this.large("address", "nodes"),
      length: this.large("length", "nodes"),
      birth: this.small("birth", "nodes"),
      path: this.small("path", "nodes"),
    }));
  }

  get paths(): Paths {
    return this.profile.keep(`heap paths ${this.index}`, () => {
      const rows = new Rows(this.small("depth", "paths"));
      const tops: number[] = [];
      for (let i = 0; i < rows.count; i = rows.end[i]!) tops.push(i);
      return {
        rows,
        tops,
        kind: this.small("kind", "paths"),
        name: this.small("name", "paths"),
        class: this.small("class", "paths"),
        objects: this.large("objects", "paths"),
        ends: this.large("ends", "paths"),
        bytes: this.large("bytes", "paths"),
        retained: this.large("retained", "paths"),
      };
    });
  }

  /** The row of `paths` that bears a class; undefined: the page holds no paths to it. */
  pathsOf(name: number): number | undefined {
    return this.paths.tops.find((row) => this.paths.name[row] === name);
  }

  /** What tells it from others, besides its time: "when the program ended". */
  get occasion(): string {
    if (this.facts.label) return this.profile.name(this.facts.label);
    if (this.facts.flags & AT_PEAK) return "near the peak";
    return this.facts.flags & AT_EXIT ? "when the program ended" : "";
  }
}

/** The snapshots of a recording, by time. */
export function heapsOf(profile: Profile): Heap[] {
  return profile.keep("heaps", () => {
    const first = { types: 0, nodes: 0, paths: 0 };
    return (profile.head.heaps ?? []).map((facts, index) => {
      const heap = new Heap(profile, index, facts, { ...first });
      first.types += facts.types;
      first.nodes += facts.nodes;
      first.paths += facts.paths;
      return heap;
    });
  });
}

export interface ClassChange {
  name: string;
  before: { objects: number; bytes: number; retained: number };
  after: { objects: number; bytes: number; retained: number };
}

const NOTHING = { objects: 0, bytes: 0, retained: 0 };

/** The classes of two snapshots side by side.  Classes without a row in either are together. */
export function changesOf(before: Heap, after: Heap): ClassChange[] {
  const found = new Map<string, ClassChange>();
  const enter = (heap: Heap, side: "before" | "after") => {
    const { types } = heap;
    for (let i = 0; i < types.name.length; i++) {
      const name = heap.profile.name(types.name[i]!);
      const change = found.get(name) ?? { name, before: NOTHING, after: NOTHING };
      change[side] = { objects: types.objects[i]!, bytes: types.bytes[i]!, retained: types.retained[i]! };
      found.set(name, change);
    }
  };
  enter(before, "before");
  enter(after, "after");
  return [...found.values()];
}
