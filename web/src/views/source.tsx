// Bytes beside the code.
import { useMemo } from "preact/hooks";
import { makeUnits } from "../data/group";
import { place, shortFile, total, type Profile, type Profiled } from "../data/profile";
import { amount, CopyButton, exact, Measure, MetricNote, metricOf, Search, valuesOf, type Context } from "../parts/controls";
import { List } from "../parts/list";
import * as units from "../parts/units";
import type { State } from "../state";
import { Code } from "../parts/code";
import { matcher } from "./flame";
import { sumsOf } from "./table";

interface File {
  file: number;
  value: number;
  lines: Map<number, number>;
}

/** Files with values, largest first. */
function makeFiles(profile: Profile, state: State): File[] {
  const by = makeUnits(profile, "line");
  const sums = sumsOf(profile, by, { ...state, inclusive: false }, metricOf(state));
  const files = new Map<number, File>();
  for (let unit = 0; unit < sums.length; unit++) {
    const frame = by.example[unit]!;
    const file = profile.frames.file[frame]!;
    if (!sums[unit] || !file) continue;
    const entry = files.get(file) ?? { file, value: 0, lines: new Map<number, number>() };
    files.set(file, entry);
    entry.value += sums[unit]!;
    const line = profile.frames.line[frame]!;
    entry.lines.set(line, (entry.lines.get(line) ?? 0) + sums[unit]!);
  }
  return [...files.values()].sort((a, b) => b.value - a.value);
}

function sourceText(name: string, lines: string[], values: Map<number, number>, state: State): string {
  const body = lines.map((text, i) => {
    const value = values.get(i + 1);
    return `${(value ? amount(value, state.unit) : "").padStart(10)}  ${String(i + 1).padStart(5)}  ${text}`;
  });
  return [name, ...body].join("\n");
}

export function Source({ ctx }: { ctx: Context }) {
  const { main, state, go } = ctx;
  const { unit, process, domain, from, to, filter } = state;
  const metric = metricOf(state);
  const files = useMemo(() => makeFiles(main, state), [main, metric, unit, process, domain, from, to]);
  const all = useMemo(() => total(valuesOf(main, state)), [files]);
  const shown = useMemo(() => {
    const matches = filter ? matcher(filter) : undefined;
    return matches ? files.filter((f) => matches(main.name(f.file))) : files;
  }, [files, filter]);
  const current = state.file ? main.names.indexOf(state.file) : (files.find((f) => main.sources.has(f.file))?.file ?? files[0]?.file ?? -1);
  const entry = files.find((f) => f.file === current);
  return (
    <section class="fill" data-view="source">
      <div class="bar">
        <Measure ctx={ctx} />
      </div>
      <MetricNote ctx={ctx} total={all} />
      {files.length === 0 && current < 0 ? (
        <p class="empty">No code to show: no memory was recorded here.</p>
      ) : (
        <div class="split">
          <div class="files">
            <div class="bar">
              <Search label="Filter files  ( / )" value={filter} onChange={(filter) => go({ filter })} />
            </div>
            <List
              label="Files"
              count={shown.length}
              height={24}
              rowClass={(i) => (shown[i]!.file === current ? "current" : "")}
              onOpen={(i) => go({ file: main.name(shown[i]!.file), line: 0 })}
              row={(i) => {
                const { file, value } = shown[i]!;
                const name = main.name(file);
                return (
                  <button tabIndex={-1} title={name} onClick={() => go({ file: name, line: 0 })}>
                    <span class="num" title={exact(value, unit)}>
                      {amount(value, unit)}
                    </span>
                    <span class={main.sources.has(file) ? "path" : "path dim"}>{shortFile(name)}</span>
                  </button>
                );
              }}
            />
          </div>
          <FileView ctx={ctx} file={current} values={entry?.lines ?? new Map()} sum={entry?.value ?? 0} all={all} />
        </div>
      )}
    </section>
  );
}

function FileView(props: { ctx: Context; file: number; values: Map<number, number>; sum: number; all: number }) {
  const { ctx, file, values } = props;
  const { main, state, go } = ctx;
  const name = main.name(file);
  const text = main.sources.get(file);
  const lines = useMemo(() => text?.replace(/\n$/, "").split("\n"), [text]);
  // Without the text, the lines that hold something are shown alone.
  const profiled = main.profiled.get(file);
  const known = useMemo(() => [...new Set([...values.keys(), ...(profiled?.keys() ?? [])])].sort((a, b) => a - b), [values]);
  const largest = [...values.values()].reduce((most, value) => Math.max(most, value), 1);
  const numberOf = (i: number) => (lines ? i + 1 : known[i]!);
  const heaviest = [...values].reduce((best, item) => (item[1] > best[1] ? item : best), [0, 0])[0];
  const target = state.line || heaviest;
  return (
    <div class={profiled ? "code profiled" : "code"}>
      <div class="bar">
        <b class="path" title={name}>
          {/* Cut at its left, by a direction that the mark keeps to the cut. */}
          {"\u200e"}
          {name || "no file"}
        </b>
        <span class="dim">
          {amount(props.sum, state.unit)}, {units.share(props.sum, props.all) || "0%"} of all
          {!lines && " · the text of this file is not in the report"}
        </span>
        <CopyButton what="the file with its figures" text={() => sourceText(name, lines ?? [], values, state)} />
      </div>
      {profiled && (
        <div class="row head" aria-hidden="true">
          <span class="num">{state.unit === "bytes" ? "Bytes" : "Blocks"}</span>
          <span />
          <span class="num" title="How often the line was begun">
            Times
          </span>
          <span class="num" title="What the line allocated minus what it freed, calls included">
            Increment
          </span>
          <span class="num" title="The most that lived above the function's start while the line ran">
            Peak
          </span>
          <span class="line">Line</span>
        </div>
      )}
      <List
        key={file}
        label="Source"
        count={lines?.length ?? known.length}
        height={20}
        at={lines ? Math.min(target, lines.length) - 1 : known.indexOf(target)}
        rowClass={(i) => (values.has(numberOf(i)) ? "hot" : "")}
        onOpen={(i) => values.has(numberOf(i)) && go({ view: "flame", zoom: "", query: place(name, numberOf(i), true) })}
        row={(i) => {
          const number = numberOf(i);
          const value = values.get(number);
          return (
            <>
              <span role="gridcell" class="num" title={value ? `${exact(value, state.unit)}: find in the flame graph` : ""}>
                {value ? (
                  <button tabIndex={-1} onClick={() => go({ view: "flame", zoom: "", query: place(name, number, true) })}>
                    {amount(value, state.unit)}
                  </button>
                ) : (
                  ""
                )}
              </span>
              <span role="gridcell" class="gauge">
                {value && <i style={{ width: `${Math.max(2, (72 * value) / largest)}px` }} />}
              </span>
              {profiled && <Figures of={profiled.get(number)} />}
              <span role="gridcell" class="line">
                {number || "?"}
              </span>
              <span role="gridcell" class="text">
                {lines ? <Code text={lines[i]!} /> : ""}
              </span>
            </>
          );
        }}
      />
    </div>
  );
}

/** What the line profiler measured of a line. */
function Figures({ of }: { of: Profiled | undefined }) {
  return (
    <>
      <span role="gridcell" class="num">
        {of && units.count(of.times)}
      </span>
      <span role="gridcell" class="num" title={of && exact(of.increment, "bytes")}>
        {of && (of.increment > 0 ? "+" : "") + units.bytes(of.increment)}
      </span>
      <span role="gridcell" class="num" title={of && `${exact(of.peak, "bytes")}; ${units.bytes(of.memory)} in the process`}>
        {of && units.bytes(of.peak)}
      </span>
    </>
  );
}
