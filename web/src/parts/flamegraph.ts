// The flame graph itself: a canvas in a scrolling element.  Knows boxes, the window of values that is seen,
// the pointer and the keys; what the boxes mean is given by a Look.
import { layOut, newBoxes, startOf } from "../data/layout";
import type { Hierarchy } from "../data/tree";
import { isDark } from "./theme";

export const ROW = 20; // px
const FONT = "12px system-ui, sans-serif";
const GLIDE = 140; // ms that a zoom takes

export interface Look {
  color(node: number): string;
  isMatch?: ((node: number) => boolean) | undefined; // a search is on: others fade
  title(node: number): string;
  place(node: number): string;
}

export interface Zoom {
  start: number;
  end: number;
  focus: number; // the node that was zoomed to
}

export interface Events {
  onHover(of: Hierarchy, node: number, rest: number, x: number, y: number): void; // -1: none
  onSelect(of: Hierarchy, node: number): void;
  onZoom(of: Hierarchy, zoom: Zoom): void;
}

const widths = new Map<string, number>();

/** As much of a text as fits. */
function fit(context: CanvasRenderingContext2D, text: string, room: number): string {
  let used = 0;
  let at = 0;
  let cut = 0;
  const dots = 10;
  for (const letter of text) {
    let width = widths.get(letter);
    if (width === undefined) widths.set(letter, (width = context.measureText(letter).width));
    if (used + width > room) return cut ? `${text.slice(0, cut)}…` : "";
    used += width;
    at += letter.length;
    if (used + dots <= room) cut = at;
  }
  return text;
}

export class FlameGraph {
  selected = 0;
  private zoom: Zoom = { start: 0, end: 1, focus: 0 };
  private from: Zoom | undefined; // where a glide began
  private began = 0;
  private readonly boxes = newBoxes();
  private frame = 0;
  private isStale = true; // boxes are to be laid out anew
  private width = 0;
  private height = 0;
  private drag: { x: number; y: number; start: number; top: number; moved: boolean } | undefined;
  private hovered = -1;
  private readonly stop = new AbortController();
  lastFrame = 0; // ms that the last drawing took

  constructor(
    private readonly scroller: HTMLElement,
    private readonly spacer: HTMLElement,
    private readonly canvas: HTMLCanvasElement,
    private tree: Hierarchy,
    private look: Look,
    private readonly events: Events,
  ) {
    const signal = this.stop.signal;
    const on = <K extends keyof HTMLElementEventMap>(name: K, act: (event: HTMLElementEventMap[K]) => void) =>
      scroller.addEventListener(name, act, { signal, passive: false });
    on("scroll", () => this.draw());
    on("wheel", (event) => this.wheel(event));
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.release(event));
    on("pointerleave", () => this.hover(-1));
    on("keydown", (event) => this.key(event));
    on("focus", () => this.draw());
    on("blur", () => this.draw());
    const watch = new ResizeObserver(() => this.resize());
    watch.observe(scroller);
    signal.addEventListener("abort", () => watch.disconnect());
    this.zoom = this.whole();
  }

  close(): void {
    this.stop.abort();
    cancelAnimationFrame(this.frame);
  }

  /** Shows another tree, or the same in other colours. */
  show(tree: Hierarchy, look: Look): void {
    this.look = look;
    if (tree !== this.tree) {
      this.tree = tree;
      this.selected = 0;
      this.hovered = -1;
      this.zoom = this.whole();
      this.from = undefined;
    }
    this.relayout();
  }

  private whole(): Zoom {
    return { start: 0, end: this.tree.total[0] || 1, focus: 0 };
  }

  /** Restores what describe() told. */
  restore(text: string): void {
    const [start, end, depth, row] = text.split(",").map(Number) as [number, number, number, number];
    if (!(end > start)) return this.go(this.whole(), false);
    const middle = (start + end) / 2;
    let node = 0;
    let at = 0;
    for (let level = 0; level < depth; level++) {
      const children = this.tree.children(node);
      const inside = children.find((child) => {
        if (at + this.tree.total[child]! > middle) return true;
        at += this.tree.total[child]!;
        return false;
      });
      if (inside === undefined) break;
      node = inside;
    }
    this.selected = node;
    this.go({ start, end, focus: node }, false);
    this.measure();
    this.scroller.scrollTop = (row || 0) * ROW;
  }

  describe(): string {
    const { start, end, focus } = this.zoom;
    if (start <= 0 && end >= this.tree.total[0]!) return "";
    const round = (value: number) => Number(value.toPrecision(12));
    return [round(start), round(end), this.depthOf(focus), Math.round(this.scroller.scrollTop / ROW)].join(",");
  }

  depthOf(node: number): number {
    let depth = 0;
    for (; node; node = this.tree.parent[node]!) depth++;
    return depth;
  }

  zoomTo(node: number): void {
    const start = startOf(this.tree, node);
    this.selected = node;
    this.go({ start, end: start + this.tree.total[node]!, focus: node });
    this.reveal(this.depthOf(node));
  }

  /** Selects, and brings into view. */
  select(node: number): void {
    this.selected = node;
    const start = startOf(this.tree, node);
    const end = start + this.tree.total[node]!;
    const { zoom } = this;
    if (end <= zoom.start || start >= zoom.end) this.go({ ...this.whole(), focus: 0 });
    this.reveal(this.depthOf(node));
    this.events.onSelect(this.tree, node);
    this.draw();
  }

  private reveal(depth: number): void {
    const { scroller } = this;
    this.measure();
    const top = depth * ROW;
    if (top < scroller.scrollTop) scroller.scrollTop = Math.max(0, top - 2 * ROW);
    else if (top + 2 * ROW > scroller.scrollTop + this.height) scroller.scrollTop = top - this.height / 3;
  }

  private go(zoom: Zoom, isSmooth = true): void {
    const still = !isSmooth || matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.from = still ? undefined : this.seen();
    this.began = performance.now();
    this.zoom = zoom;
    this.events.onZoom(this.tree, zoom);
    this.relayout();
  }

  /** The window of values at this moment of a glide. */
  private seen(): Zoom {
    const { from, zoom } = this;
    const part = from ? Math.min(1, (performance.now() - this.began) / GLIDE) : 1;
    if (!from || part >= 1) return zoom;
    const ease = part * (2 - part);
    return {
      start: from.start + (zoom.start - from.start) * ease,
      end: from.end + (zoom.end - from.end) * ease,
      focus: zoom.focus,
    };
  }

  relayout(): void {
    this.isStale = true;
    this.draw();
  }

  draw(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.paint());
  }

  private resize(): void {
    const { scroller, canvas } = this;
    const ratio = devicePixelRatio || 1;
    this.width = scroller.clientWidth;
    this.height = scroller.clientHeight;
    canvas.width = Math.round(this.width * ratio);
    canvas.height = Math.round(this.height * ratio);
    canvas.style.width = `${this.width}px`;
    canvas.style.height = `${this.height}px`;
    this.isStale = true;
    cancelAnimationFrame(this.frame);
    this.paint(); // at once: a canvas is blank after a change of its size
  }

  private measure(): void {
    if (!this.isStale || !this.width) return;
    const { start, end } = this.seen();
    layOut(this.tree, start, end, this.width, performance.now() + 10, this.boxes);
    this.isStale = !this.boxes.isWhole;
    const height = `${(this.boxes.deepest + 1) * ROW + 4}px`;
    // The canvas sticks to the top of the spacer, so the spacer holds at least it.
    if (this.spacer.style.height !== height) this.spacer.style.height = height;
  }

  private paint(): void {
    this.frame = 0;
    if (!this.width) return;
    const before = performance.now();
    if (this.from && before - this.began >= GLIDE) {
      this.from = undefined;
      this.isStale = true;
    }
    if (this.from) this.isStale = true;
    this.measure();
    this.paintBoxes();
    this.lastFrame = performance.now() - before;
    if (this.from || this.isStale) this.draw();
  }

  private paintBoxes(): void {
    const { boxes, look } = this;
    const context = this.canvas.getContext("2d")!;
    const ratio = devicePixelRatio || 1;
    const top = this.scroller.scrollTop;
    const firstRow = Math.floor(top / ROW);
    const lastRow = Math.ceil((top + this.height) / ROW);
    const dark = isDark();
    const hasFocus = document.activeElement === this.scroller;
    const ink = dark ? "#e8eaed" : "#1c2127";
    const faint = dark ? "rgba(232,234,237,.62)" : "rgba(28,33,39,.6)";
    const accent = dark ? "#f0b35a" : "#b45309";
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.font = FONT;
    context.textBaseline = "middle";
    const rest = dark ? "#3a4048" : "#d9dce0";
    const match = dark ? "#b7791f" : "#fbbf4d";
    let fill = "";
    for (let i = 0; i < boxes.count; i++) {
      const depth = boxes.depth[i]!;
      if (depth < firstRow || depth > lastRow) continue;
      const left = boxes.left[i]!;
      const room = boxes.right[i]! - left;
      const width = Math.max(room - (room > 3 ? 1 : 0.2), 0.5);
      const y = depth * ROW - top;
      const node = boxes.node[i]!;
      const isRest = boxes.rest[i]! > 0;
      const isFaded = !isRest && look.isMatch !== undefined && !look.isMatch(node);
      const color = isRest ? rest : look.isMatch && !isFaded ? match : look.color(node);
      // A colour that is set is parsed, although it is the same as before.
      if (color !== fill) context.fillStyle = fill = color;
      if (isFaded) context.globalAlpha = 0.35;
      context.fillRect(left, y, width, ROW - 1);
      if (isFaded) context.globalAlpha = 1;
      if (isRest) continue;
      if (node === this.hovered || (node === this.selected && (hasFocus || node))) {
        context.strokeStyle = node === this.selected ? accent : ink;
        context.lineWidth = node === this.selected ? 2 : 1;
        context.strokeRect(left + 1, y + 1, Math.max(width - 2, 1), ROW - 3);
      }
      if (room < 26) continue;
      const title = fit(context, look.title(node), room - 8);
      context.fillStyle = fill = isFaded ? faint : ink;
      const middle = y + ROW / 2;
      context.fillText(title, left + 4, middle);
      if (room < 90 || title.endsWith("…")) continue;
      const used = context.measureText(title).width + 12;
      const place = room - used > 40 ? fit(context, look.place(node), room - used - 6) : "";
      if (place) {
        context.fillStyle = fill = faint;
        context.fillText(place, left + used, middle);
      }
    }
  }

  // ---- pointer ----

  private at(event: PointerEvent | WheelEvent): { x: number; box: number } {
    const area = this.scroller.getBoundingClientRect();
    const x = event.clientX - area.left;
    const depth = Math.floor((event.clientY - area.top + this.scroller.scrollTop) / ROW);
    const { boxes } = this;
    let box = -1;
    for (let i = 0; i < boxes.count; i++)
      if (boxes.depth[i] === depth && boxes.left[i]! <= x && x < Math.max(boxes.right[i]!, boxes.left[i]! + 1)) box = i;
    return { x, box };
  }

  private hover(box: number, x = 0, y = 0): void {
    const isRest = box >= 0 && this.boxes.rest[box]! > 0;
    const node = box < 0 || isRest ? -1 : this.boxes.node[box]!;
    if (node !== this.hovered) this.draw();
    this.hovered = node;
    this.events.onHover(this.tree, box < 0 ? -1 : this.boxes.node[box]!, isRest ? this.boxes.rest[box]! : 0, x, y);
  }

  private wheel(event: WheelEvent): void {
    const { scroller } = this;
    const canScroll = scroller.scrollHeight > scroller.clientHeight + 1;
    const step = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || (event.shiftKey && !event.ctrlKey)) {
      event.preventDefault();
      const { start, end, focus } = this.zoom;
      return this.pan(start + ((event.deltaX || step) / this.width) * (end - start), focus);
    }
    if (canScroll && !event.ctrlKey && !event.metaKey) return; // the element scrolls by itself
    event.preventDefault();
    this.zoomBy(Math.exp(step * 0.002), this.at(event).x / this.width);
  }

  /** Makes the window so many times as wide, around a point between 0 (left) and 1. */
  zoomBy(factor: number, around = 0.5): void {
    const all = this.tree.total[0] || 1;
    const { start, end } = this.zoom;
    const width = Math.min(all, Math.max((end - start) * factor, Math.min(all, 1e-6 * all, 16)));
    const from = Math.min(Math.max(0, start + (end - start - width) * around), all - width);
    this.from = undefined;
    this.zoom = { start: from, end: from + width, focus: this.around(from, from + width) };
    this.events.onZoom(this.tree, this.zoom);
    this.relayout();
  }

  private pan(from: number, focus: number): void {
    const width = this.zoom.end - this.zoom.start;
    const start = Math.min(Math.max(0, from), Math.max(0, (this.tree.total[0] || 1) - width));
    this.from = undefined;
    this.zoom = { start, end: start + width, focus };
    this.zoom.focus = this.around(start, start + width);
    this.events.onZoom(this.tree, this.zoom);
    this.relayout();
  }

  /** The focus, or the nearest above it that the window lies in. */
  private around(start: number, end: number): number {
    let node = this.zoom.focus;
    const slack = (end - start) * 1e-6;
    while (node) {
      const at = startOf(this.tree, node);
      if (at <= start + slack && at + this.tree.total[node]! >= end - slack) break;
      node = this.tree.parent[node]!;
    }
    return node;
  }

  private press(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.drag = {
      x: event.clientX,
      y: event.clientY,
      start: this.zoom.start,
      top: this.scroller.scrollTop,
      moved: false,
    };
  }

  private move(event: PointerEvent): void {
    const { drag } = this;
    if (!drag || !(event.buttons & 1)) {
      this.drag = undefined;
      const { box } = this.at(event);
      return this.hover(box, event.clientX, event.clientY);
    }
    const x = event.clientX - drag.x;
    const y = event.clientY - drag.y;
    if (!drag.moved && Math.abs(x) + Math.abs(y) < 5) return;
    if (!drag.moved) this.scroller.setPointerCapture(event.pointerId);
    drag.moved = true;
    this.hover(-1);
    this.scroller.scrollTop = drag.top - y;
    this.pan(drag.start - (x / this.width) * (this.zoom.end - this.zoom.start), this.zoom.focus);
  }

  private release(event: PointerEvent): void {
    const wasClick = this.drag && !this.drag.moved;
    this.drag = undefined;
    if (!wasClick) return;
    const { box } = this.at(event);
    if (box < 0) return;
    // What is put together opens when its parent is zoomed to, then further into it.
    if (this.boxes.rest[box]) {
      const { start, end } = this.zoom;
      const scale = (end - start) / this.width;
      const begin = start + this.boxes.left[box]! * scale;
      const after = start + this.boxes.right[box]! * scale;
      return this.go({ start: begin, end: after, focus: this.boxes.node[box]! });
    }
    const node = this.boxes.node[box]!;
    this.events.onSelect(this.tree, node);
    this.zoomTo(node);
  }

  // ---- keys ----

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { tree, selected } = this;
    const parent = tree.parent[selected]!;
    const sibling = (step: number) => {
      if (!selected) return undefined;
      const row = tree.children(parent);
      const next = row[row.indexOf(selected) + step];
      return next !== undefined && tree.total[next]! > 0 ? next : undefined;
    };
    const moves: Record<string, () => number | undefined> = {
      ArrowDown: () => [...tree.children(selected).subarray(0, 1)].find((child) => tree.total[child]! > 0),
      ArrowUp: () => parent,
      ArrowLeft: () => sibling(-1),
      ArrowRight: () => sibling(1),
      Home: () => 0,
    };
    const acts: Record<string, () => void> = {
      Enter: () => this.zoomTo(selected),
      " ": () => this.zoomTo(selected),
      Escape: () => this.zoomTo(0),
      Backspace: () => this.zoomTo(tree.parent[this.zoom.focus]!),
      "+": () => this.zoomBy(0.7),
      "=": () => this.zoomBy(0.7),
      "-": () => this.zoomBy(1 / 0.7),
    };
    const move = moves[event.key];
    const act = acts[event.key];
    if (!move && !act) return;
    event.preventDefault();
    if (act) return act();
    const next = move!();
    if (next !== undefined) this.select(next);
  }
}
