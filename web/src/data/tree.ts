// The tree that the flame graph shows: the recordings' nodes with what the options hide or put together.
//
//     recording    thread ─ main ─ <frozen importlib> ─ load ─ load        options: no threads, no import
//     tree                  main ─ load                                    machinery, recursion collapsed
//
// Every node of the recordings belongs to one node of the tree, so sums stay whole.
import { childLists } from "./group";
import { HIDDEN_KEY, IMPORTS, IS_THREAD, Keys, NO_FRAME_KEY } from "./keys";
import { Pairs } from "./pairs";
import { THREAD, type Profile } from "./profile";

export interface TreeOptions {
  byFunction: boolean;
  collapse: boolean;
  imports: boolean; // shown
  threads: boolean; // shown
}

/** What a flame graph is drawn from; node 0 is the root.  Children come by falling total. */
export interface Hierarchy {
  readonly keys: Keys;
  readonly parent: ArrayLike<number>;
  readonly key: ArrayLike<number>;
  readonly total: ArrayLike<number>;
  readonly self: ArrayLike<number>;
  readonly aux: ArrayLike<number>; // of the subtree: what it is coloured by
  children(node: number): Uint32Array;
  isOpen(node: number): boolean; // are the children known already?
}

export class Tree {
  readonly keys: Keys;
  count = 1;
  parent: Uint32Array;
  key: Uint32Array;
  readonly of: Uint32Array[]; // by profile, by node: where its own values are shown
  private readonly pairs: Pairs;

  constructor(
    profiles: Profile[],
    readonly options: TreeOptions,
  ) {
    this.keys = new Keys(profiles, options.byFunction);
    const most = profiles.reduce((sum, profile) => sum + 2 * profile.parent.length, 1);
    this.pairs = new Pairs(most / 2);
    this.parent = new Uint32Array(most);
    this.key = new Uint32Array(most);
    this.of = profiles.map((_, index) => this.enter(index));
    this.parent = this.parent.slice(0, this.count);
    this.key = this.key.slice(0, this.count);
  }

  private child(parent: number, key: number): number {
    const node = this.pairs.add(parent, key) + 1;
    if (node === this.count) {
      this.parent[node] = parent;
      this.key[node] = key;
      this.count++;
    }
    return node;
  }

  private isHidden(profile: Profile, node: number, key: number): boolean {
    if (profile.flags[node]! & THREAD) return !this.options.threads;
    return !this.options.imports && (this.keys.kind[key]! & IMPORTS) !== 0;
  }

  private enter(index: number): Uint32Array {
    const profile = this.keys.profiles[index]!;
    const of = this.options.collapse ? this.enterCollapsed(index) : this.enterPlain(index);
    // What was allocated outside of all frames, or of all that are shown, is shown as a frame of its own.
    const has = new Uint8Array(of.length);
    for (let i = 0; i < profile.siteNode.length; i++) has[profile.siteNode[i]!] = 1;
    for (let i = 0; i < of.length; i++) {
      if (!has[i]) continue;
      const isBare = i === 0 || (profile.flags[i]! & THREAD) !== 0;
      const isTop = of[i] === 0 || (this.keys.kind[this.key[of[i]!]!]! & IS_THREAD) !== 0;
      if (isBare || isTop) of[i] = this.child(of[i]!, isBare ? NO_FRAME_KEY : HIDDEN_KEY);
    }
    return of;
  }

  private enterPlain(index: number): Uint32Array {
    const profile = this.keys.profiles[index]!;
    const of = new Uint32Array(profile.parent.length);
    for (let i = 1; i < of.length; i++) {
      const above = of[profile.parent[i]!]!;
      const key = this.keys.ofNode(index, i);
      of[i] = this.isHidden(profile, i, key) ? above : this.child(above, key);
    }
    return of;
  }

  /** A frame that is on the path already is the same node again. */
  private enterCollapsed(index: number): Uint32Array {
    const profile = this.keys.profiles[index]!;
    const { parent } = profile;
    const { start, items } = profile.keep("children", () => childLists(parent));
    const of = new Uint32Array(parent.length);
    const onPath = new Uint32Array(this.keys.count); // by key: its node on the path
    const entered = new Uint8Array(parent.length);
    const next = start.slice(0, parent.length);
    let node = 0;
    for (;;) {
      if (next[node]! < start[node + 1]!) {
        const above = of[node]!;
        node = items[next[node]!++]!;
        const key = this.keys.ofNode(index, node);
        if (this.isHidden(profile, node, key)) of[node] = above;
        else if (onPath[key]) of[node] = onPath[key]!;
        else {
          onPath[key] = of[node] = this.child(above, key);
          entered[node] = 1;
        }
      } else {
        if (node === 0) return of;
        if (entered[node]) onPath[this.keys.ofNode(index, node)] = 0;
        node = parent[node]!;
      }
    }
  }

  /** Values by site -> own values by node of the tree. */
  selfOf(index: number, values: Float64Array): Float64Array {
    const self = new Float64Array(this.count);
    const of = this.of[index]!;
    const { siteNode } = this.keys.profiles[index]!;
    for (let i = 0; i < values.length; i++) self[of[siteNode[i]!]!]! += values[i]!;
    return self;
  }

  /** Own values -> values of subtrees. */
  totals(self: Float64Array): Float64Array {
    const sums = self.slice();
    for (let i = sums.length - 1; i > 0; i--) sums[this.parent[i]!]! += sums[i]!;
    return sums;
  }
}

/** Sorts numbers by what they weigh, heaviest first. */
function sortByWeight(items: Uint32Array, weight: ArrayLike<number>): void {
  if (items.length > 1) items.sort((a, b) => weight[b]! - weight[a]! || a - b);
}

/** From the callers down. */
export class Icicle implements Hierarchy {
  readonly keys: Keys;
  readonly parent: Uint32Array;
  readonly key: Uint32Array;
  readonly total: Float64Array;
  readonly aux: Float64Array;
  private readonly lists: { start: Uint32Array; items: Uint32Array };
  private readonly isSorted: Uint8Array;

  constructor(
    tree: Tree,
    readonly self: Float64Array,
    aux?: Float64Array,
  ) {
    this.keys = tree.keys;
    this.parent = tree.parent;
    this.key = tree.key;
    this.total = tree.totals(self);
    this.aux = aux ? tree.totals(aux) : new Float64Array(0);
    this.lists = childLists(tree.parent);
    this.isSorted = new Uint8Array(tree.count);
  }

  children(node: number): Uint32Array {
    const { start, items } = this.lists;
    const mine = items.subarray(start[node]!, start[node + 1]!);
    if (!this.isSorted[node]) {
      this.isSorted[node] = 1;
      sortByWeight(mine, this.total);
    }
    return mine;
  }

  isOpen(): boolean {
    return true;
  }
}

interface Entries {
  node: Uint32Array; // of the tree, none twice
  weight: Float64Array;
  aux: Float64Array;
}

/** From the frames that allocated up to their callers.  The whole of such a tree can be far larger than the
 * tree it comes from, so a node's children are made when they are first asked for: each node keeps how far
 * up in the tree its stacks have been followed, and how much hangs on each of these places. */
export class Inverted implements Hierarchy {
  readonly keys: Keys;
  readonly parent: number[] = [0];
  readonly key: number[] = [0];
  readonly total: number[] = [0];
  readonly self: number[] = [0];
  readonly aux: number[] = [0];
  private readonly open: (Uint32Array | undefined)[] = [];
  private readonly entries: (Entries | undefined)[] = [];
  private readonly place: Int32Array; // scratch: by node of the tree
  private readonly group: Int32Array; // scratch: by key

  constructor(
    private readonly tree: Tree,
    self: Float64Array,
    aux?: Float64Array,
  ) {
    this.keys = tree.keys;
    this.place = new Int32Array(tree.count).fill(-1);
    this.group = new Int32Array(this.keys.count).fill(-1);
    const used: number[] = [];
    for (let i = 1; i < self.length; i++) if (self[i] || aux?.[i]) used.push(i);
    const node = Uint32Array.from(used);
    const at = (values?: Float64Array) => Float64Array.from(used, (i) => values?.[i] ?? 0);
    const entries = { node, weight: at(self), aux: at(aux) };
    for (const weight of entries.weight) this.total[0]! += weight;
    for (const weight of entries.aux) this.aux[0]! += weight;
    this.open[0] = this.split(0, entries);
  }

  isOpen(node: number): boolean {
    return this.open[node] !== undefined;
  }

  children(node: number): Uint32Array {
    return (this.open[node] ??= this.split(node, this.climb(this.entries[node]!)));
  }

  /** One step towards the callers; what meets at the same caller is added up. */
  private climb(from: Entries): Entries {
    const { place } = this;
    const used: number[] = [];
    const weight: number[] = [];
    const aux: number[] = [];
    for (let i = 0; i < from.node.length; i++) {
      const up = this.tree.parent[from.node[i]!]!;
      if (!up) continue;
      if (place[up]! < 0) {
        place[up] = used.length;
        used.push(up);
        weight.push(0);
        aux.push(0);
      }
      weight[place[up]!]! += from.weight[i]!;
      aux[place[up]!]! += from.aux[i]!;
    }
    for (const node of used) place[node] = -1;
    return { node: Uint32Array.from(used), weight: Float64Array.from(weight), aux: Float64Array.from(aux) };
  }

  /** Makes a child of each key among the entries. */
  private split(node: number, entries: Entries): Uint32Array {
    this.entries[node] = undefined;
    const { group } = this;
    const { key } = this.tree;
    const first = this.parent.length;
    const sizes: number[] = [];
    for (const place of entries.node) {
      const k = key[place]!;
      if (group[k]! < 0) {
        group[k] = sizes.length;
        sizes.push(0);
        this.parent.push(node);
        this.key.push(k);
        this.total.push(0);
        this.self.push(0);
        this.aux.push(0);
      }
      sizes[group[k]!]!++;
    }
    const lists = sizes.map((size) => ({
      node: new Uint32Array(size),
      weight: new Float64Array(size),
      aux: new Float64Array(size),
    }));
    sizes.fill(0);
    for (let i = 0; i < entries.node.length; i++) {
      const g = group[key[entries.node[i]!]!]!;
      const at = sizes[g]!++;
      const list = lists[g]!;
      list.node[at] = entries.node[i]!;
      list.weight[at] = entries.weight[i]!;
      list.aux[at] = entries.aux[i]!;
      this.total[first + g]! += entries.weight[i]!;
      this.aux[first + g]! += entries.aux[i]!;
    }
    for (const place of entries.node) group[key[place]!] = -1;
    lists.forEach((list, g) => (this.entries[first + g] = list));
    if (node === 0) for (let i = first; i < this.total.length; i++) this.self[i] = this.total[i]!;
    const children = Uint32Array.from(sizes, (_, g) => first + g);
    sortByWeight(children, this.total);
    return children;
  }
}
