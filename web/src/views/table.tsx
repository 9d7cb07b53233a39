// Who owns the memory: by line, function, file, module, kind of memory or thread.
import { useMemo } from "preact/hooks";
import {
  domainsOf,
  GROUPINGS,
  makeUnits,
  sumInclusive,
  sumOwn,
  unitText,
  type Grouping,
  type Units,
} from "../data/group";
import { METRICS, NO_FRAME, total, type Metric, type Profile } from "../data/profile";
import {
  amount,
  Check,
  Choice,
  CopyButton,
  DOMAIN_WORDS,
  exact,
  hasRange,
  Measure,
  MetricNote,
  METRIC_NAMES,
  metricOf,
  metricWords,
  Search,
  valuesOf,
  type Context,
} from "../parts/controls";
import { List } from "../parts/list";
import { Place } from "../parts/place";
import * as units from "../parts/units";
import type { State } from "../state";
import { matcher } from "./flame";

export const BY_NAMES: Record<Grouping, string> = {
  line: "Line",
  function: "Function",
  file: "File",
  module: "Module",
  domain: "Kind",
  thread: "Thread",
};

export function groupingOf(state: State): Grouping {
  return (GROUPINGS as readonly string[]).includes(state.by) ? (state.by as Grouping) : "line";
}

/** Sums by unit of one metric. */
export function sumsOf(profile: Profile, by: Units, state: State, metric: Metric): Float64Array {
  const key = [by.by, state.inclusive, state.unit, state.from, state.to, state.process, state.domain].join(" ");
  return profile.keepLast(`sums ${metric}`, key, () => {
    const values = valuesOf(profile, state, metric);
    return state.inclusive ? sumInclusive(profile, by, values) : sumOwn(profile, by, values);
  });
}

interface Model {
  by: Units;
  metrics: Metric[];
  sums: Float64Array[]; // by metric
  shown: Float64Array; // of the chosen metric
  rows: number[]; // units, in order
  domains: Uint8Array;
}

function textOf(profile: Profile, by: Units, unit: number): string {
  const { name, frame } = unitText(profile, by, unit);
  if (frame > 0) return `${name} ${profile.place(frame, true)}`;
  return name || NO_FRAME;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function makeModel(profile: Profile, state: State): Model {
  const by = makeUnits(profile, groupingOf(state));
  const chosen = metricOf(state);
  const metrics: Metric[] = [...METRICS, ...(hasRange(state) ? (["range"] as const) : [])];
  const sums = metrics.map((metric) => sumsOf(profile, by, state, metric));
  const shown = sums[metrics.indexOf(chosen)]!;
  const matches = state.filter ? matcher(state.filter) : undefined;
  const rows: number[] = [];
  for (let unit = 0; unit < shown.length; unit++)
    if (shown[unit] && (!matches || matches(textOf(profile, by, unit)))) rows.push(unit);
  const sign = state.up ? -1 : 1;
  if (state.sort === "name" || state.sort === "place") {
    const text = new Map(
      rows.map((unit) => {
        const { name, frame } = unitText(profile, by, unit);
        return [unit, state.sort === "place" && frame > 0 ? sortablePlace(profile, frame) : name];
      }),
    );
    rows.sort((a, b) => sign * compareText(text.get(a)!, text.get(b)!) || shown[b]! - shown[a]!);
  } else rows.sort((a, b) => sign * (shown[b]! - shown[a]!) || a - b);
  return { by, metrics, sums, shown, rows, domains: domainsOf(profile, by, valuesOf(profile, state)) };
}

function sortablePlace(profile: Profile, frame: number): string {
  return profile.name(profile.frames.file[frame]!) + String(profile.frames.line[frame]).padStart(8, "0");
}

function Head({ ctx, model }: { ctx: Context; model: Model }) {
  const { state, go, main } = ctx;
  const chosen = metricOf(state);
  const by = model.by.by;
  const arrow = (on: boolean) => (on ? (state.up ? " ▴" : " ▾") : "");
  const sortBy = (sort: string) => go({ sort, up: state.sort === sort && !state.up });
  const text = (sort: string, title: string) => (
    <span role="columnheader" aria-sort={state.sort === sort ? (state.up ? "descending" : "ascending") : "none"}>
      <button onClick={() => sortBy(sort)}>
        {title}
        {state.sort === sort && (state.up ? " ▾" : " ▴")}
      </button>
    </span>
  );
  return (
    <div class="head" role="row">
      {model.metrics.map((metric) => (
        <span
          key={metric}
          role="columnheader"
          class={`num ${metric === chosen ? "chosen" : ""}`}
          aria-sort={metric === chosen && !state.sort ? (state.up ? "ascending" : "descending") : "none"}
        >
          <button
            title={metricWords(metric, main, state)}
            onClick={() => go({ metric, sort: "", up: metric === chosen && !state.sort && !state.up })}
          >
            {METRIC_NAMES[metric]}
            {arrow(metric === chosen && !state.sort)}
          </button>
        </span>
      ))}
      <span role="columnheader" class="share">
        Share
      </span>
      {by !== "domain" && !state.inclusive && (
        <span role="columnheader" class="kinds" title="kinds of memory">
          Kinds
        </span>
      )}
      {text("name", BY_NAMES[by === "line" ? "function" : by])}
      {(by === "line" || by === "function") && text("place", by === "line" ? "Line" : "File")}
      {by === "line" && (
        <span role="columnheader" class="line-text">
          Code
        </span>
      )}
    </div>
  );
}

export function kindsText(profile: Profile, bits: number): string {
  return profile.head.domains.filter((_, i) => bits & (1 << i)).join(" ");
}

function tableText(profile: Profile, model: Model, state: State): string {
  const by = model.by;
  const head = [...model.metrics.map((metric) => METRIC_NAMES[metric]), BY_NAMES[by.by]];
  const lines = model.rows.slice(0, 50_000).map((unit) => {
    const figures = model.sums.map((sums) => amount(sums[unit]!, state.unit));
    return [...figures, textOf(profile, by, unit)].join("\t");
  });
  return [head.join("\t"), ...lines].join("\n");
}

export function openSource(ctx: Context, frame: number, withLine = true): void {
  const { main, go } = ctx;
  go({
    view: "source",
    file: main.name(main.frames.file[frame]!),
    line: withLine ? main.frames.line[frame]! : main.frames.firstLine[frame]!,
  });
}

export function Table({ ctx, metrics = true }: { ctx: Context; metrics?: boolean }) {
  const { main, state, go } = ctx;
  const { unit, process, domain, from, to, by: grouping, inclusive, sort, up, filter } = state;
  const metric = metricOf(state);
  const model = useMemo(
    () => makeModel(main, state),
    [main, metric, unit, process, domain, from, to, grouping, inclusive, sort, up, filter],
  );
  const all = useMemo(() => total(valuesOf(main, state)), [model]);
  const by = model.by.by;
  const largest = model.rows.reduce((most, row) => Math.max(most, model.shown[row]!), 0);
  const inFlame = (frame: number) =>
    go({ view: "flame", zoom: "", query: by === "line" ? main.place(frame, true) : unitName(frame) });
  const unitName = (frame: number) =>
    main.name((by === "file" ? main.frames.file : by === "module" ? main.frames.module : main.frames.function)[frame]!);
  const frameOf = (row: number) => unitText(main, model.by, model.rows[row]!).frame;

  const row = (i: number) => {
    const unit = model.rows[i]!;
    const { name, frame } = unitText(main, model.by, unit);
    const isPlace = frame > 0;
    const code = by === "line" && isPlace ? main.sourceLine(main.frames.file[frame]!, main.frames.line[frame]!) : "";
    return (
      <>
        {model.metrics.map((m, n) => (
          <span role="gridcell" class={`num ${m === metric ? "chosen" : ""}`} key={m} title={exact(model.sums[n]![unit]!, state.unit)}>
            {model.sums[n]![unit] ? amount(model.sums[n]![unit]!, state.unit) : <i class="nil">·</i>}
          </span>
        ))}
        <span role="gridcell" class="share">
          <i style={{ width: `${(56 * model.shown[unit]!) / (largest || 1)}px` }} />
          {units.share(model.shown[unit]!, all)}
        </span>
        {by !== "domain" && !state.inclusive && (
          <span role="gridcell" class="kinds" title={`kinds: ${kindsText(main, model.domains[unit]!)}`}>
            {kindsText(main, model.domains[unit]!)}
          </span>
        )}
        <span role="gridcell" class="name" title={name}>
          {isPlace ? (
            <button tabIndex={-1} onClick={() => inFlame(frame)} title={`${name}: find in the flame graph`}>
              {name}
            </button>
          ) : by === "domain" ? (
            `${name}: ${DOMAIN_WORDS[name] ?? ""}`
          ) : (
            <span class="dim">{name || NO_FRAME}</span>
          )}
        </span>
        {(by === "line" || by === "function") && (
          <span role="gridcell" class="place" title={isPlace ? main.place(frame, true) : ""}>
            {isPlace && (
              <button tabIndex={-1} onClick={() => openSource(ctx, frame, by === "line")} title={`${main.place(frame, true)}: show the source`}>
                <Place text={main.place(frame)} withLine={by === "line"} />
              </button>
            )}
          </span>
        )}
        {by === "line" && (
          <code role="gridcell" class="line-text" title={code}>
            {code}
          </code>
        )}
      </>
    );
  };

  return (
    <section class="fill" data-view="table">
      <div class="bar">
        <Measure ctx={ctx} metrics={metrics} />
      </div>
      <div class="bar">
        <Choice
          label="Group by"
          value={by}
          items={GROUPINGS.map((name) => [name, BY_NAMES[name]] as const)}
          onChange={(by) => go({ by, sort: "" })}
        />
        <Check
          text="with what they called"
          title="Inclusive: count a stack at each of its frames, not only where it allocated"
          on={inclusive}
          onChange={(inclusive) => go({ inclusive })}
        />
        <Search label="Filter by name  ( / )" value={filter} onChange={(filter) => go({ filter })} />
        <span class="dim">{units.plural(model.rows.length, "row")}</span>
        <CopyButton what="the table" text={() => tableText(main, model, state)} />
      </div>
      <MetricNote ctx={ctx} total={all} />
      {model.rows.length === 0 && <p class="empty">{filter ? "No row matches." : "Nothing to show: no memory was recorded here."}</p>}
      <div class={`table by-${by} n${model.metrics.length} ${state.inclusive || by === "domain" ? "" : "with-kinds"}`}>
        <List
          label="Table"
          count={model.rows.length}
          height={24}
          head={<Head ctx={ctx} model={model} />}
          row={row}
          onOpen={(i) => frameOf(i) > 0 && openSource(ctx, frameOf(i), by === "line")}
          onKey={(key, i) => key === "f" && frameOf(i) > 0 && inFlame(frameOf(i))}
        />
      </div>
    </section>
  );
}
