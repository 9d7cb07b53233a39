// Which lines of two recordings are the same, by the rules of `barrow diff`.
//
// Files match by path; those that only one recording has, by module (the file moved).  Functions match by file and
// name.  Lines, and functions of one name in a file, are matched in order, each list as a whole at the least cost:
//
//     before   12   40 41 42      60          a line without a counterpart costs 4,
//              |     \  \  \       \          a pair whose distance differs from that of the pair before it 4,
//     now      12     41 42 43  50  61        one that calls other functions 4,
//                                             one that allocated another number of blocks up to 4
//
// Lines that changed places can't all be paired in order; those left over are paired if they are alike.
import { Pairs } from "./pairs";
import { FOLDED, THREAD, type Profile } from "./profile";

const ALONE = 4;
const MOVED = 4;
const CALLS = 4;
const MOST_CELLS = 1 << 21;
const MOST_LEFT_OVER = 1 << 22; // comparisons

interface Place {
  line: number;
  blocks: number;
  calls: number; // stands for the names of the functions called from there
}

function unlikeness(old: Place, now: Place): number {
  const a = old.blocks;
  const b = now.blocks;
  const calls = old.calls === now.calls ? 0 : CALLS;
  return calls + (a === b ? 0 : a && b && Math.floor(a / 2) <= b && Math.floor(b / 2) <= a ? 1 : 4);
}

/** Pairs places in rising order of line: by index in `old` that in `now`, or -1. */
export function align(old: Place[], now: Place[], expected: number): Int32Array {
  const to = new Int32Array(old.length).fill(-1);
  const away = (i: number, j: number) => now[j]!.line - old[i]!.line;
  let same = 0;
  while (same < old.length && same < now.length && away(same, same) === expected && !unlikeness(old[same]!, now[same]!))
    to[same] = same++;
  const width = now.length - same;
  if (same === old.length || !width) return to;
  if ((old.length - same) * width > MOST_CELLS) {
    for (let i = same, j = same; i < old.length && j < now.length; ) {
      const off = away(i, j) - expected;
      if (off === 0) to[i] = j;
      if (off >= 0) i++;
      if (off <= 0) j++;
    }
    return to;
  }
  // gain: the cost of the best pairing that ends with the pair, less that of leaving all before it alone.  Of its
  // predecessors two matter: the best of the same distance, and the best of any above and to the left.
  const gain: number[] = [];
  const previous: number[] = [];
  const byDistance = new Map<number, number>();
  const best = new Int32Array(width).fill(-1);
  const isBetter = (one: number, other: number) => other < 0 || (one >= 0 && gain[one]! < gain[other]!);
  let last = -1;
  for (let i = same; i < old.length; i++) {
    const first = gain.length;
    for (let j = 0; j < width; j++) {
      const distance = away(i, j + same);
      const alike = byDistance.get(distance) ?? -1;
      const any = j ? best[j - 1]! : -1;
      let cost = 2 * ALONE + (distance === expected ? 0 : MOVED);
      let from = -1;
      if (alike >= 0 && gain[alike]! <= cost) [cost, from] = [gain[alike]!, alike];
      if (any >= 0 && gain[any]! + MOVED < cost) [cost, from] = [gain[any]! + MOVED, any];
      gain.push(cost + unlikeness(old[i]!, now[j + same]!) - 2 * ALONE);
      previous.push(from);
    }
    let left = -1;
    for (let j = 0; j < width; j++) {
      const cell = first + j;
      const distance = away(i, j + same);
      if (isBetter(cell, byDistance.get(distance) ?? -1)) byDistance.set(distance, cell);
      if (isBetter(cell, best[j]!)) best[j] = cell;
      if (isBetter(left, best[j]!)) best[j] = left;
      left = best[j]!;
    }
    last = left;
  }
  // With `gain` as it is counted, leaving all alone has twice the cost of one.
  if (gain[last]! > 2 * ALONE) last = -1;
  for (let cell = last; cell >= 0; cell = previous[cell]!) to[same + Math.floor(cell / width)] = same + (cell % width);
  return to;
}

/** Pairs what align() left over on both sides and is alike: lines that changed places. */
function pairTheRest(old: Place[], now: Place[], to: Int32Array): void {
  if (old.length * (now.length + 1) > MOST_LEFT_OVER) return;
  const taken = new Uint8Array(now.length);
  for (const j of to) if (j >= 0) taken[j] = 1;
  old.forEach(({ blocks, calls }, i) => {
    if (to[i]! >= 0) return;
    const j = now.findIndex((place, j) => !taken[j] && place.blocks === blocks && place.calls === calls);
    if (j < 0) return;
    to[i] = j;
    taken[j] = 1;
  });
}

// ---- files ----

/** By path of a file that only `before` has: its path now. */
function movedFiles(now: Profile, before: Profile): Map<string, string> {
  const filesOf = (profile: Profile) => {
    const modules = new Map<string, Set<string>>();
    for (let i = 1; i < profile.frames.file.length; i++) {
      const file = profile.name(profile.frames.file[i]!);
      const of = modules.get(file);
      if (of) of.add(profile.name(profile.frames.module[i]!));
      else modules.set(file, new Set([profile.name(profile.frames.module[i]!)]));
    }
    return modules;
  };
  const sides = [filesOf(before), filesOf(now)] as const;
  const moved = new Map<string, string>();
  const taken = new Set<string>();
  for (const byName of [true, false]) {
    const candidates = new Map<string, (string | null | undefined)[]>(); // null: several
    sides.forEach((files, side) => {
      for (const [file, modules] of files) {
        if (sides[1 - side]!.has(file) || moved.has(file) || taken.has(file)) continue;
        for (const module of modules) {
          if (!module) continue;
          const key = `${module}\0${byName ? file.slice(file.lastIndexOf("/") + 1) : ""}`;
          const entry = candidates.get(key) ?? [];
          entry[side] = entry[side] === undefined ? file : null;
          candidates.set(key, entry);
        }
      }
    });
    for (const [from, to] of candidates.values())
      if (from && to && !taken.has(to)) {
        moved.set(from, to);
        taken.add(to);
      }
  }
  return moved;
}

// ---- lines ----

interface Line extends Place {
  first: number;
  frames: number[];
  number: number;
}

/** By file and function: lines in order of code object and line. */
function linesOf(profile: Profile, moved: Map<string, string>): Map<string, Line[]> {
  const { frames } = profile;
  const ofFrame: Line[] = [];
  const blocks = new Float64Array(frames.file.length);
  profile.large("sites.total_blocks").forEach((value, i) => (blocks[profile.leafFrame(profile.siteNode[i]!)]! += value));
  const functions = new Map<string, Map<number, Line>>();
  for (let i = 1; i < frames.file.length; i++) {
    const file = profile.name(frames.file[i]!);
    const key = `${moved.get(file) ?? file}\0${profile.name(frames.function[i]!)}`;
    let lines = functions.get(key);
    if (!lines) functions.set(key, (lines = new Map()));
    let line = lines.get(frames.line[i]!);
    if (!line) {
      line = { line: frames.line[i]!, first: frames.firstLine[i]!, blocks: 0, calls: 0, frames: [], number: 0 };
      lines.set(line.line, line);
    }
    line.frames.push(i);
    line.blocks += blocks[i]!;
    line.first = Math.min(line.first, frames.firstLine[i]!);
    ofFrame[i] = line;
  }
  addCalls(profile, ofFrame);
  return new Map(
    [...functions].map(([key, lines]) => [key, [...lines.values()].sort((a, b) => a.first - b.first || a.line - b.line)]),
  );
}

/** A number for a name, the same in each recording. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Each function counts once for a line that calls it, from however many stacks. */
function addCalls(profile: Profile, ofFrame: Line[]): void {
  const { parent, frame, flags, frames } = profile;
  const seen = new Pairs();
  for (let i = 1; i < parent.length; i++) {
    const caller = parent[i]!;
    if (!caller || (flags[i]! | flags[caller]!) & (THREAD | FOLDED)) continue;
    const line = ofFrame[frame[caller]!];
    const name = frames.function[frame[i]!]!;
    const known = seen.count;
    // By the line's first frame, as equal lines may be several frames.
    if (line && seen.add(line.frames[0]!, name) === known) line.calls += hashOf(profile.name(name));
  }
}

function codesOf(lines: Line[]): Line[][] {
  const codes: Line[][] = [];
  for (const line of lines) {
    const last = codes[codes.length - 1];
    if (last && last[0]!.first === line.first) last.push(line);
    else codes.push([line]);
  }
  return codes;
}

function matchFunction(old: Line[], now: Line[]): void {
  const olds = codesOf(old);
  const nows = codesOf(now);
  const sum = (code: Line[], what: "blocks" | "calls") => code.reduce((sum, line) => sum + line[what], 0);
  const place = (code: Line[]) => ({ line: code[0]!.first, blocks: sum(code, "blocks"), calls: sum(code, "calls") });
  align(olds.map(place), nows.map(place), 0).forEach((to, i) => {
    if (to < 0) return;
    const code = olds[i]!;
    const other = nows[to]!;
    const lines = align(code, other, other[0]!.first - code[0]!.first);
    pairTheRest(code, other, lines);
    lines.forEach((t, l) => {
      if (t >= 0) code[l]!.number = other[t]!.number;
    });
  });
}

/** By profile, by frame: numbers from 1 up that both share; 0 for frame 0. */
export function matchFrames(now: Profile, before: Profile, byFunction: boolean): Uint32Array[] {
  const sides = [linesOf(now, new Map()), linesOf(before, movedFiles(now, before))] as const;
  let last = 0;
  const names = new Map<string, number>();
  for (const [key, lines] of sides[0]) {
    names.set(key, ++last);
    for (const line of lines) line.number = byFunction ? last : last++;
  }
  for (const [key, lines] of sides[1]) {
    const known = names.get(key) ?? ++last;
    for (const line of lines) line.number = byFunction ? known : ++last;
    if (!byFunction && sides[0].has(key)) matchFunction(lines, sides[0].get(key)!);
  }
  return [now, before].map((profile, side) => {
    const numbers = new Uint32Array(profile.frames.file.length);
    for (const lines of sides[side]!.values()) for (const line of lines) for (const frame of line.frames) numbers[frame] = line.number;
    return numbers;
  });
}
