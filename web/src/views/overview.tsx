// The verdict in words, memory over time, where the bytes are, what is missing.
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { place } from "../data/profile";
import { whereabouts, type Part } from "../data/series";
import { verdictOf, type Top } from "../data/verdict";
import { Chart } from "../parts/chart";
import type { Context } from "../parts/controls";
import { Link } from "../parts/link";
import * as units from "../parts/units";
import type { Change } from "../state";
import { ProcessTable } from "./processes";

export function Overview({ ctx }: { ctx: Context }) {
  const { main, state, go } = ctx;
  return (
    <section class="overview" data-view="overview">
      <Notices ctx={ctx} />
      <Verdict ctx={ctx} />
      <Chart
        ctx={ctx}
        height={230}
        onRange={(from, to) => (to > from ? go({ from, to, view: "timeline", metric: "range", zoom: "" }) : go({ from: 0, to: 0 }))}
      />
      <Where ctx={ctx} />
      {main.summary.processes.length > 1 && (
        <>
          <h2>Processes</h2>
          <ProcessTable ctx={ctx} />
        </>
      )}
      <Facts ctx={ctx} />
      {state.process >= 0 && (
        <p class="note">
          Shown: process {main.summary.processes[state.process]?.pid}. <button onClick={() => go({ process: -1 })}>Show all</button>
        </p>
      )}
    </section>
  );
}

const DROP_WORDS: Record<string, string> = {
  folded_stacks: "stacks were shortened, as the table of stacks was full (--max-table raises its size)",
  missed_frees: "frees were not seen; what they freed may count as live",
  reentrant_events: "allocations inside the recorder itself were left out",
  lost_allocations: "allocations could not be counted",
  lost_samples: "samples of memory over time were dropped",
  lost_checkpoints: "states of the heap over time were dropped",
  lost_children: "child processes could not be recorded",
  unaligned_blocks: "blocks at unusual addresses were counted by estimate",
  ended_early: "times the recording had to end before the program did",
  lost_threads: "threads could not be recorded",
};

/** What is wrong with the recording, or missing from it. */
function Notices({ ctx }: { ctx: Context }) {
  const { summary, head } = ctx.main;
  const list: string[] = [];
  if (!summary.complete) list.push(`The recording is incomplete: ${summary.ended}. Figures are of what was recorded until then.`);
  else
    for (const process of summary.processes)
      if (!process.complete) list.push(`The recording of process ${process.pid} is incomplete: ${process.ended}.`);
  list.push(...summary.warnings, ...(head.heap_warnings ?? []));
  for (const [name, number] of Object.entries(summary.dropped))
    if (number) list.push(`${units.count(number)} ${DROP_WORDS[name] ?? name.replace(/_/g, " ")}.`);
  if (summary.peak_imprecision_bytes)
    list.push(`The peak may be off by ${units.bytes(summary.peak_imprecision_bytes)}: threads allocated without Python's lock.`);
  if (head.source_changed) list.push(`${units.plural(head.source_changed, "file")} changed after the recording: their text is left out.`);
  if (head.source_left_out) list.push(`The text of ${units.plural(head.source_left_out, "file")} is left out: it would have made the page too large.`);
  if (!list.length) return null;
  return (
    <ul class="notices" aria-label="Warnings">
      {list.map((text) => (
        <li>{text}</li>
      ))}
    </ul>
  );
}

function Card(props: { ctx: Context; title: string; figure: string; to: Change; children: ComponentChildren; id: string }) {
  return (
    <Link ctx={props.ctx} to={props.to} class="card">
      <h3>{props.title}</h3>
      <strong data-figure={props.id}>{props.figure}</strong>
      <p>{props.children}</p>
    </Link>
  );
}

function Verdict({ ctx }: { ctx: Context }) {
  const { main, state } = ctx;
  const { summary, head } = main;
  const verdict = useMemo(() => main.keepLast("verdict", String(state.process), () => verdictOf(main, state.process)), [main, state.process]);
  const process = summary.processes[state.process];
  const duration = process?.duration_s ?? summary.duration_s;
  const peakBytes = process?.peak_bytes ?? summary.peak_bytes;
  const peakTime = process?.peak_time_s ?? summary.peak_time_s;
  const rss = process?.max_rss_bytes ?? summary.max_rss_bytes;
  const live = process?.live_bytes ?? summary.live_bytes;
  const blocks = process?.live_blocks ?? summary.live_blocks;
  const where = (top: Top | undefined) =>
    top && top.frame > 0 ? (
      <>
        <b>{top.name}</b> <span class="path">{main.place(top.frame)}</span>
      </>
    ) : (
      <b>memory allocated outside of all Python code</b>
    );
  const code = (top: Top | undefined): Change => {
    if (!top || top.frame <= 0) return { view: "table", metric: "peak", by: "line" };
    const file = main.name(main.frames.file[top.frame]!);
    const line = main.frames.line[top.frame]!;
    if (main.sources.has(main.frames.file[top.frame]!)) return { view: "source", metric: "peak", file, line };
    return { view: "flame", metric: "peak", query: place(file, line, true), zoom: "" };
  };
  const [top] = verdict.top;
  const fiveLines = verdict.top.reduce((sum, item) => sum + item.value, 0);
  const pauses = head.gc.reduce((sum, g) => sum + g.pause_s, 0);
  const collections = head.gc.reduce((sum, g) => sum + g.collections, 0);
  const longest = Math.max(0, ...head.gc.map((g) => g.longest_pause_s));
  return (
    <div class="cards">
      <Card ctx={ctx} id="peak" title="Peak" figure={units.bytes(peakBytes)} to={{ view: "flame", metric: "peak", zoom: "", query: "" }}>
        {peakBytes ? (
          <>
            were in use {units.duration(peakTime)} after the start of a run of {units.duration(duration)}
            {rss > 0 && (
              <>
                ; {summary.processes.length > 1 && !process ? "the largest process" : "the process"} took up to {units.bytes(rss)} of RAM
              </>
            )}.
          </>
        ) : (
          <>no allocation was recorded in {units.duration(duration)}.</>
        )}
      </Card>
      <Card ctx={ctx} id="top" title="Held most of it" figure={top ? units.share(top.value, verdict.peak) : "–"} to={code(top)}>
        {top ? (
          <>
            {where(top)} held {units.bytes(top.value)} at the peak
            {verdict.top.length > 1 && <>; the first {verdict.top.length} lines {units.share(fiveLines, verdict.peak)}</>}.
          </>
        ) : (
          "nothing was live."
        )}
      </Card>
      <Card
        ctx={ctx}
        id="grown"
        title="Grew"
        figure={verdict.grown ? `+${units.bytes(verdict.grown)}` : "–"}
        to={{ view: "timeline", metric: "range", from: verdict.from, to: Math.ceil(verdict.to), zoom: "" }}
      >
        {verdict.topGrown.length ? (
          <>
            lived at the end and not yet at {units.duration(verdict.from / 1e6)}; {where(verdict.topGrown[0])} added{" "}
            {units.bytes(verdict.topGrown[0]!.value)}.
          </>
        ) : (
          <>no line held more at the end than after {units.duration(verdict.from / 1e6)}.</>
        )}
      </Card>
      <Card ctx={ctx} id="leaked" title={summary.complete ? "Never freed" : "Still allocated"} figure={units.bytes(live)} to={{ view: "table", metric: "leaked", by: "line" }}>
        {live ? (
          <>
            in {units.plural(blocks, "block")}, what modules hold among it; most by {where(verdict.topLeaked[0])},{" "}
            {units.share(verdict.topLeaked[0]?.value ?? 0, verdict.leaked)}.
          </>
        ) : (
          "all that was allocated was freed."
        )}
      </Card>
      <Card
        ctx={ctx}
        id="temporary"
        title="Freed at once"
        figure={units.share(verdict.temporaryBlocks, verdict.allocations) || "0%"}
        to={{ view: "table", metric: "temporary", by: "line", unit: "blocks" }}
      >
        {verdict.temporaryBlocks ? (
          <>
            of {units.count(verdict.allocations)} allocations; most by {where(verdict.temporary[0])},{" "}
            {units.count(verdict.temporary[0]?.value ?? 0)} times.
          </>
        ) : (
          <>of {units.plural(verdict.allocations, "allocation")}.</>
        )}
      </Card>
      <Card ctx={ctx} id="gc" title="Garbage collection" figure={units.duration(pauses)} to={{ view: "timeline" }}>
        {collections ? (
          <>
            in {units.plural(collections, "pause")}, {units.share(pauses, summary.duration_s)} of the run; the longest took{" "}
            {units.duration(longest)}.
          </>
        ) : (
          "the collector never ran."
        )}
      </Card>
    </div>
  );
}

const PART_WORDS: Record<Part["name"], [string, string]> = {
  python: ["Python", "objects, and the tables of lists and dicts"],
  native: ["Native", "malloc and mmap, by C code and extension modules"],
  file: ["Files and shared", "programs, libraries, mapped files: the system can drop most of it"],
  rest: ["Not accounted for", "freed and kept by the allocator, its overhead, the interpreter's own start, stacks"],
};

function Where({ ctx }: { ctx: Context }) {
  const { main, state } = ctx;
  const where = useMemo(() => main.keepLast("where", String(state.process), () => whereabouts(main, state.process)), [main, state.process]);
  if (!where) return null;
  const parts = where.parts.filter((part) => part.bytes > 0);
  return (
    <section class="where">
      <h2>
        Where the bytes are <small>when the resident set was highest: {units.bytes(where.rss)} of RAM, {units.duration(where.time)} after the start</small>
      </h2>
      <div class="stack" role="img" aria-label={parts.map((p) => `${PART_WORDS[p.name][0]} ${units.bytes(p.bytes)}`).join(", ")}>
        {parts.map((part) => (
          <i key={part.name} class={`part-${part.name}`} style={{ flexGrow: part.bytes / where.rss }} title={`${PART_WORDS[part.name][0]}: ${units.bytes(part.bytes)}`} />
        ))}
      </div>
      <dl>
        {parts.map((part) => (
          <div key={part.name}>
            <dt>
              <i class={`part-${part.name}`} />
              {PART_WORDS[part.name][0]} <b data-part={part.name}>{units.bytes(part.bytes)}</b> <span class="dim">{units.share(part.bytes, where.rss)}</span>
            </dt>
            <dd>{PART_WORDS[part.name][1]}</dd>
          </div>
        ))}
      </dl>
      {!where.hasFile && <p class="note">Pages of files were not measured: they are among what is not accounted for.</p>}
      {where.over > 0 && (
        <p class="note">
          Another {units.bytes(where.over)} were allocated but not resident: memory that was asked for and not touched yet.
        </p>
      )}
    </section>
  );
}

function Facts({ ctx }: { ctx: Context }) {
  const { summary, head } = ctx.main;
  const facts: [string, string][] = [
    ["Command", summary.command],
    ["Python", summary.python],
    ["Process", String(summary.pid)],
    ["Recorded", `${units.duration(summary.duration_s)}, ${summary.ended}`],
    ["Allocated in all", `${units.bytes(summary.total_bytes)} in ${units.plural(summary.allocations, "allocation")}`],
    ["Seen", `${units.plural(summary.stacks, "stack")}, ${units.plural(summary.threads, "thread")}`],
    ["barrow", head.barrow],
  ];
  if (summary.unknown_frees) facts.splice(5, 0, ["Freed besides", units.plural(summary.unknown_frees, "block") + " older than the recording"]);
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name} class={name === "Command" ? "whole" : undefined}>
          <dt>{name}</dt>
          <dd title={value}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
