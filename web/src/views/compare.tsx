// This recording beside an older one.
import { useMemo } from "preact/hooks";
import { FIRST_KEY, Keys, NO_FRAME_KEY } from "../data/keys";
import { total, type Profile } from "../data/profile";
import { amount, Choice, CopyButton, exact, Measure, METRIC_NAMES, metricOf, Search, valuesOf, type Context } from "../parts/controls";
import { List } from "../parts/list";
import { Place } from "../parts/place";
import * as units from "../parts/units";
import type { State } from "../state";
import { Flame, matcher, signed } from "./flame";
import { openSource } from "./table";

const STATUSES = ["new", "gone", "grown", "shrunk"] as const;
type Status = (typeof STATUSES)[number];

interface Row {
  key: number;
  before: number;
  after: number;
  status: Status;
}

interface Model {
  keys: Keys;
  rows: Row[];
  counts: Record<Status, number>;
}

function statusOf(before: number, after: number): Status {
  if (!before) return "new";
  if (!after) return "gone";
  return after > before ? "grown" : "shrunk";
}

function sumByKey(keys: Keys, index: number, values: Float64Array): Float64Array {
  const profile = keys.profiles[index]!;
  const sums = new Float64Array(keys.count);
  const of = keys.of[index]!;
  for (let i = 0; i < values.length; i++) {
    const frame = profile.leafFrame(profile.siteNode[i]!);
    sums[frame ? of[frame]! : NO_FRAME_KEY]! += values[i]!;
  }
  return sums;
}

function makeModel(main: Profile, base: Profile, state: State): Model {
  const byFunction = state.by === "function";
  const keys = main.keep(`compared keys ${byFunction}`, () => new Keys([main, base], byFunction));
  const after = sumByKey(keys, 0, valuesOf(main, state));
  const before = sumByKey(keys, 1, valuesOf(base, state));
  const counts = { new: 0, gone: 0, grown: 0, shrunk: 0 };
  const rows: Row[] = [];
  const matches = state.filter ? matcher(state.filter) : undefined;
  for (let key = 0; key < keys.count; key++) {
    if (before[key] === after[key]) continue;
    const status = statusOf(before[key]!, after[key]!);
    counts[status]++;
    if (state.status && state.status !== status) continue;
    if (matches && !matches(keys.title(key)) && !matches(keys.place(key, true))) continue;
    rows.push({ key, before: before[key]!, after: after[key]!, status });
  }
  const sign = state.up ? -1 : 1;
  const size = (row: Row) =>
    state.sort === "before" ? row.before : state.sort === "after" ? row.after : Math.abs(row.after - row.before);
  rows.sort((a, b) => sign * (size(b) - size(a)) || a.key - b.key);
  return { keys, rows, counts };
}

export function Compare({ ctx }: { ctx: Context }) {
  const { main, state, go } = ctx;
  const base = ctx.base!;
  // A selected time is of one recording only.
  const shown: State = metricOf(state) === "range" ? { ...state, metric: "peak" } : state;
  const metric = metricOf(shown);
  const { unit, process, domain, by, status, filter, sort, up } = shown;
  const inner: Context = { ...ctx, state: { ...shown, from: 0, to: 0, process: -1 } };
  const model = useMemo(
    () => makeModel(main, base, inner.state),
    [main, base, metric, unit, process, domain, by, status, filter, sort, up],
  );
  const after = total(valuesOf(main, inner.state));
  const before = total(valuesOf(base, inner.state));
  const { keys, rows, counts } = model;
  const largest = rows.reduce((most, row) => Math.max(most, Math.abs(row.after - row.before)), 1);
  const owner = (row: Row) => (row.key >= FIRST_KEY && keys.profile(row.key) === main ? keys.frame(row.key) : 0);
  const head = (sort: string, text: string) => (
    <span role="columnheader" class="num" aria-sort={state.sort === sort ? (up ? "ascending" : "descending") : "none"}>
      <button onClick={() => go({ sort, up: state.sort === sort && !up })}>
        {text}
        {state.sort === sort && (up ? " ▴" : " ▾")}
      </button>
    </span>
  );
  const text = () =>
    [
      ["Change", "Before", "Now", "Status", "What"].join("\t"),
      ...rows.map((row) =>
        [signed(row.after - row.before, state), amount(row.before, unit), amount(row.after, unit), row.status, `${keys.title(row.key)} ${keys.place(row.key, true)}`].join("\t"),
      ),
    ].join("\n");
  return (
    <section class="fill" data-view="compare">
      <div class="bar">
        <Measure ctx={inner} />
      </div>
      <p class="note">
        <b title={exact(after - before, unit)}>{signed(after - before, state)}</b>: {METRIC_NAMES[metric].toLowerCase()}, {amount(before, unit)} before and{" "}
        {amount(after, unit)} now. Before: {base.summary.command}, {units.duration(base.summary.duration_s)}. Lines are matched within
        their functions, so code that only moved doesn't count.
      </p>
      <div class="bar">
        <Choice
          label="Show"
          value={state.part}
          items={[
            ["table", "Table"],
            ["flame", "Flame graph"],
          ]}
          onChange={(part) => go({ part })}
        />
        {state.part === "table" && (
          <>
            <Choice
              label="Group by"
              value={by === "function" ? "function" : "line"}
              items={[
                ["line", "Line"],
                ["function", "Function"],
              ]}
              onChange={(by) => go({ by })}
            />
            <Choice
              label="Status"
              value={status}
              items={[["", "All"], ...STATUSES.map((s) => [s, `${s} ${units.count(counts[s])}`] as const)]}
              onChange={(status) => go({ status })}
            />
            <Search label="Filter by name  ( / )" value={filter} onChange={(filter) => go({ filter })} />
            <CopyButton what="the table" text={text} />
          </>
        )}
      </div>
      {state.part === "flame" ? (
        <Flame ctx={inner} base={base} metrics={false} />
      ) : rows.length === 0 ? (
        <p class="empty">{filter || status ? "No row matches." : "Nothing changed."}</p>
      ) : (
        <div class="table compare">
          <List
            label="Changes"
            count={rows.length}
            height={24}
            head={
              <div class="head" role="row">
                {head("", "Change")}
                <span role="columnheader" />
                {head("before", "Before")}
                {head("after", "Now")}
                <span role="columnheader">Status</span>
                <span role="columnheader">Function</span>
                <span role="columnheader">{by === "function" ? "File" : "Line"}</span>
              </div>
            }
            onOpen={(i) => owner(rows[i]!) && openSource(ctx, owner(rows[i]!))}
            row={(i) => {
              const row = rows[i]!;
              const change = row.after - row.before;
              const frame = owner(row);
              const place = <Place text={keys.place(row.key)} withLine={by !== "function"} />;
              return (
                <>
                  <span role="gridcell" class={`num chosen ${change > 0 ? "more" : "less"}`} title={exact(change, unit)}>
                    {signed(change, state)}
                  </span>
                  <span role="gridcell" class="both">
                    <i class={change > 0 ? "more" : "less"} style={{ width: `${(40 * Math.abs(change)) / largest}px` }} />
                  </span>
                  <span role="gridcell" class="num" title={exact(row.before, unit)}>
                    {amount(row.before, unit)}
                  </span>
                  <span role="gridcell" class="num" title={exact(row.after, unit)}>
                    {amount(row.after, unit)}
                  </span>
                  <span role="gridcell" class={`status ${row.status}`}>
                    {row.status}
                  </span>
                  <span role="gridcell" class="name" title={keys.title(row.key)}>
                    {keys.title(row.key)}
                  </span>
                  <span role="gridcell" class="place" title={keys.place(row.key, true)}>
                    {frame ? (
                      <button tabIndex={-1} onClick={() => openSource(ctx, frame)}>
                        {place}
                      </button>
                    ) : (
                      place
                    )}
                  </span>
                </>
              );
            }}
          />
        </div>
      )}
    </section>
  );
}
