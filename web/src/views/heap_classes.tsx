// What the heap is made of: a treemap and a table of classes.
import { useMemo } from "preact/hooks";
import type { Heap } from "../data/heap";
import { packageColors } from "../parts/colors";
import { Choice, CopyButton, Search } from "../parts/controls";
import { List } from "../parts/list";
import { useDark } from "../parts/theme";
import { Treemap, type TreemapItem } from "../parts/treemap";
import * as units from "../parts/units";
import type { State } from "../state";
import { matcher } from "./flame";
import type { HeapProps } from "./heap";

const BOXES = 150; // of the treemap; all others are one

export const OTHER_CLASSES = "(other classes)";

const COLUMNS = [
  ["retained", "Retained", "bytes that would go with all of its instances"],
  ["bytes", "Own bytes", "of its instances alone, as the allocator rounds them"],
  ["objects", "Objects", "instances"],
] as const;
type Column = (typeof COLUMNS)[number][0];

export function className(heap: Heap, name: number): string {
  return name ? heap.profile.name(name) : OTHER_CLASSES;
}

function sortOf(state: State): Column | "name" {
  return state.sort === "name" || COLUMNS.some(([column]) => column === state.sort) ? (state.sort as Column) : "retained";
}

function makeRows(heap: Heap, state: State): number[] {
  const { types } = heap;
  const matches = state.filter ? matcher(state.filter) : undefined;
  const rows: number[] = [];
  for (let i = 0; i < types.name.length; i++) if (!matches || matches(className(heap, types.name[i]!))) rows.push(i);
  const sort = sortOf(state);
  const sign = state.up ? -1 : 1;
  if (sort === "name") rows.sort((a, b) => sign * (className(heap, types.name[a]!) < className(heap, types.name[b]!) ? -1 : 1));
  else rows.sort((a, b) => sign * (types[sort][b]! - types[sort][a]!) || types.bytes[b]! - types.bytes[a]! || a - b);
  return rows;
}

function makeItems(heap: Heap, state: State, shown: Set<number>): TreemapItem[] {
  const { types } = heap;
  const by = state.unit === "blocks" ? types.objects : types.bytes;
  const amount = (value: number) => (state.unit === "blocks" ? units.count(value) : units.bytes(value));
  const all = by.reduce((sum, value) => sum + value, 0);
  const order = [...by.keys()].filter((i) => types.name[i] !== 0).sort((a, b) => by[b]! - by[a]! || a - b);
  const boxes = order.slice(0, BOXES);
  const colors = packageColors(
    boxes.map((i) => heap.profile.name(types.module[i]!).split(".")[0]!),
    boxes.map((i) => by[i]!),
  );
  const items = boxes.map((i, n) => {
    const title = className(heap, types.name[i]!);
    return {
      key: i,
      value: by[i]!,
      title: title.split(".").pop()!,
      figure: amount(by[i]!),
      tip: `${title}: ${units.bytes(types.bytes[i]!)} in ${units.plural(types.objects[i]!, "object")}, ${units.share(by[i]!, all)}`,
      color: colors[n]!,
      dim: !shown.has(i),
      chosen: state.class !== "" && state.class === title,
    };
  });
  const rest = all - boxes.reduce((sum, i) => sum + by[i]!, 0);
  if (rest > 0)
    items.push({ key: -1, value: rest, title: "others", figure: amount(rest), tip: `all others: ${amount(rest)}`, color: "var(--rest)", dim: shown.size < types.name.length, chosen: false });
  return items.sort((a, b) => b.value - a.value);
}

export function HeapClasses({ ctx, heap }: HeapProps) {
  const { state, go } = ctx;
  const { filter, sort, up, unit } = state;
  const { dark } = useDark();
  const rows = useMemo(() => makeRows(heap, state), [heap, filter, sort, up]);
  const items = useMemo(() => makeItems(heap, state, new Set(rows)), [heap, rows, unit, state.class, dark]);
  const { types } = heap;
  const order = sortOf(state);
  const by = order === "name" ? "retained" : order;
  const largest = rows.reduce((most, i) => Math.max(most, types[by][i]!), 1);
  const whole = by === "objects" ? heap.facts.objects : heap.facts.bytes;
  const chosen = state.class ? rows.findIndex((i) => className(heap, types.name[i]!) === state.class) : -1;
  const open = (i: number) => {
    const name = types.name[i]!;
    if (heap.pathsOf(name) !== undefined) go({ show: "paths", class: heap.profile.name(name), filter: "" });
  };
  const head = (column: string, text: string, title: string, number: boolean) => (
    <span role="columnheader" class={`${number ? "num" : ""} ${order === column ? "chosen" : ""}`} aria-sort={order === column ? (up ? "ascending" : "descending") : "none"}>
      <button title={title} onClick={() => go({ sort: column, up: order === column && !up })}>
        {text}
        {order === column && (up ? " ▴" : " ▾")}
      </button>
    </span>
  );
  const text = () =>
    [
      ["Retained", "Own bytes", "Objects", "Class"].join("\t"),
      ...rows.map((i) => [types.retained[i]!, types.bytes[i]!, types.objects[i]!, className(heap, types.name[i]!)].join("\t")),
    ].join("\n");
  return (
    <>
      <div class="bar">
        <Choice
          label="Boxes"
          value={unit}
          items={[
            ["bytes", "Bytes", "boxes as large as the classes' own bytes"],
            ["blocks", "Objects", "boxes as large as the number of instances"],
          ]}
          onChange={(unit) => go({ unit })}
        />
        <Search label="Filter classes  ( / )" value={filter} onChange={(filter) => go({ filter })} />
        <span class="dim">{units.plural(rows.length, "row")}</span>
        <CopyButton what="the table" text={text} />
      </div>
      <Treemap label="Classes" items={items} onChoose={(key) => typeof key === "number" && key >= 0 && go({ class: className(heap, types.name[key]!) })} />
      <div class="table heap-classes">
        <List
          label="Classes"
          count={rows.length}
          height={24}
          at={chosen}
          head={
            <div class="head" role="row">
              {COLUMNS.map(([column, text, title]) => head(column, text, title, true))}
              <span role="columnheader">Share</span>
              {head("name", "Class", "", false)}
            </div>
          }
          onOpen={(i) => open(rows[i]!)}
          onKey={(key, i) => key === "p" && open(rows[i]!)}
          row={(n) => {
            const i = rows[n]!;
            const name = className(heap, types.name[i]!);
            const hasPaths = types.name[i] !== 0 && heap.pathsOf(types.name[i]!) !== undefined;
            return (
              <>
                <span role="gridcell" class={`num ${by === "retained" ? "chosen" : ""}`} title={`${units.count(types.retained[i]!)} bytes`}>
                  {types.name[i] ? units.bytes(types.retained[i]!) : <i class="nil">·</i>}
                </span>
                <span role="gridcell" class={`num ${by === "bytes" ? "chosen" : ""}`} title={`${units.count(types.bytes[i]!)} bytes`}>
                  {units.bytes(types.bytes[i]!)}
                </span>
                <span role="gridcell" class={`num ${by === "objects" ? "chosen" : ""}`}>
                  {units.count(types.objects[i]!)}
                </span>
                <span role="gridcell" class="share">
                  <i style={{ width: `${(56 * types[by][i]!) / largest}px` }} />
                  {units.share(types[by][i]!, whole)}
                </span>
                <span role="gridcell" class="name" title={name}>
                  {hasPaths ? (
                    <button tabIndex={-1} onClick={() => open(i)} title={`${name}: show what keeps it alive`}>
                      {name}
                    </button>
                  ) : (
                    <span class={types.name[i] ? "" : "dim"}>{name}</span>
                  )}
                </span>
              </>
            );
          }}
        />
      </div>
    </>
  );
}
