// The recording in a few sentences.
import { makeUnits, sumOwn, unitText, type Grouping } from "./group";
import { total, type Filter, type Metric, type Profile } from "./profile";

export interface Top {
  frame: number; // 0: no Python frame
  name: string;
  value: number;
}

/** Units by falling value. */
function topOf(profile: Profile, by: Grouping, values: Float64Array, most: number): Top[] {
  const units = makeUnits(profile, by);
  const sums = sumOwn(profile, units, values);
  const best: number[] = [];
  for (let unit = 0; unit < sums.length; unit++) {
    if (!(sums[unit]! > 0) || (best.length === most && sums[unit]! <= sums[best[most - 1]!]!)) continue;
    let at = best.length;
    while (at > 0 && sums[best[at - 1]!]! < sums[unit]!) at--;
    best.splice(at, 0, unit);
    if (best.length > most) best.pop();
  }
  return best.map((unit) => ({ ...unitText(profile, units, unit), value: sums[unit]! }));
}

export interface Verdict {
  peak: number;
  top: Top[]; // lines at the peak
  leaked: number;
  topLeaked: Top[];
  temporary: Top[]; // by blocks
  temporaryBlocks: number;
  allocations: number;
  grown: number; // sum of what grew
  topGrown: Top[];
  from: number; // µs: growth is counted from here
  to: number;
}

export function verdictOf(profile: Profile, process: number): Verdict {
  const filter: Filter = { process, domain: -1 };
  const get = (metric: Metric, unit: "bytes" | "blocks") => profile.values(metric, unit, undefined, filter);
  const peak = get("peak", "bytes");
  const leaked = get("leaked", "bytes");
  const to = profile.lastPoint;
  const half = to / 2;
  // The last point in the first half: what is told from there is exact.
  let from = 0;
  for (const time of profile.pointTime) if (time <= half) from = time;
  const temporary = get("temporary", "blocks");
  const { summary } = profile;
  const grown = profile.values("range", "bytes", { from, to }, filter);
  return {
    peak: total(peak),
    top: topOf(profile, "line", peak, 5),
    leaked: total(leaked),
    topLeaked: topOf(profile, "line", leaked, 3),
    temporary: topOf(profile, "line", temporary, 3),
    temporaryBlocks: process < 0 ? summary.temporary_allocations : total(temporary),
    allocations: process < 0 ? summary.allocations : total(get("total", "blocks")),
    grown: total(grown),
    topGrown: topOf(profile, "line", grown, 3),
    from,
    to,
  };
}
