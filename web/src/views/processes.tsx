// The processes of a run side by side.
import { seriesOf } from "../data/series";
import type { Context } from "../parts/controls";
import { Link } from "../parts/link";
import * as units from "../parts/units";

/** The resident set over the time of the whole run, on one scale for all processes. */
function Sparkline({ ctx, process, most }: { ctx: Context; process: number; most: number }) {
  const { main } = ctx;
  const { time, rss, heap } = seriesOf(main, process);
  const width = 220;
  const height = 26;
  const x = (t: number) => ((t / (main.summary.duration_s || 1)) * width).toFixed(1);
  const y = (value: number) => (height - (value / most) * height).toFixed(1);
  const every = Math.max(1, Math.floor(time.length / width));
  const line = (values: Float64Array) => {
    const points: string[] = [];
    for (let i = 0; i < time.length; i += every) points.push(`${x(time[i]!)},${y(values[i]!)}`);
    return points;
  };
  const heaps = line(heap);
  const area = heaps.length ? `${x(time[0]!)},${height} ${heaps.join(" ")} ${x(time[(heaps.length - 1) * every]!)},${height}` : "";
  return (
    <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label="resident set and heap over time">
      <polygon points={area} />
      <polyline points={line(rss).join(" ")} />
    </svg>
  );
}

export function ProcessTable({ ctx }: { ctx: Context }) {
  const { main, state, go } = ctx;
  const { processes } = main.summary;
  const most = main.large("samples.rss").reduce((most, rss) => Math.max(most, rss), 1);
  const inherited = processes.some((p) => p.inherited_bytes);
  return (
    <div class="wide">
      <table class="processes">
        <thead>
          <tr>
            <th class="num">Process</th>
            <th class="num">Peak</th>
            <th class="num">Live at end</th>
            <th class="num">Most RAM</th>
            {inherited && (
              <th class="num" title="what it shared with its parent when it was forked; left out of all else">
                Inherited
              </th>
            )}
            <th class="num">Started</th>
            <th class="num">Ran</th>
            <th>Heap and RAM over time</th>
            <th>Command</th>
            <th>End</th>
          </tr>
        </thead>
        <tbody>
          {processes.map((p, i) => (
            <tr key={i} class={i === state.process ? "current" : ""}>
              <td class="num">
                <Link ctx={ctx} to={{ process: i === state.process ? -1 : i }}>
                  {p.pid}
                </Link>
              </td>
              <td class="num" title={`${units.count(p.peak_bytes)} bytes`}>{units.bytes(p.peak_bytes)}</td>
              <td class="num" title={`${units.count(p.live_bytes)} bytes`}>{units.bytes(p.live_bytes)}</td>
              <td class="num">{p.max_rss_bytes ? units.bytes(p.max_rss_bytes) : "–"}</td>
              {inherited && <td class="num">{p.inherited_bytes ? units.bytes(p.inherited_bytes) : "–"}</td>}
              <td class="num">{units.duration(p.start_s)}</td>
              <td class="num">{units.duration(p.duration_s)}</td>
              <td>
                <Sparkline ctx={ctx} process={i} most={most} />
              </td>
              <td class="command" title={p.command}>
                {p.root && <b>root </b>}
                {p.command}
              </td>
              <td class={p.complete ? "dim" : "bad"}>{p.ended}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {state.process >= 0 && (
        <p class="note">
          All views show process {processes[state.process]?.pid} alone. <button onClick={() => go({ process: -1 })}>Show all processes</button>
        </p>
      )}
    </div>
  );
}

export function Processes({ ctx }: { ctx: Context }) {
  const { processes, peak_bytes, peak_time_s } = ctx.main.summary;
  return (
    <section class="page" data-view="processes">
      <p class="note">
        <b>{units.plural(processes.length, "process").replace(/processs$/, "processes")}</b>: together they held at most {units.bytes(peak_bytes)},{" "}
        {units.duration(peak_time_s)} after the start. Their own peaks lie at different times and don't add up to it. A process' number shows
        it alone in all views.
      </p>
      <ProcessTable ctx={ctx} />
    </section>
  );
}
