// Draws memory over time on a canvas: resident set, heap, pauses of garbage collection, marks, the peak.
import type { Series } from "../data/series";
import * as units from "./units";

const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 172800];
const PAUSE = 34; // px of the longest pause
const FONT = "11px system-ui, sans-serif";

export interface Plot {
  series: Series;
  pauses: { time: number[]; pause: number[]; longest: number }; // s
  marks: { time: number; name: string }[];
  peak: { time: number; bytes: number };
  end: number; // s
  most: number; // bytes
}

/** Where the plotted area lies in a canvas of this size, px. */
export function areaOf(width: number, height: number) {
  return { left: 62, top: 8, width: Math.max(10, width - 62 - 14), height: Math.max(10, height - 8 - 24) };
}

export function plotColors(dark: boolean) {
  return dark
    ? { ink: "#9aa4b0", grid: "#2a3037", rss: "#8b98a9", heap: "#4fb3a5", fill: "#4fb3a52e", gc: "#d9905a", mark: "#c9a0dc", peak: "#f0b35a" }
    : { ink: "#5b6570", grid: "#e9ebee", rss: "#7a8694", heap: "#0f766e", fill: "#0f766e1f", gc: "#c2622d", mark: "#7c4d99", peak: "#b45309" };
}

/** The smallest round step of which at most `most` fit. */
function stepOf(whole: number, most: number, isTime: boolean): number {
  if (!isTime) return 2 ** Math.max(0, Math.ceil(Math.log2(whole / most)));
  const least = whole / most;
  const decimal = 10 ** Math.floor(Math.log10(least));
  const small = [1, 2, 5, 10].map((n) => n * decimal).find((n) => n >= least * 0.999)!;
  return small <= 1 ? small : (SECONDS.find((n) => n >= least) ?? Math.ceil(least / 86400) * 86400);
}

function timeText(value: number, step: number): string {
  if (value === 0) return "0 s";
  if (value >= 60) return units.duration(value);
  if (step >= 1) return `${Math.round(value)} s`;
  if (step >= 0.1) return `${value.toFixed(1)} s`;
  return value < 1 ? `${Number((value * 1e3).toPrecision(4))} ms` : `${Number(value.toFixed(3))} s`;
}

export function draw(canvas: HTMLCanvasElement, width: number, height: number, plot: Plot, dark: boolean): void {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const c = canvas.getContext("2d")!;
  c.scale(ratio, ratio);
  c.font = FONT;
  const colors = plotColors(dark);
  const area = areaOf(width, height);
  const bottom = area.top + area.height;
  const right = area.left + area.width;
  const x = (time: number) => area.left + (time / plot.end) * area.width;
  const y = (bytes: number) => bottom - (bytes / plot.most) * area.height;
  const vertical = (at: number) => {
    c.beginPath();
    c.moveTo(at, area.top);
    c.lineTo(at, bottom);
    c.stroke();
  };

  // ---- axes ----
  c.strokeStyle = colors.grid;
  c.fillStyle = colors.ink;
  c.textBaseline = "middle";
  c.textAlign = "right";
  const rise = stepOf(plot.most, area.height / 34, false);
  for (let value = 0; value <= plot.most; value += rise) {
    const at = Math.round(y(value)) + 0.5;
    c.beginPath();
    c.moveTo(area.left, at);
    c.lineTo(right, at);
    c.stroke();
    c.fillText(units.bytes(value).replace(".0", ""), area.left - 8, at);
  }
  c.textBaseline = "top";
  const step = stepOf(plot.end, area.width / 80, true);
  for (let i = 0; i * step <= plot.end; i++) {
    const at = Math.round(x(i * step)) + 0.5;
    vertical(at);
    const text = timeText(i * step, step);
    const half = c.measureText(text).width / 2;
    c.textAlign = "center";
    c.fillText(text, Math.min(at, width - half - 1), bottom + 7);
  }

  // ---- series ----
  const { time, heap, rss } = plot.series;
  c.lineJoin = "round";
  const line = (values: Float64Array) => {
    c.beginPath();
    for (let i = 0; i < time.length; i++) c.lineTo(x(time[i]!), y(values[i]!));
  };
  if (time.length) {
    line(heap);
    c.lineTo(x(time[time.length - 1]!), bottom);
    c.lineTo(x(time[0]!), bottom);
    c.fillStyle = colors.fill;
    c.fill();
    c.lineWidth = 1.5;
    for (const [values, color] of [
      [rss, colors.rss],
      [heap, colors.heap],
    ] as const) {
      line(values);
      c.strokeStyle = c.fillStyle = color;
      c.stroke();
      if (time.length < 3) for (let i = 0; i < time.length; i++) c.fillRect(x(time[i]!) - 2, y(values[i]!) - 2, 4, 4);
    }
  }
  c.fillStyle = colors.gc;
  plot.pauses.time.forEach((at, i) => {
    // By the root, so that short pauses are seen beside long ones.
    const tall = Math.max(2, PAUSE * Math.sqrt(plot.pauses.pause[i]! / (plot.pauses.longest || 1)));
    c.fillRect(x(at) - 0.75, bottom - tall, 1.5, tall);
  });

  // ---- marks and the peak; a mark's name is left out where there is no room ----
  c.textAlign = "left";
  c.strokeStyle = c.fillStyle = colors.mark;
  c.lineWidth = 1;
  c.setLineDash([3, 3]);
  let free = area.left;
  for (const mark of plot.marks) {
    const at = x(mark.time);
    vertical(at);
    const wide = c.measureText(mark.name).width;
    if (at < free || at + wide + 6 > right) continue;
    c.fillText(mark.name, at + 4, area.top + 1);
    free = at + wide + 12;
  }
  if (!plot.peak.bytes) return;
  c.fillStyle = colors.peak;
  c.beginPath();
  c.arc(x(plot.peak.time), y(plot.peak.bytes), 4, 0, 7);
  c.fill();
  const text = `peak ${units.bytes(plot.peak.bytes)}`;
  const wide = c.measureText(text).width;
  const at = x(plot.peak.time);
  c.textBaseline = "middle";
  // On a patch of the ground, as lines may run there.
  const left = at + wide + 14 > right ? at - wide - 10 : at + 9;
  const middle = Math.min(y(plot.peak.bytes) + 12, bottom - 8);
  c.globalAlpha = 0.8;
  c.fillStyle = dark ? "#15181c" : "#fff";
  c.fillRect(left - 3, middle - 8, wide + 6, 16);
  c.globalAlpha = 1;
  c.fillStyle = colors.peak;
  c.fillText(text, left, middle);
}
