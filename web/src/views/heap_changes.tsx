// Two snapshots beside one another, class by class.
import { useMemo } from "preact/hooks";
import { changesOf, heapsOf, type ClassChange, type Heap } from "../data/heap";
import { Choice, CopyButton, Pick, Search, type Context } from "../parts/controls";
import { List } from "../parts/list";
import * as units from "../parts/units";
import type { State } from "../state";
import { matcher } from "./flame";
import { snapshotName } from "./heap";
import { OTHER_CLASSES } from "./heap_classes";

const STATUSES = ["new", "gone", "grown", "shrunk"] as const;
type Status = (typeof STATUSES)[number];
const MEASURES = ["bytes", "objects", "retained"] as const;
type Measure = (typeof MEASURES)[number];

/** Sorted by: a measure's change, or what it was before or is now. */
function sizeOf(change: ClassChange, measure: Measure, sort: string): number {
  if (sort === "before") return change.before[measure];
  if (sort === "after") return change.after[measure];
  return Math.abs(change.after[measure] - change.before[measure]);
}

function statusOf({ before, after }: ClassChange, measure: Measure): Status {
  if (!before.objects) return "new";
  if (!after.objects) return "gone";
  return after[measure] > before[measure] ? "grown" : "shrunk";
}

function measureOf(state: State): Measure {
  return state.by === "objects" || state.by === "retained" ? state.by : "bytes";
}

function signed(value: number, measure: Measure): string {
  const text = measure === "objects" ? units.count(value) : units.bytes(value);
  return value > 0 ? `+${text}` : text;
}

function makeRows(before: Heap, after: Heap, state: State): ClassChange[] {
  const measure = measureOf(state);
  const matches = state.filter ? matcher(state.filter) : undefined;
  const sign = state.up ? -1 : 1;
  return changesOf(before, after)
    .filter(
      (row) =>
        row.before[measure] !== row.after[measure] &&
        (!matches || matches(row.name || OTHER_CLASSES)) &&
        (!state.status || statusOf(row, measure) === state.status),
    )
    .sort((a, b) => sign * (sizeOf(b, measure, state.sort) - sizeOf(a, measure, state.sort)) || (a.name < b.name ? -1 : 1));
}

/** The snapshots that can come before; those of an older recording have negative numbers. */
function candidates(ctx: Context): Map<number, [Heap, string]> {
  const list = new Map<number, [Heap, string]>();
  if (ctx.base) for (const heap of heapsOf(ctx.base)) list.set(-2 - heap.index, [heap, `older recording, ${snapshotName(heap)}`]);
  for (const heap of heapsOf(ctx.main)) list.set(heap.index, [heap, snapshotName(heap)]);
  return list;
}

export function HeapChanges({ ctx }: { ctx: Context }) {
  const { state, go } = ctx;
  const heaps = heapsOf(ctx.main);
  const after = heaps[state.snapshot] ?? heaps[heaps.length - 1]!;
  const list = candidates(ctx);
  const usual = heaps.length > 1 ? (after.index > 0 ? 0 : 1) : -2;
  const [before] = list.get(state.earlier) ?? list.get(usual)!;
  const { by, filter, sort, up, status } = state;
  const measure = measureOf(state);
  const rows = useMemo(() => makeRows(before, after, state), [before, after, by, filter, sort, up, status]);
  const largest = rows.reduce((most, row) => Math.max(most, Math.abs(row.after[measure] - row.before[measure])), 1);
  const number = (heap: Heap) => (heap.profile === ctx.main ? heap.index : -2 - heap.index);
  const head = (name: string, text: string) => (
    <span role="columnheader" class={`num ${sort === name ? "chosen" : ""}`} aria-sort={sort === name ? (up ? "ascending" : "descending") : "none"}>
      <button onClick={() => go({ sort: name, up: sort === name && !up })}>
        {text}
        {sort === name && (up ? " ▴" : " ▾")}
      </button>
    </span>
  );
  const amount = (value: number) => (measure === "objects" ? units.count(value) : units.bytes(value));
  const delta = (row: ClassChange) => row.after[measure] - row.before[measure];
  const text = () =>
    [
      ["Change", "Before", "Now", "Status", "Class"].join("\t"),
      ...rows.map((row) => [signed(delta(row), measure), amount(row.before[measure]), amount(row.after[measure]), statusOf(row, measure), row.name || OTHER_CLASSES].join("\t")),
    ].join("\n");
  const objects = after.facts.objects - before.facts.objects;
  return (
    <>
      <div class="bar">
        <Pick label="Before" value={number(before)} items={[...list].filter(([, [heap]]) => heap !== after).map(([key, [, name]]) => [key, name] as const)} onChange={(key) => go({ earlier: Number(key) })} />
        <Pick
          label="Now"
          value={after.index}
          items={heaps.filter((heap) => heap !== before).map((heap) => [heap.index, snapshotName(heap)] as const)}
          onChange={(index) => go({ snapshot: Number(index) })}
        />
        <Choice
          label="Measure"
          value={measure}
          items={[
            ["bytes", "Own bytes", "of the instances"],
            ["objects", "Objects", "how many there are"],
            ["retained", "Retained", "bytes that would go with all of them"],
          ]}
          onChange={(by) => go({ by: by === "bytes" ? "line" : by })}
        />
      </div>
      <p class="note">
        <b>{signed(after.facts.bytes - before.facts.bytes, "bytes")}</b> and {signed(objects, "objects")} {Math.abs(objects) === 1 ? "object" : "objects"}:{" "}
        {units.bytes(before.facts.bytes)} before and {units.bytes(after.facts.bytes)} now. Classes are matched by name.
      </p>
      <div class="bar">
        <Choice
          label="Which"
          value={STATUSES.includes(status as Status) ? (status as Status) : "all"}
          items={[["all", "All"], ...STATUSES.map((name) => [name, name] as const)]}
          onChange={(value) => go({ status: value === "all" ? "" : value })}
        />
        <Search label="Filter classes  ( / )" value={filter} onChange={(filter) => go({ filter })} />
        <span class="dim">{units.plural(rows.length, "row")}</span>
        <CopyButton what="the table" text={text} />
      </div>
      {rows.length === 0 && <p class="empty">{filter || status ? "No row matches." : "Nothing changed."}</p>}
      <div class="table compare heap-changes">
        <List
          label="Changes"
          count={rows.length}
          height={24}
          head={
            <div class="head" role="row">
              {head("", "Change")}
              <span role="columnheader" class="both" />
              {head("before", "Before")}
              {head("after", "Now")}
              <span role="columnheader" class="status">
                Status
              </span>
              <span role="columnheader">Class</span>
            </div>
          }
          row={(i) => {
            const row = rows[i]!;
            const change = delta(row);
            const word = change > 0 ? "more" : "less";
            return (
              <>
                <span role="gridcell" class={`num ${change ? word : ""}`} title={units.count(change)}>
                  {signed(change, measure)}
                </span>
                <span role="gridcell" class="both">
                  <i class={word} style={{ width: `${(44 * Math.abs(change)) / largest}px` }} />
                </span>
                <span role="gridcell" class="num">
                  {row.before.objects ? amount(row.before[measure]) : <i class="nil">·</i>}
                </span>
                <span role="gridcell" class="num">
                  {row.after.objects ? amount(row.after[measure]) : <i class="nil">·</i>}
                </span>
                <span role="gridcell" class="status">
                  {statusOf(row, measure)}
                </span>
                <span role="gridcell" class="name" title={row.name}>
                  {row.name || <span class="dim">{OTHER_CLASSES}</span>}
                </span>
              </>
            );
          }}
        />
      </div>
    </>
  );
}
