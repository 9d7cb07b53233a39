// Heap snapshots: classes, what keeps them alive, what changed between two.
import { heapsOf, type Heap as Snapshot } from "../data/heap";
import { Choice, Pick, type Context } from "../parts/controls";
import * as units from "../parts/units";
import { HeapChanges } from "./heap_changes";
import { HeapClasses } from "./heap_classes";
import { HeapDominators } from "./heap_dominators";
import { HeapPaths } from "./heap_paths";

/** "2: 1.2 s, 12 MiB, when the program ended" */
export function snapshotName(heap: Snapshot): string {
  const { summary } = heap.profile;
  const pid = summary.processes.length > 1 ? `, process ${summary.processes[heap.facts.process]?.pid ?? "?"}` : "";
  const occasion = heap.occasion ? `, ${heap.occasion}` : "";
  return `${heap.index + 1}: ${units.duration(heap.facts.time_s)}, ${units.bytes(heap.facts.bytes)}${occasion}${pid}`;
}

export interface HeapProps {
  ctx: Context;
  heap: Snapshot;
}

export function Heap({ ctx }: { ctx: Context }) {
  const { main, base, state, go } = ctx;
  const heaps = heapsOf(main);
  const heap = heaps[state.snapshot] ?? heaps[heaps.length - 1]!;
  const canCompare = heaps.length > 1 || (base !== undefined && heapsOf(base).length > 0);
  const show = state.show === "changes" && !canCompare ? "classes" : state.show;
  const { facts } = heap;
  return (
    <section class="fill" data-view="heap">
      <div class="bar">
        <Choice
          label="Show"
          value={show}
          items={[
            ["classes", "Classes", "what the heap is made of"],
            ["dominators", "Dominators", "what would go with what: who keeps how much alive"],
            ["paths", "Paths", "by which references the roots keep a class alive"],
            ...(canCompare ? ([["changes", "Changes", "what changed between two snapshots, by class"]] as const) : []),
          ]}
          onChange={(show) => go({ show, filter: "", sort: "", up: false })}
        />
        {show !== "changes" && heaps.length > 1 && (
          <Pick
            label="Snapshot"
            value={heap.index}
            items={heaps.map((one) => [one.index, snapshotName(one)] as const)}
            onChange={(index) => go({ snapshot: Number(index) === heaps.length - 1 ? -1 : Number(index) })}
          />
        )}
      </div>
      {show !== "changes" && (
        <p class="note">
          <b title={`${units.count(facts.bytes)} bytes`}>{units.bytes(facts.bytes)}</b> in {units.plural(facts.objects, "object")},{" "}
          {heap.occasion || `${units.duration(facts.time_s)} after the start`}; sizes are the allocator's.
          {facts.garbage_objects > 0 && (
            <>
              {" "}
              <b>{units.bytes(facts.garbage_bytes)}</b> of it, {units.plural(facts.garbage_objects, "object")}, waited for the garbage collector.
            </>
          )}
        </p>
      )}
      {show === "classes" && <HeapClasses ctx={ctx} heap={heap} />}
      {show === "dominators" && <HeapDominators key={heap.index} ctx={ctx} heap={heap} />}
      {show === "paths" && <HeapPaths key={heap.index} ctx={ctx} heap={heap} />}
      {show === "changes" && <HeapChanges ctx={ctx} />}
    </section>
  );
}
