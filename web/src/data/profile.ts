// A recording: stacks × values, as typed arrays.  Nodes, sites, frames and names are numbers.
import { readContainer, type Container, type Head, type Summary } from "./container";

export const METRICS = ["peak", "leaked", "total", "temporary"] as const;
export type Metric = (typeof METRICS)[number] | "range";
export type Unit = "bytes" | "blocks";

export const THREAD = 1;
export const FOLDED = 2;
const END = 2;

/** Which sites count: -1 stands for all. */
export interface Filter {
  process: number;
  domain: number;
}

/** Times in µs since the start. */
export interface Range {
  from: number;
  to: number;
}

export interface Live {
  values: Float64Array;
  asOf: number; // µs: the oldest of the points that tell the values
}

/** What a profiled line did, as `barrow lines` tells it: bytes. */
export interface Profiled {
  times: number;
  increment: number;
  memory: number;
  peak: number;
}

export class Profile {
  readonly head: Head;
  readonly summary: Summary;
  readonly names: string[];
  readonly frames: Record<"function" | "file" | "module" | "line" | "firstLine", Uint32Array>;
  readonly parent: Uint32Array;
  readonly frame: Uint32Array; // by node
  readonly flags: Uint32Array;
  readonly siteNode: Uint32Array;
  readonly siteProcess: Uint32Array;
  readonly siteDomain: Uint32Array;
  readonly pointTime: Float64Array;
  readonly pointProcess: Uint32Array;
  readonly pointFlags: Uint32Array;
  readonly pointFirst: Uint32Array; // index in changes; one more than there are points
  private readonly kept = new Map<string, unknown>();

  constructor(private readonly data: Container) {
    this.head = data.head;
    this.summary = data.head.summary;
    this.names = data.texts("strings");
    this.frames = {
      function: data.small("frames.function"),
      file: data.small("frames.file"),
      module: data.small("frames.module"),
      line: data.small("frames.line"),
      firstLine: data.small("frames.first_line"),
    };
    this.parent = data.small("nodes.parent");
    this.frame = data.small("nodes.frame");
    this.flags = data.small("nodes.flags");
    this.siteNode = data.small("sites.node");
    this.siteProcess = data.small("sites.process");
    this.siteDomain = data.small("sites.domain");
    this.pointTime = data.large("points.time_us");
    this.pointProcess = data.small("points.process");
    this.pointFlags = data.small("points.flags");
    const changes = data.small("points.changes");
    this.pointFirst = new Uint32Array(changes.length + 1);
    for (let i = 0; i < changes.length; i++) this.pointFirst[i + 1] = this.pointFirst[i]! + changes[i]!;
  }

  /** What `make` gives, made once for each key. */
  keep<T>(key: string, make: () => T): T {
    if (!this.kept.has(key)) this.kept.set(key, make());
    return this.kept.get(key) as T;
  }

  /** The last thing made for a slot: a slot holds one thing at a time. */
  keepLast<T>(slot: string, key: string, make: () => T): T {
    const last = this.kept.get(slot) as { key: string; value: T } | undefined;
    if (last?.key === key) return last.value;
    const value = make();
    this.kept.set(slot, { key, value });
    return value;
  }

  large(column: string): Float64Array {
    return this.keep(column, () => this.data.large(column));
  }

  small(column: string): Uint32Array {
    return this.keep(column, () => this.data.small(column));
  }

  name(index: number): string {
    return this.names[index] ?? "";
  }

  get durationUs(): number {
    return this.summary.duration_s * 1e6;
  }

  /** Texts of files by index in names. */
  get sources(): Map<number, string> {
    return this.keep("sources", () => {
      const texts = this.data.texts("sources.text");
      return new Map([...this.data.small("sources.file")].map((file, i) => [file, texts[i] ?? ""]));
    });
  }

  /** Lines of functions chosen for profiling: by file, then by line. */
  get profiled(): Map<number, Map<number, Profiled>> {
    return this.keep("profiled", () => {
      const files = new Map<number, Map<number, Profiled>>();
      const line = this.data.small("lines.line");
      const times = this.data.large("lines.occurrences");
      const increment = this.data.large("lines.increment_bytes");
      const memory = this.data.large("lines.memory_bytes");
      const peak = this.data.large("lines.peak_bytes");
      [...this.data.small("lines.file")].forEach((file, i) => {
        const lines = files.get(file) ?? new Map<number, Profiled>();
        files.set(file, lines);
        const zigzag = increment[i]!;
        lines.set(line[i]!, {
          times: times[i]!,
          increment: zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2,
          memory: memory[i]!,
          peak: peak[i]!,
        });
      });
      return files;
    });
  }

  /** A line of a file, or undefined if the text isn't there. */
  sourceLine(file: number, line: number): string | undefined {
    if (!line || !this.sources.has(file)) return undefined;
    const lines = this.keep(`lines ${file}`, () => this.sources.get(file)!.split("\n"));
    return lines[line - 1]?.trim();
  }

  /** By site.  Sites that the filter leaves out are 0. */
  values(metric: Metric, unit: Unit, range: Range | undefined, filter: Filter): Float64Array {
    const all = metric === "range" ? this.born(range ?? { from: 0, to: 0 }, unit) : this.large(`sites.${metric}_${unit}`);
    if (filter.process < 0 && filter.domain < 0) return all;
    const some = new Float64Array(all.length);
    for (let i = 0; i < all.length; i++)
      if (
        (filter.process < 0 || this.siteProcess[i] === filter.process) &&
        (filter.domain < 0 || this.siteDomain[i] === filter.domain)
      )
        some[i] = all[i]!;
    return some;
  }

  /** What each site held at a time: as its process' last point at or before it tells. */
  liveAt(time: number, unit: Unit): Live {
    const { pointTime, pointProcess, pointFlags, pointFirst } = this;
    const site = this.small("changes.site");
    const value = this.large(`changes.${unit}`);
    const values = new Float64Array(this.siteNode.length);
    const used = new Map<number, number>(); // process -> its last point
    for (let point = 0; point < pointTime.length && pointTime[point]! <= time; point++) {
      used.set(pointProcess[point]!, point);
      for (let i = pointFirst[point]!; i < pointFirst[point + 1]!; i++) values[site[i]!] = value[i]!;
    }
    let asOf = time;
    const ended = new Set<number>();
    for (const [process, point] of used) {
      if (pointFlags[point]! & END && pointTime[point]! < time - 1) ended.add(process);
      else asOf = Math.min(asOf, pointTime[point]!);
    }
    if (ended.size)
      for (let i = 0; i < values.length; i++) if (ended.has(this.siteProcess[i]!)) values[i] = 0;
    return { values, asOf };
  }

  /** The time of the last point: later there is nothing to tell. */
  get lastPoint(): number {
    return this.pointTime[this.pointTime.length - 1] ?? 0;
  }

  /** By site: what was live at the range's end and not at its start. */
  private born(range: Range, unit: Unit): Float64Array {
    return this.keepLast(`born ${unit}`, `${range.from} ${range.to}`, () => {
      const { values } = this.liveAt(Math.min(range.to, this.lastPoint), unit);
      const before = this.liveAt(range.from, unit).values;
      for (let i = 0; i < values.length; i++) values[i] = Math.max(0, values[i]! - before[i]!);
      return values;
    });
  }

  selfByNode(values: Float64Array): Float64Array {
    const self = new Float64Array(this.parent.length);
    const { siteNode } = this;
    for (let i = 0; i < values.length; i++) self[siteNode[i]!]! += values[i]!;
    return self;
  }

  /** The frame that a stack ending at this node is shown with; 0: no Python frame. */
  leafFrame(node: number): number {
    return node === 0 || this.flags[node]! & THREAD ? 0 : this.frame[node]!;
  }

  /** "app.py:12"; longer with `whole`. */
  place(frame: number, whole = false): string {
    const file = this.name(this.frames.file[frame]!);
    const line = this.frames.line[frame]!;
    return place(file, line, whole);
  }
}

export const NO_FRAME = "(no Python frame)";

export function place(file: string, line: number, whole = false): string {
  const name = whole ? file : shortFile(file);
  return line ? `${name}:${line}` : name;
}

/** The last parts of a path: "json/decoder.py". */
export function shortFile(path: string): string {
  const parts = path.split("/");
  if (parts.length <= 2) return path;
  // A lone __init__.py or app.py says little without its folder.
  return parts.slice(-2).join("/");
}

export async function readProfile(id: string): Promise<Profile | undefined> {
  const element = document.getElementById(id);
  return element ? new Profile(await readContainer(element.textContent!.trim())) : undefined;
}

export function total(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}
