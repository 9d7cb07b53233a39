// Memory over time.  Dragging, or Shift and the arrow keys, selects a range.
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { indexOfHighest, seriesOf } from "../data/series";
import { hasRange, Swatch, type Context } from "./controls";
import { areaOf, draw, plotColors, type Plot } from "./plot";
import { useDark } from "./theme";
import * as units from "./units";

function plotOf(ctx: Context): Plot {
  const { main, state } = ctx;
  const isShown = (process: number) => state.process < 0 || process === state.process;
  const series = seriesOf(main, state.process);
  const gcTime = main.large("gc_events.time_us");
  const gcPause = main.large("gc_events.pause_us");
  const gcOf = main.small("gc_events.process");
  const pauses = { time: [] as number[], pause: [] as number[], longest: 0 };
  for (let i = 0; i < gcTime.length; i++) {
    if (!isShown(gcOf[i]!)) continue;
    pauses.time.push(gcTime[i]! / 1e6);
    pauses.pause.push(gcPause[i]! / 1e6);
    pauses.longest = Math.max(pauses.longest, gcPause[i]! / 1e6);
  }
  const markOf = main.small("marks.process");
  const markName = main.small("marks.name");
  const marks = [...main.large("marks.time_us")]
    .map((time, i) => ({ time: time / 1e6, name: main.name(markName[i]!), process: markOf[i]! }))
    .filter((mark) => isShown(mark.process));
  const process = main.summary.processes[state.process];
  const { peak_bytes, peak_time_s } = process ?? main.summary;
  // A process counts from its own start, the chart from that of the run.
  const peak = { time: (process?.start_s ?? 0) + peak_time_s, bytes: peak_bytes };
  const most = Math.max(peak_bytes, series.rss[indexOfHighest(series.rss)] ?? 0, 1024) * 1.06;
  const end = Math.max(main.summary.duration_s, series.time[series.time.length - 1] ?? 0, 1e-6);
  return { series, pauses, marks, peak, end, most };
}

export function Chart({ ctx, height, onRange }: { ctx: Context; height: number; onRange: (from: number, to: number) => void }) {
  const { main, state } = ctx;
  const { dark, printing } = useDark();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [at, setAt] = useState(-1); // s: where the cursor is
  const [drag, setDrag] = useState(-1); // s: where a drag began
  const plot = useMemo(() => plotOf(ctx), [main, state.process]);
  const colors = plotColors(dark);
  const { series, end } = plot;
  const area = areaOf(width, height);

  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => setWidth(box.current!.clientWidth));
    watch.observe(box.current!);
    setWidth(box.current!.clientWidth);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (width) draw(canvas.current!, width, height, plot, dark);
  }, [plot, width, height, dark, printing]);

  const timeOf = (event: PointerEvent) => {
    const x = event.clientX - box.current!.getBoundingClientRect().left - area.left;
    return Math.min(end, Math.max(0, (x / area.width) * end));
  };
  const tell = (a: number, b: number) => onRange(Math.round(Math.min(a, b) * 1e6), Math.round(Math.max(a, b) * 1e6));
  const release = (event: PointerEvent) => {
    if (drag < 0) return;
    const time = timeOf(event);
    setDrag(-1);
    // A click drops the selection.
    if ((Math.abs(time - drag) / end) * area.width >= 3) tell(drag, time);
    else if (hasRange(state)) onRange(0, 0);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Escape") return onRange(0, 0);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const now = Math.max(0, at);
    const next = Math.min(end, Math.max(0, now + (step * end) / 50));
    setAt(next);
    if (!event.shiftKey) return;
    // The end of the selection that the cursor isn't at stays.
    const isAtEnd = Math.abs(state.to / 1e6 - now) < Math.abs(state.from / 1e6 - now);
    tell(hasRange(state) ? (isAtEnd ? state.from : state.to) / 1e6 : now, next);
  };

  // The last sample at or before the cursor.
  let sample = -1;
  if (at >= 0) for (let low = 0, high = series.time.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (series.time[middle]! <= at) {
      sample = middle;
      low = middle + 1;
    } else high = middle;
  }
  const [from, to] = drag >= 0 ? [Math.min(drag, at), Math.max(drag, at)] : [state.from / 1e6, state.to / 1e6];
  const place = (time: number) => area.left + (time / end) * area.width;
  const many = main.summary.processes.length > 1 && state.process < 0;
  return (
    <figure class="chart">
      <figcaption>
        <Swatch color={colors.rss}>
          resident set: RAM in use{many && ", summed over processes"}
          {sample >= 0 && <b> {units.bytes(series.rss[sample]!)}</b>}
        </Swatch>
        <Swatch color={colors.heap}>
          heap: what the program asked for{sample >= 0 && <b> {units.bytes(series.heap[sample]!)}</b>}
        </Swatch>
        {plot.pauses.time.length > 0 && (
          <Swatch color={colors.gc}>garbage collections, the longest {units.duration(plot.pauses.longest)}</Swatch>
        )}
        {plot.marks.length > 0 && <Swatch color={colors.mark}>marks</Swatch>}
        <span class="dim">{at >= 0 ? `at ${units.duration(at)}` : "drag to select a time"}</span>
      </figcaption>
      <div
        ref={box}
        class="plot"
        tabIndex={0}
        role="application"
        aria-label="Memory over time. Arrow keys move, with Shift they select a time, Escape drops it."
        style={{ height: `${height}px` }}
        onKeyDown={key}
        onPointerDown={(event) => {
          if (event.button) return;
          setDrag(timeOf(event));
          setAt(timeOf(event));
          box.current!.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => setAt(timeOf(event))}
        onPointerUp={release}
        onPointerLeave={() => drag < 0 && setAt(-1)}
      >
        <canvas ref={canvas} />
        {to > from && <i class="range" style={{ left: `${place(from)}px`, width: `${place(to) - place(from)}px`, height: `${area.height}px` }} />}
        {at >= 0 && <i class="cursor" style={{ left: `${place(at)}px`, height: `${area.height}px` }} />}
      </div>
      {series.time.length === 0 && <p class="empty">No samples were taken: the run was too short.</p>}
    </figure>
  );
}
