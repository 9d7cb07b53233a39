// What makes frames the same: within a recording, and across two that are compared.
//
// Within one, a frame is its function, file and line.  Across two, lines move: there a frame is its function,
// file and the line counted from the function's first; of several functions of one name in a file, the
// n-th in order matches the n-th.  Where the file is unknown to the other recording, its module stands for it.
import { FOLDED, THREAD, type Profile } from "./profile";
import { Pairs } from "./pairs";

export const NO_FRAME_KEY = 0;
export const LEFT_OUT_KEY = 1;

/** Bits of `kind`. */
export const IMPORTS = 1; // the machinery behind `import`
export const IS_THREAD = 2;

export class Keys {
  count = 2;
  readonly of: Uint32Array[] = []; // by profile, by frame
  private readonly owner: Profile[];
  private readonly example: number[] = [0, 0];
  readonly kind: number[] = [0, 0];
  private readonly dense = new Map<number, number>();

  constructor(
    readonly profiles: Profile[],
    readonly byFunction: boolean,
  ) {
    this.owner = [profiles[0]!, profiles[0]!];
    const known = new Map<string, number>();
    for (const profile of profiles) {
      const numbers = profiles.length > 1 ? this.matched(profile, known) : this.numbered(profile);
      this.of.push(this.take(profile, numbers));
    }
    for (const profile of profiles) this.markThreads(profile);
  }

  profile(key: number): Profile {
    return this.owner[key]!;
  }

  frame(key: number): number {
    return this.example[key]!;
  }

  /** Text for people. */
  title(key: number): string {
    if (key === NO_FRAME_KEY) return "(no Python frame)";
    if (key === LEFT_OUT_KEY) return "(calls left out)";
    const profile = this.owner[key]!;
    const name = profile.name(profile.frames.function[this.example[key]!]!);
    return this.kind[key]! & IS_THREAD ? `thread ${name}` : name;
  }

  place(key: number, whole = false): string {
    return key < 2 || this.kind[key]! & IS_THREAD ? "" : this.owner[key]!.place(this.example[key]!, whole);
  }

  file(key: number): string {
    const profile = this.owner[key]!;
    return key < 2 ? "" : profile.name(profile.frames.file[this.example[key]!]!);
  }

  module(key: number): string {
    const profile = this.owner[key]!;
    return key < 2 ? "" : profile.name(profile.frames.module[this.example[key]!]!);
  }

  /** The key that a node of a profile is shown with. */
  ofNode(index: number, node: number): number {
    const profile = this.profiles[index]!;
    return profile.flags[node]! & FOLDED ? LEFT_OUT_KEY : this.of[index]![profile.frame[node]!]!;
  }

  private numbered(profile: Profile): Uint32Array {
    const { frames } = profile;
    const places = new Pairs();
    const pairs = new Pairs();
    const numbers = new Uint32Array(frames.file.length);
    for (let i = 1; i < numbers.length; i++)
      numbers[i] = 2 + pairs.add(places.add(frames.function[i]!, frames.file[i]!), this.byFunction ? 0 : frames.line[i]!);
    return numbers;
  }

  private matched(profile: Profile, known: Map<string, number>): Uint32Array {
    const { frames } = profile;
    const order = ordinals(profile);
    const isFirst = profile === this.profiles[0];
    const numbers = new Uint32Array(frames.file.length);
    for (let i = 1; i < numbers.length; i++) {
      const line = this.byFunction ? "" : `${order[i]} ${frames.line[i]! - frames.firstLine[i]!}`;
      const tail = `\0${profile.name(frames.function[i]!)}\0${line}`;
      const byFile = profile.name(frames.file[i]!) + tail;
      const byModule = `\0${profile.name(frames.module[i]!)}${tail}`;
      const number = known.get(byFile) ?? (isFirst ? undefined : known.get(byModule)) ?? 2 + known.size;
      // Each new key takes two entries, so that numbers are unique though not without gaps.
      known.set(byFile, number);
      if (!known.has(byModule)) known.set(byModule, number);
      numbers[i] = number;
    }
    return numbers;
  }

  /** Renumbers without gaps and remembers an example of each. */
  private take(profile: Profile, numbers: Uint32Array): Uint32Array {
    const { frames } = profile;
    const keys = this.dense;
    for (let i = 1; i < numbers.length; i++) {
      const number = numbers[i]!;
      let key = keys.get(number);
      if (key === undefined) {
        key = this.count++;
        keys.set(number, key);
        this.owner.push(profile);
        this.example.push(i);
        this.kind.push(isImport(profile.name(frames.file[i]!)) ? IMPORTS : 0);
      }
      numbers[i] = key;
    }
    return numbers;
  }

  private markThreads(profile: Profile): void {
    const of = this.of[this.profiles.indexOf(profile)]!;
    for (let i = 1; i < profile.flags.length; i++)
      if (profile.flags[i]! & THREAD) this.kind[of[profile.frame[i]!]!]! |= IS_THREAD;
  }
}

function isImport(file: string): boolean {
  return /^<frozen (importlib|zipimport)|importlib[/.](_bootstrap|__init__)/.test(file);
}

/** By frame: its function is the n-th of that name in its file. */
function ordinals(profile: Profile): Uint32Array {
  const { frames } = profile;
  const places = new Pairs();
  const firsts: Set<number>[] = [];
  const place = new Uint32Array(frames.file.length);
  for (let i = 0; i < place.length; i++) {
    place[i] = places.add(frames.function[i]!, frames.file[i]!);
    (firsts[place[i]!] ??= new Set()).add(frames.firstLine[i]!);
  }
  const sorted = firsts.map((set) => [...set].sort((a, b) => a - b));
  return place.map((p, i) => sorted[p]!.indexOf(frames.firstLine[i]!));
}
