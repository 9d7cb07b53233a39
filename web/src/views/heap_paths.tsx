// By which references the roots keep the instances of a class alive: all of their shortest paths, merged.
import { useMemo, useState } from "preact/hooks";
import type { Heap } from "../data/heap";
import { CopyButton, Search } from "../parts/controls";
import { List } from "../parts/list";
import * as units from "../parts/units";
import { matcher } from "./flame";
import type { HeapProps } from "./heap";

const OTHERS = 2;
const IS_ROOT = 1;
const STEP = 14;
const DEEPEST = 24;

/** The way that most of them share: "app.Server.sessions[*].user". */
export function commonPath(heap: Heap, top: number): { text: string; objects: number } {
  const { rows, kind, name, objects } = heap.paths;
  let text = "";
  let at = top;
  for (;;) {
    const next = rows.children(at).find((row) => kind[row] !== OTHERS && 2 * objects[row]! > objects[top]!);
    if (next === undefined) break;
    if (kind[next] !== IS_ROOT) text += heap.profile.name(name[next]!);
    at = next;
  }
  return { text, objects: objects[at]! };
}

function rowText(heap: Heap, row: number): string {
  const { kind, name } = heap.paths;
  return kind[row] === OTHERS ? "(others)" : heap.profile.name(name[row]!);
}

export function HeapPaths({ ctx, heap }: HeapProps) {
  const { state, go } = ctx;
  const { paths, profile } = heap;
  const tops = useMemo(() => {
    const matches = state.filter ? matcher(state.filter) : undefined;
    return paths.tops
      .filter((row) => !matches || matches(profile.name(paths.name[row]!)))
      .sort((a, b) => paths.retained[b]! - paths.retained[a]! || a - b);
  }, [heap, state.filter]);
  const [closed, setClosed] = useState<ReadonlySet<number>>(new Set());
  const all = paths.tops.find((row) => profile.name(paths.name[row]!) === state.class);
  const top = all ?? tops[0];
  const shown = useMemo(() => {
    const list: number[] = [];
    if (top === undefined) return list;
    for (let i = top + 1; i < paths.rows.end[top]!; i = closed.has(i) ? paths.rows.end[i]! : i + 1) list.push(i);
    return list;
  }, [heap, top, closed]);
  if (!paths.tops.length) return <p class="empty">The page holds paths of the last four snapshots only.</p>;
  const toggle = (row: number) => {
    if (!paths.rows.hasChildren(row)) return;
    const next = new Set(closed);
    if (!next.delete(row)) next.add(row);
    setClosed(next);
  };
  const whole = top === undefined ? 1 : paths.objects[top]! || 1;
  const common = top === undefined ? { text: "", objects: 0 } : commonPath(heap, top);
  const text = () =>
    shown
      .map((row) => `${units.count(paths.objects[row]!).padStart(12)}  ${units.bytes(paths.bytes[row]!).padStart(9)}  ${"  ".repeat(paths.rows.depth[row]! - 1)}${rowText(heap, row)}  ${profile.name(paths.class[row]!)}`.trimEnd())
      .join("\n");
  return (
    <div class="split">
      <div class="files">
        <div class="bar">
          <Search label="Filter classes  ( / )" value={state.filter} onChange={(filter) => go({ filter })} />
        </div>
        <List
          label="Classes with paths"
          count={tops.length}
          height={24}
          at={top === undefined ? -1 : tops.indexOf(top)}
          rowClass={(i) => (tops[i] === top ? "current" : "")}
          onOpen={(i) => go({ class: profile.name(paths.name[tops[i]!]!) })}
          row={(i) => (
            <button tabIndex={-1} onClick={() => go({ class: profile.name(paths.name[tops[i]!]!) })} title={profile.name(paths.name[tops[i]!]!)}>
              <span class="num">{units.bytes(paths.retained[tops[i]!]!)}</span>
              <span class="path">{profile.name(paths.name[tops[i]!]!)}</span>
            </button>
          )}
        />
      </div>
      {top === undefined ? (
        <p class="empty">No class matches.</p>
      ) : (
        <div class="code">
          <div class="bar">
            <b title={profile.name(paths.name[top]!)}>{profile.name(paths.name[top]!)}</b>
            <span class="dim">
              {units.plural(paths.objects[top]!, "object")}, {units.bytes(paths.bytes[top]!)} of their own, {units.bytes(paths.retained[top]!)} retained
              {paths.ends[top]! > 0 && `; ${units.count(paths.ends[top]!)} garbage`}
            </span>
            <CopyButton what="the paths" text={text} />
          </div>
          {common.text && (
            <p class="common" title={common.text}>
              <span class="dim">{common.objects === paths.objects[top] ? "all through" : `${units.share(common.objects, whole)} through`}</span> <code>{common.text}</code>
            </p>
          )}
          <div class="table heap-paths">
            <List
              label="Paths"
              count={shown.length}
              height={24}
              onOpen={(i) => toggle(shown[i]!)}
              onKey={(key, i) => {
                const row = shown[i]!;
                if ((key === "ArrowLeft" && !closed.has(row)) || (key === "ArrowRight" && closed.has(row))) toggle(row);
              }}
              head={
                <div class="head" role="row">
                  <span role="columnheader" class="num chosen" title="instances to which this reference leads">
                    Objects
                  </span>
                  <span role="columnheader">Share</span>
                  <span role="columnheader" class="num" title="own bytes of those instances">
                    Own
                  </span>
                  <span role="columnheader">From the roots down</span>
                </div>
              }
              row={(i) => {
                const row = shown[i]!;
                const has = paths.rows.hasChildren(row);
                const ends = paths.ends[row]!;
                return (
                  <>
                    <span role="gridcell" class="num chosen">
                      {units.count(paths.objects[row]!)}
                    </span>
                    <span role="gridcell" class="share">
                      <i style={{ width: `${(56 * paths.objects[row]!) / whole}px` }} />
                      {units.share(paths.objects[row]!, whole)}
                    </span>
                    <span role="gridcell" class="num">
                      {units.bytes(paths.bytes[row]!)}
                    </span>
                    <span role="gridcell" class="branch" title={`${rowText(heap, row)} ${profile.name(paths.class[row]!)}`} style={{ paddingLeft: `${STEP * Math.min(DEEPEST, paths.rows.depth[row]! - 1)}px` }}>
                      <button class="twisty" tabIndex={-1} disabled={!has} onClick={() => toggle(row)} aria-hidden="true">
                        {has ? (closed.has(row) ? "▸" : "▾") : ""}
                      </button>
                      {paths.kind[row] === OTHERS ? (
                        <span class="dim">others</span>
                      ) : paths.kind[row] === IS_ROOT ? (
                        <span class="root">{rowText(heap, row)}</span>
                      ) : (
                        <>
                          <code>{rowText(heap, row)}</code>
                          <span class={ends ? "reached" : "dim"}>{profile.name(paths.class[row]!)}</span>
                        </>
                      )}
                    </span>
                  </>
                );
              }}
            />
          </div>
        </div>
      )}
    </div>
  );
}
