// What was measured over time, of one process or summed over all.
import type { Profile } from "./profile";

export interface Series {
  time: Float64Array; // s
  rss: Float64Array;
  heap: Float64Array;
  file: Float64Array; // of rss: pages of files and shared memory
}

/** Several processes: at each sample the sum of what each told last; 0 before its start and after its end. */
export function seriesOf(profile: Profile, process: number): Series {
  return profile.keep(`series ${process}`, () => {
    const { processes } = profile.summary;
    const time = profile.large("samples.time_us");
    const of = profile.small("samples.process");
    const columns = ["rss", "heap", "file"].map((name) => profile.large(`samples.${name}`));
    const isSum = process < 0 && processes.length > 1;
    const out: number[][] = [[], [], [], []];
    const last = columns.map(() => new Float64Array(processes.length));
    const sums = [0, 0, 0];
    const ends = processes.map((p, i) => [(p.start_s + p.duration_s) * 1e6, i] as const).sort((a, b) => a[0] - b[0]);
    let ended = 0;
    const put = (at: number, values: number[]) => {
      const times = out[0]!;
      if (times.length && times[times.length - 1]! >= at) out.forEach((list) => list.pop());
      [at, ...values].forEach((value, i) => out[i]!.push(value));
    };
    for (let i = 0; i < time.length; i++) {
      if (!isSum && process >= 0 && of[i] !== process) continue;
      const values = columns.map((column) => column[i]!);
      if (!isSum) {
        put(time[i]! / 1e6, values);
        continue;
      }
      for (; ended < ends.length && ends[ended]![0] < time[i]!; ended++)
        last.forEach((list, c) => {
          sums[c]! -= list[ends[ended]![1]]!;
          list[ends[ended]![1]] = 0;
        });
      values.forEach((value, c) => {
        sums[c]! += value - last[c]![of[i]!]!;
        last[c]![of[i]!] = value;
      });
      put(time[i]! / 1e6, sums);
    }
    const [t, rss, heap, file] = out.map((list) => Float64Array.from(list)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    return { time: t, rss, heap, file };
  });
}

export function indexOfHighest(values: Float64Array): number {
  let best = -1;
  for (let i = 0; i < values.length; i++) if (best < 0 || values[i]! > values[best]!) best = i;
  return best;
}

export interface Part {
  name: "python" | "native" | "file" | "rest";
  bytes: number;
}

export interface Whereabouts {
  time: number; // s
  rss: number;
  parts: Part[];
  over: number; // recorded, but more than is resident
  hasFile: boolean;
}

/** Live bytes at a time (µs), by who manages them. */
function liveByDomain(profile: Profile, time: number, process: number): { python: number; native: number } {
  const { values } = profile.liveAt(time, "bytes");
  const { siteProcess, siteDomain } = profile;
  const sums = [0, 0];
  for (let i = 0; i < values.length; i++)
    if (process < 0 || siteProcess[i] === process) sums[siteDomain[i]! >= 2 ? 1 : 0]! += values[i]!;
  return { python: sums[0]!, native: sums[1]! };
}

/** Where the resident bytes are when there were most of them. */
export function whereabouts(profile: Profile, process: number): Whereabouts | undefined {
  const { time, rss, heap, file } = seriesOf(profile, process);
  const at = indexOfHighest(rss);
  if (at < 0 || !rss[at]) return undefined;
  const kinds = liveByDomain(profile, time[at]! * 1e6, process);
  const known = kinds.python + kinds.native;
  const share = known ? kinds.native / known : 0;
  const hasFile = file[at]! > 0;
  const room = Math.max(0, rss[at]! - file[at]!);
  // More can be allocated than is resident: pages that were never touched.  What is resident of it isn't known kind by kind.
  const recorded = Math.min(heap[at]!, room);
  return {
    time: time[at]!,
    rss: rss[at]!,
    over: heap[at]! - recorded,
    hasFile,
    parts: [
      { name: "python", bytes: recorded * (1 - share) },
      { name: "native", bytes: recorded * share },
      { name: "file", bytes: file[at]! },
      { name: "rest", bytes: room - recorded },
    ],
  };
}
