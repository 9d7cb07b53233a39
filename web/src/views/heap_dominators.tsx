// Who keeps how much alive: the dominator tree, its branches open where the reader opens them.
import { useEffect, useMemo, useState } from "preact/hooks";
import { GARBAGE, OTHERS, ROOT, type Heap } from "../data/heap";
import { CopyButton, Search, type Context } from "../parts/controls";
import { List } from "../parts/list";
import { Place } from "../parts/place";
import * as units from "../parts/units";
import { matcher } from "./flame";
import type { HeapProps } from "./heap";
import { openSource } from "./table";

const STEP = 14; // px of a level
const DEEPEST = 24; // levels that are moved in further
const ALONE = 0.5; // of its parent's bytes: a child that is opened from the start

export function nodeTitle(heap: Heap, row: number): string {
  const { kind, name, length, objects } = heap.nodes;
  if (kind[row] === GARBAGE) return "garbage that waits for the collector";
  if (kind[row] === OTHERS) return `${units.count(length[row]!)} more${objects[row]! > length[row]! ? `, ${units.plural(objects[row]!, "object")} with what they keep` : ""}`;
  return heap.profile.name(name[row]!);
}

/** Open at first: the way to what retains the most, as long as it is one. */
function openAtFirst(heap: Heap): Set<number> {
  const { rows, retained } = heap.nodes;
  const open = new Set<number>();
  for (let row = 0; rows.count > 0 && rows.hasChildren(row); ) {
    open.add(row);
    const [first] = rows.children(row);
    if (first === undefined || (row > 0 && retained[first]! < ALONE * retained[row]!)) break;
    row = first;
  }
  return open;
}

function visibleRows(heap: Heap, open: Set<number>, filter: string): { shown: number[]; found: number } {
  const { rows } = heap.nodes;
  const shown: number[] = [];
  if (!filter) {
    for (let i = 0; i < rows.count; i = open.has(i) ? i + 1 : rows.end[i]!) shown.push(i);
    return { shown, found: 0 };
  }
  const matches = matcher(filter);
  const keep = new Uint8Array(rows.count);
  let found = 0;
  for (let i = 0; i < rows.count; i++) {
    if (heap.nodes.kind[i] === OTHERS || !matches(`${heap.profile.name(heap.nodes.reference[i]!)} ${nodeTitle(heap, i)} ${heap.profile.name(heap.nodes.path[i]!)}`)) continue;
    found++;
    for (let row = i; row >= 0 && !keep[row]; row = rows.parent[row]!) keep[row] = 1;
  }
  for (let i = 0; i < rows.count; i++) if (keep[i]) shown.push(i);
  return { shown, found };
}

export function HeapDominators({ ctx, heap }: HeapProps) {
  const { state, go } = ctx;
  const { nodes } = heap;
  const { rows } = nodes;
  const [open, setOpen] = useState(() => openAtFirst(heap));
  const [selected, select] = useState(-1); // a row of the tree
  const [jump, setJump] = useState(-1); // a row of the list
  const { shown, found } = useMemo(() => visibleRows(heap, open, state.filter), [heap, open, state.filter]);
  useEffect(() => setJump(-1), [open]);
  if (!rows.count) return <p class="empty">The page holds the dominators of the last four snapshots only.</p>;
  const whole = nodes.retained[0] || 1;
  const toggle = (row: number, on = !open.has(row)) => {
    if (!rows.hasChildren(row) || state.filter) return;
    const next = new Set(open);
    if (on) next.add(row);
    else next.delete(row);
    setOpen(next);
  };
  const key = (key: string, index: number) => {
    const row = shown[index]!;
    if (key === "ArrowRight") toggle(row, true);
    else if (key === "ArrowLeft" && open.has(row) && !state.filter) toggle(row, false);
    else if (key === "ArrowLeft" && rows.parent[row]! >= 0) setJump(shown.indexOf(rows.parent[row]!));
  };
  const text = () =>
    shown
      .map((row) => `${units.bytes(nodes.retained[row]!).padStart(10)}  ${"  ".repeat(rows.depth[row]!)}${heap.profile.name(nodes.reference[row]!)} ${nodeTitle(heap, row)}`.trimEnd())
      .join("\n");
  return (
    <>
      <div class="bar">
        <Search label="Find classes and names  ( / )" value={state.filter} onChange={(filter) => go({ filter })} />
        {state.filter ? <span class="found" role="status">{found === 1 ? "1 match" : `${units.count(found)} matches`}</span> : null}
        <span class="dim">{units.plural(shown.length, "row")}</span>
        <button class="small" onClick={() => setOpen(new Set([0]))} disabled={state.filter !== ""}>
          Close all
        </button>
        <CopyButton what="the tree as it is open" text={text} />
      </div>
      <div class="table heap-tree">
        <List
          label="Dominators"
          count={shown.length}
          height={24}
          at={jump}
          onSelect={(index) => select(shown[index] ?? -1)}
          onOpen={(index) => toggle(shown[index]!)}
          onKey={key}
          head={
            <div class="head" role="row">
              <span role="columnheader" class="num chosen" title="bytes that would go with it">
                Retained
              </span>
              <span role="columnheader">Share</span>
              <span role="columnheader" class="num own" title="of the object itself">
                Own
              </span>
              <span role="columnheader" class="num" title="that it keeps alive, itself among them">
                Objects
              </span>
              <span role="columnheader">What keeps them alive</span>
              <span role="columnheader" class="place">
                Born at
              </span>
            </div>
          }
          row={(index) => {
            const row = shown[index]!;
            return <Cells ctx={ctx} heap={heap} row={row} whole={whole} open={open.has(row) || state.filter !== ""} onToggle={() => toggle(row)} />;
          }}
        />
      </div>
      <Details ctx={ctx} heap={heap} row={selected} />
    </>
  );
}

function Cells(props: { ctx: Context; heap: Heap; row: number; whole: number; open: boolean; onToggle: () => void }) {
  const { ctx, heap, row, open } = props;
  const { nodes } = heap;
  const { rows } = nodes;
  const kind = nodes.kind[row]!;
  const reference = heap.profile.name(nodes.reference[row]!);
  const birth = nodes.birth[row]!;
  const title = nodeTitle(heap, row);
  const path = reference ? "" : heap.profile.name(nodes.path[row]!);
  return (
    <>
      <span role="gridcell" class="num chosen" title={`${units.count(nodes.retained[row]!)} bytes`}>
        {units.bytes(nodes.retained[row]!)}
      </span>
      <span role="gridcell" class="share">
        <i style={{ width: `${(56 * nodes.retained[row]!) / props.whole}px` }} />
        {units.share(nodes.retained[row]!, props.whole)}
      </span>
      <span role="gridcell" class="num own">
        {nodes.bytes[row] ? units.bytes(nodes.bytes[row]!) : <i class="nil">·</i>}
      </span>
      <span role="gridcell" class="num">
        {units.count(nodes.objects[row]!)}
      </span>
      <span
        role="gridcell"
        class="branch"
        title={`${reference} ${title}`.trim()}
        aria-level={rows.depth[row]! + 1}
        aria-expanded={rows.hasChildren(row) ? open : undefined}
        style={{ paddingLeft: `${STEP * Math.min(DEEPEST, rows.depth[row]!)}px` }}
      >
        <button class="twisty" tabIndex={-1} onClick={props.onToggle} disabled={!rows.hasChildren(row)} aria-hidden="true">
          {rows.hasChildren(row) ? (open ? "▾" : "▸") : ""}
        </button>
        {reference && <code>{reference}</code>}
        <span class={kind === OTHERS || kind === GARBAGE ? "dim" : kind === ROOT ? "root" : ""}>{title}</span>
        {kind < OTHERS && nodes.length[row]! > 0 && <span class="dim"> of {units.count(nodes.length[row]!)}</span>}
        {path && !title.endsWith(path) && <code class="way">{path}</code>}
      </span>
      <span role="gridcell" class="place" title={birth ? heap.profile.place(birth, true) : ""}>
        {birth > 0 && (
          <button tabIndex={-1} onClick={() => openSource(ctx, birth)} title={`born in ${heap.profile.name(heap.profile.frames.function[birth]!)} (${heap.profile.place(birth, true)}): show the source`}>
            <Place text={heap.profile.place(birth)} />
          </button>
        )}
      </span>
    </>
  );
}

/** What is known of the selected row, in full. */
function Details({ ctx, heap, row }: { ctx: Context; heap: Heap; row: number }) {
  const { nodes, profile } = heap;
  if (row < 0 || row >= nodes.rows.count) return <div class="details dim">↑ ↓ select · → opens, ← closes or goes up · a row retains what would be freed with it</div>;
  const path = profile.name(nodes.path[row]!);
  const address = nodes.address[row]!;
  const birth = nodes.birth[row]!;
  return (
    <div class="details" role="status">
      <b>{nodeTitle(heap, row)}</b>
      {path && (
        <span class="path" title={path}>
          {path}
        </span>
      )}
      <span class="figure">
        {birth > 0 && `born in ${profile.name(profile.frames.function[birth]!)} · `}
        {address > 0 && `0x${address.toString(16)} · `}
        {units.bytes(nodes.retained[row]!)}
      </span>
      {path && <CopyButton what="the path" text={() => path} />}
      {nodes.kind[row] === 0 && heap.pathsOf(nodes.name[row]!) !== undefined && (
        <button class="small" onClick={() => ctx.go({ show: "paths", class: profile.name(nodes.name[row]!), filter: "" })}>
          All of its class
        </button>
      )}
    </div>
  );
}
