// What makes frames the same: within a recording, and across two that are compared.
//
// Within one, a frame is its function, file and line.  Across two, lines move: match.ts.
import { matchFrames } from "./match";
import { FOLDED, THREAD, type Profile } from "./profile";
import { Pairs } from "./pairs";

export const NO_FRAME_KEY = 0;
export const LEFT_OUT_KEY = 1; // what the recorder left out
export const HIDDEN_KEY = 2; // import machinery that nothing shown called
export const FIRST_KEY = 3; // of those that stand for frames

/** Bits of `kind`. */
export const IMPORTS = 1; // the machinery behind `import`
export const IS_THREAD = 2;

export class Keys {
  count = FIRST_KEY;
  readonly of: Uint32Array[] = []; // by profile, by frame
  private readonly owner: Profile[];
  private readonly example: number[] = [0, 0, 0];
  readonly kind: number[] = [0, 0, 0];
  private readonly dense = new Map<number, number>();

  constructor(
    readonly profiles: Profile[],
    readonly byFunction: boolean,
  ) {
    this.owner = Array<Profile>(FIRST_KEY).fill(profiles[0]!);
    const [main, base] = profiles as [Profile, Profile | undefined];
    const numbers = base ? matchFrames(main, base, byFunction) : [this.numbered(main)];
    profiles.forEach((profile, index) => this.of.push(this.take(profile, numbers[index]!)));
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
    if (key === HIDDEN_KEY) return "(import machinery)";
    const profile = this.owner[key]!;
    const name = profile.name(profile.frames.function[this.example[key]!]!);
    return this.kind[key]! & IS_THREAD ? `thread ${name}` : name;
  }

  place(key: number, whole = false): string {
    return key < FIRST_KEY || this.kind[key]! & IS_THREAD ? "" : this.owner[key]!.place(this.example[key]!, whole);
  }

  file(key: number): string {
    const profile = this.owner[key]!;
    return key < FIRST_KEY ? "" : profile.name(profile.frames.file[this.example[key]!]!);
  }

  module(key: number): string {
    const profile = this.owner[key]!;
    return key < FIRST_KEY ? "" : profile.name(profile.frames.module[this.example[key]!]!);
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
      numbers[i] = 1 + pairs.add(places.add(frames.function[i]!, frames.file[i]!), this.byFunction ? 0 : frames.line[i]!);
    return numbers;
  }

  /** Renumbers without gaps and remembers an example of each. */
  private take(profile: Profile, numbers: Uint32Array): Uint32Array {
    const { frames } = profile;
    const keys = this.dense;
    const imports = new Uint8Array(profile.names.length); // by name of a file
    for (const file of new Set(frames.file)) imports[file] = Number(isImport(profile.name(file)));
    for (let i = 1; i < numbers.length; i++) {
      const number = numbers[i]!;
      let key = keys.get(number);
      if (key === undefined) {
        key = this.count++;
        keys.set(number, key);
        this.owner.push(profile);
        this.example.push(i);
        this.kind.push(imports[frames.file[i]!] ? IMPORTS : 0);
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
