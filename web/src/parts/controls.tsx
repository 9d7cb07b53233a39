// Small pieces that all views use.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Profile, Metric, Range } from "../data/profile";
import type { Go, State } from "../state";
import * as units from "./units";

export interface Context {
  main: Profile;
  base: Profile | undefined;
  state: State;
  go: Go;
}

export function Choice<T extends string>(props: {
  label: string;
  value: T;
  items: readonly (readonly [value: T, text: string, title?: string])[];
  onChange: (value: T) => void;
}) {
  return (
    <div class="choice" role="radiogroup" aria-label={props.label}>
      {props.items.map(([value, text, title]) => (
        <label key={value} title={title} class={value === props.value ? "on" : ""}>
          <input
            type="radio"
            name={props.label}
            checked={value === props.value}
            onChange={() => props.onChange(value)}
          />
          {text}
        </label>
      ))}
    </div>
  );
}

export function Check(props: { text: string; title?: string; on: boolean; onChange: (on: boolean) => void }) {
  return (
    <label class="check" title={props.title}>
      <input type="checkbox" checked={props.on} onChange={(event) => props.onChange(event.currentTarget.checked)} />
      {props.text}
    </label>
  );
}

export function Pick(props: {
  label: string;
  value: string | number;
  items: (readonly [value: string | number, text: string])[];
  onChange: (value: string) => void;
}) {
  return (
    <label class="pick">
      {props.label}
      <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
        {props.items.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A text field that tells its text a moment after the last key. */
export function Search(props: { label: string; value: string; onChange: (text: string) => void; onEnter?: () => void }) {
  const [text, set] = useState(props.value);
  const told = useRef(props.value);
  if (told.current !== props.value) {
    told.current = props.value;
    if (text !== props.value) set(props.value);
  }
  useEffect(() => {
    if (text === told.current) return;
    const timer = setTimeout(() => {
      told.current = text;
      props.onChange(text);
    }, 120);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input
      type="search"
      class="search"
      placeholder={props.label}
      aria-label={props.label}
      value={text}
      spellcheck={false}
      onInput={(event) => set(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter") props.onEnter?.();
        if (event.key === "Escape") set("");
      }}
    />
  );
}

export function CopyButton(props: { text: () => string; what: string }) {
  const [done, set] = useState(false);
  const copy = async () => {
    await copyText(props.text());
    set(true);
    setTimeout(() => set(false), 1500);
  };
  return (
    <button class="small" onClick={copy} title={`Copy ${props.what} as text`} data-copy>
      {done ? "Copied" : "Copy"}
    </button>
  );
}

export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

export function Swatch(props: { color: string; children: ComponentChildren }) {
  return (
    <span class="swatch">
      <i style={{ background: props.color }} />
      {props.children}
    </span>
  );
}

// ---- what is measured ----

export const METRIC_NAMES: Record<Metric, string> = {
  peak: "At the peak",
  leaked: "Never freed",
  total: "Allocated",
  temporary: "Freed at once",
  range: "Selected time",
};

export function metricWords(metric: Metric, profile: Profile, range: Range): string {
  const seconds = profile.summary.peak_time_s;
  return {
    peak: `what was live when the program used the most memory, ${units.duration(seconds)} after its start`,
    leaked: "what was still allocated when recording ended; what modules hold counts too",
    total: "everything that was ever allocated, whether it was freed or not",
    temporary: "what was freed again before its thread had made a second allocation: churn",
    range: rangeWords(range),
  }[metric];
}

export function rangeWords(range: Range): string {
  return `what was live ${units.duration(range.to / 1e6)} after the start and not yet at ${units.duration(range.from / 1e6)}`;
}

export const DOMAIN_WORDS: Record<string, string> = {
  obj: "Python objects",
  mem: "Python's buffers, as of lists and dicts",
  malloc: "the C library's malloc, used by extension modules",
  mmap: "mapped from the system, as large arrays are",
};

export function amount(value: number, unit: State["unit"]): string {
  return unit === "bytes" ? units.bytes(value) : units.count(value);
}

/** "12,345 bytes" */
export function exact(value: number, unit: State["unit"]): string {
  return `${units.count(value)} ${unit}`;
}

export function hasRange(state: State): boolean {
  return state.to > state.from;
}

/** The metric to show: a range needs one. */
export function metricOf(state: State): Metric {
  return state.metric === "range" && !hasRange(state) ? "peak" : state.metric;
}

export function valuesOf(profile: Profile, state: State, metric = metricOf(state)): Float64Array {
  const key = [metric, state.unit, state.from, state.to, state.process, state.domain].join(" ");
  return profile.keepLast(`values ${metric} ${state.unit}`, key, () => profile.values(metric, state.unit, state, state));
}

/** Which metric, unit, process and kind of memory. */
export function Measure({ ctx, metrics = true }: { ctx: Context; metrics?: boolean }) {
  const { main, state, go } = ctx;
  const metric = metricOf(state);
  const items = (Object.keys(METRIC_NAMES) as Metric[])
    .filter((name) => name !== "range" || hasRange(state))
    .map((name) => [name, METRIC_NAMES[name], metricWords(name, main, state)] as const);
  const { processes } = main.summary;
  return (
    <>
      {metrics && <Choice label="Metric" value={metric} items={items} onChange={(metric) => go({ metric, zoom: "" })} />}
      <Choice
        label="Unit"
        value={state.unit}
        items={[
          ["bytes", "Bytes", "sizes as the program asked for them"],
          ["blocks", "Blocks", "how many allocations"],
        ]}
        onChange={(unit) => go({ unit, zoom: "" })}
      />
      <Pick
        label="Kind"
        value={state.domain}
        items={[[-1, "all memory"], ...main.head.domains.map((name, i) => [i, `${name}: ${DOMAIN_WORDS[name] ?? name}`] as const)]}
        onChange={(domain) => go({ domain: Number(domain), zoom: "" })}
      />
      {processes.length > 1 && (
        <Pick
          label="Process"
          value={state.process}
          items={[[-1, `all ${processes.length}`], ...processes.map((p, i) => [i, `${p.pid} ${p.command}`] as const)]}
          onChange={(process) => go({ process: Number(process), zoom: "" })}
        />
      )}
    </>
  );
}

export function MetricNote({ ctx, total }: { ctx: Context; total: number }) {
  const { state, main } = ctx;
  const metric = metricOf(state);
  return (
    <p class="note">
      <b title={exact(total, state.unit)}>
        {amount(total, state.unit)}
        {state.unit === "blocks" && " blocks"}
      </b>
      {": "}
      {metricWords(metric, main, state)}.
    </p>
  );
}
