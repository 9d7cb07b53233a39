// A time is selected on the chart; below stands what was live at its end and not at its start.
import { useMemo, useState } from "preact/hooks";
import { Chart } from "../parts/chart";
import { Choice, hasRange, type Context } from "../parts/controls";
import * as units from "../parts/units";
import { Flame } from "./flame";
import { Table } from "./table";

function Seconds(props: { label: string; value: number; onChange: (us: number) => void }) {
  const [bad, setBad] = useState(false);
  return (
    <label class="pick">
      {props.label}
      <input
        class={`seconds ${bad ? "bad" : ""}`}
        inputMode="decimal"
        value={Number((props.value / 1e6).toFixed(6))}
        onChange={(event) => {
          const us = Math.round(Number(event.currentTarget.value) * 1e6);
          const isNumber = us >= 0;
          setBad(!isNumber);
          if (isNumber) props.onChange(us);
        }}
      />
      s
    </label>
  );
}

export function Timeline({ ctx }: { ctx: Context }) {
  const { main, state, go } = ctx;
  const isOn = hasRange(state);
  const told = useMemo(
    () => isOn && [main.liveAt(state.from, "bytes").asOf, main.liveAt(Math.min(state.to, main.lastPoint), "bytes").asOf],
    [main, state.from, state.to],
  );
  const points = new Set(main.pointTime).size;
  // Here the metric is always the range; other views go on with theirs.
  const below: Context = { ...ctx, state: { ...state, metric: "range" } };
  const range = (from: number, to: number) =>
    to > from
      ? go({ from, to, metric: "range", zoom: "" })
      : go({ from: 0, to: 0, metric: state.metric === "range" ? "peak" : state.metric, zoom: "" });
  return (
    <section class="fill" data-view="timeline">
      <Chart ctx={ctx} height={isOn ? 170 : 360} onRange={range} />
      <div class="bar">
        <Seconds label="From" value={state.from} onChange={(from) => range(from, Math.max(from, state.to || main.durationUs))} />
        <Seconds label="to" value={state.to} onChange={(to) => range(Math.min(state.from, to), to)} />
        {isOn && (
          <>
            <button class="small" onClick={() => range(0, 0)}>
              Clear
            </button>
            <Choice
              label="Show"
              value={state.part}
              items={[
                ["table", "Table"],
                ["flame", "Flame graph"],
              ]}
              onChange={(part) => go({ part })}
            />
          </>
        )}
        <span class="dim">
          {told
            ? `Site by site, live memory is known at ${units.plural(points, "moment")}; these figures compare ${units.duration(told[0]! / 1e6)} with ${units.duration(told[1]! / 1e6)}.`
            : "Drag over the chart, or type times, to see what was born in between and still lived at the end."}
        </span>
      </div>
      {isOn && (state.part === "flame" ? <Flame ctx={below} metrics={false} /> : <Table ctx={below} metrics={false} />)}
    </section>
  );
}
