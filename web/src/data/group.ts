// Grouping: sites become rows, by line, function, file, module, domain or thread.
//
//     site ─► node ─► unit ─► row
//
// As `barrow table` counts, but that kinds of memory (domains) of one line are one row here.
import { FOLDED, THREAD, type Profile } from "./profile";
import { Pairs } from "./pairs";

export const GROUPINGS = ["line", "function", "file", "module", "domain", "thread"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface Units {
  by: Grouping;
  count: number;
  ofNode: Uint32Array; // unit of the stack that ends at the node
  example: Uint32Array; // by unit: a frame; for threads a node
}

/** By frame: its unit. */
function unitsOfFrames(profile: Profile, by: Grouping): { of: Uint32Array; example: number[] } {
  const { frames } = profile;
  const pairs = new Pairs();
  const places = new Pairs();
  const example: number[] = [];
  const of = new Uint32Array(frames.file.length);
  for (let i = 0; i < of.length; i++) {
    const file = by === "module" ? frames.module[i]! : frames.file[i]!;
    const named = by === "line" || by === "function" ? frames.function[i]! : 0;
    const line = by === "line" ? frames.line[i]! : 0;
    of[i] = pairs.add(places.add(named, file), line);
    if (of[i] === example.length) example.push(i);
  }
  return { of, example };
}

export function makeUnits(profile: Profile, by: Grouping): Units {
  return profile.keep(`units ${by}`, () => {
    const { parent, flags } = profile;
    const ofNode = new Uint32Array(parent.length);
    let example: number[] = [0];
    if (by === "thread") {
      for (let i = 1; i < parent.length; i++) {
        if (flags[i]! & THREAD) {
          ofNode[i] = example.length;
          example.push(i);
        } else ofNode[i] = ofNode[parent[i]!]!;
      }
    } else if (by !== "domain") {
      const frames = unitsOfFrames(profile, by);
      example = frames.example;
      for (let i = 0; i < ofNode.length; i++) ofNode[i] = frames.of[profile.leafFrame(i)]!;
    }
    return { by, count: example.length, ofNode, example: Uint32Array.from(example) };
  });
}

/** Sums by unit (by domain: the domains are the units). */
export function sumOwn(profile: Profile, units: Units, values: Float64Array): Float64Array {
  const byDomain = units.by === "domain";
  const sums = new Float64Array(byDomain ? profile.head.domains.length : units.count);
  const { siteNode, siteDomain } = profile;
  for (let i = 0; i < values.length; i++) sums[byDomain ? siteDomain[i]! : units.ofNode[siteNode[i]!]!]! += values[i]!;
  return sums;
}

/** Which domains a unit's own memory is of, as bits. */
export function domainsOf(profile: Profile, units: Units, values: Float64Array): Uint8Array {
  const bits = new Uint8Array(Math.max(units.count, profile.head.domains.length));
  const { siteNode, siteDomain } = profile;
  for (let i = 0; i < values.length; i++)
    if (values[i]) bits[units.by === "domain" ? siteDomain[i]! : units.ofNode[siteNode[i]!]!]! |= 1 << siteDomain[i]!;
  return bits;
}

/** Children of each node: those of n are items[start[n] .. start[n + 1]). */
export function childLists(parent: Uint32Array, count = parent.length): { start: Uint32Array; items: Uint32Array } {
  const start = new Uint32Array(count + 2);
  const items = new Uint32Array(count);
  for (let i = 1; i < count; i++) start[parent[i]! + 2]!++;
  for (let i = 2; i < start.length; i++) start[i]! += start[i - 1]!;
  for (let i = 1; i < count; i++) items[start[parent[i]! + 1]!++] = i;
  return { start, items };
}

/** By node: does no node above it belong to the same unit?  Such nodes' subtrees count for the unit. */
function outermost(profile: Profile, units: Units): Uint8Array {
  return profile.keep(`outermost ${units.by}`, () => {
    const { parent, flags } = profile;
    const { start, items } = profile.keep("children", () => childLists(parent));
    const result = new Uint8Array(parent.length);
    const onPath = new Uint32Array(units.count);
    const isFrame = (node: number) => node !== 0 && !(flags[node]! & THREAD);
    const next = start.slice(0, parent.length); // by node: the child to visit next
    let node = 0;
    for (;;) {
      if (next[node]! < start[node + 1]!) {
        node = items[next[node]!++]!;
        if (isFrame(node)) result[node] = Number(onPath[units.ofNode[node]!]!++ === 0 && !(flags[node]! & FOLDED));
      } else {
        if (node === 0) return result;
        if (isFrame(node)) onPath[units.ofNode[node]!]!--;
        node = parent[node]!;
      }
    }
  });
}

/** What was allocated in a unit and in everything it called; recursion counts a stack once. */
export function sumInclusive(profile: Profile, units: Units, values: Float64Array): Float64Array {
  if (units.by === "domain" || units.by === "thread") return sumOwn(profile, units, values);
  const { parent, flags } = profile;
  const subtree = profile.selfByNode(values);
  const sums = new Float64Array(units.count);
  const counts = outermost(profile, units);
  for (let i = parent.length - 1; i >= 0; i--) {
    if (i === 0 || flags[i]! & THREAD) sums[units.ofNode[i]!]! += subtree[i]!;
    else {
      if (counts[i]) sums[units.ofNode[i]!]! += subtree[i]!;
      if (parent[i] !== 0 && !(flags[parent[i]!]! & THREAD)) subtree[parent[i]!]! += subtree[i]!;
    }
  }
  return sums;
}

export interface UnitText {
  name: string; // function, file, module, domain or thread; "" where there is none
  frame: number; // -1: the unit is no place in the code
}

export function unitText(profile: Profile, units: Units, unit: number): UnitText {
  const { frames } = profile;
  if (units.by === "domain") return { name: profile.head.domains[unit] ?? "", frame: -1 };
  const example = units.example[unit]!;
  if (units.by === "thread")
    return { name: unit ? profile.name(frames.function[profile.frame[example]!]!) : "", frame: -1 };
  const column = units.by === "file" ? frames.file : units.by === "module" ? frames.module : frames.function;
  return { name: profile.name(column[example]!), frame: example };
}
