// The flame graph with its options, search, trail and the words on the box under the pointer.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Profile } from "../data/profile";
import { FIRST_KEY } from "../data/keys";
import { Icicle, Inverted, Tree, type Hierarchy } from "../data/tree";
import { byChange, byDomain, byModule, type Coloring } from "../parts/colors";
import {
  amount,
  Check,
  Choice,
  CopyButton,
  exact,
  hasRange,
  Measure,
  MetricNote,
  metricOf,
  Search,
  Swatch,
  valuesOf,
  type Context,
} from "../parts/controls";
import { FlameGraph, type Look } from "../parts/flamegraph";
import { useDark } from "../parts/theme";
import * as units from "../parts/units";
import type { State } from "../state";

interface Model {
  tree: Tree;
  self: Float64Array;
  hierarchy: Hierarchy;
}

function treeOf(main: Profile, profiles: Profile[], state: State): Tree {
  const { lines, collapse, imports, threads } = state;
  const options = { byFunction: !lines, collapse, imports, threads };
  return main.keepLast(`tree ${profiles.length}`, JSON.stringify(options), () => new Tree(profiles, options));
}

/** What memory of each site grew by, from the middle of the run (or the start of the range) to the end. */
export function growth(main: Profile, state: State): Float64Array {
  const [from, to] = hasRange(state) ? [state.from, state.to] : [main.lastPoint / 2, main.lastPoint];
  return main.keepLast("growth", `${from} ${to} ${state.unit}`, () => {
    const { values } = main.liveAt(to, state.unit);
    const before = main.liveAt(from, state.unit).values;
    return values.map((value, i) => value - before[i]!);
  });
}

function masked(values: Float64Array, seen: Float64Array): Float64Array {
  return values.map((value, i) => (seen[i] ? value : 0));
}

function auxOf(main: Profile, state: State, values: Float64Array): Float64Array | undefined {
  if (state.color === "domain") return values.map((value, i) => (main.siteDomain[i]! >= 2 ? value : 0));
  if (state.color === "growth") {
    const grown = growth(main, state);
    return state.process < 0 && state.domain < 0 ? grown : masked(grown, values);
  }
  return undefined;
}

function makeModel(main: Profile, base: Profile | undefined, state: State): Model {
  const tree = treeOf(main, base ? [main, base] : [main], state);
  const values = valuesOf(main, state);
  const self = tree.selfOf(0, values);
  let aux: Float64Array | undefined;
  if (base) {
    const before = tree.selfOf(1, valuesOf(base, state));
    aux = self.map((value, i) => value - before[i]!);
  } else {
    const bySite = auxOf(main, state, values);
    aux = bySite && tree.selfOf(0, bySite);
  }
  const hierarchy = state.inverted ? new Inverted(tree, self, aux) : new Icicle(tree, self, aux);
  return { tree, self, hierarchy };
}

function coloring(model: Model, base: Profile | undefined, state: State): Coloring {
  if (base) return byChange(model.hierarchy, ["shrank", "as before", "grew"]);
  if (state.color === "domain") return byDomain(model.hierarchy);
  if (state.color === "growth") return byChange(model.hierarchy, ["shrank", "unchanged", "grew"]);
  return byModule(model.tree, model.self, model.hierarchy);
}

interface Spot {
  of?: Hierarchy;
  node: number; // -1: none
}
interface Hover extends Spot {
  rest: number;
  x: number;
  y: number;
}
const NOWHERE: Hover = { node: -1, rest: 0, x: 0, y: 0 };

/** What a search finds: by key, and the sum of stacks that hold a match. */
interface Found {
  keys: Uint8Array;
  sum: number;
  places: number;
}

export function matcher(query: string): (text: string) => boolean {
  const pattern = /^\/(.+)\/$/.exec(query);
  if (pattern) {
    try {
      const expression = new RegExp(pattern[1]!, "iu");
      return (text) => expression.test(text);
    } catch {
      // Not an expression yet: taken as it stands.
    }
  }
  const words = query.toLowerCase();
  return (text) => text.toLowerCase().includes(words);
}

function find(model: Model, query: string): Found | undefined {
  if (!query) return undefined;
  const { tree } = model;
  const matches = matcher(query);
  const keys = new Uint8Array(tree.keys.count);
  const isWhole = /:\d+$/.test(query);
  for (let key = 0; key < keys.length; key++) {
    const place = tree.keys.place(key, true);
    const isHit = isWhole ? place.endsWith(query) : matches(tree.keys.title(key)) || matches(place);
    if (isHit) keys[key] = 1;
  }
  const inside = new Uint8Array(tree.count);
  const seen = new Uint8Array(tree.keys.count);
  let sum = 0;
  for (let i = 1; i < tree.count; i++) {
    const isHit = keys[tree.key[i]!]!;
    inside[i] = inside[tree.parent[i]!]! | isHit;
    if (inside[i]) sum += model.self[i]!;
    if (isHit) seen[tree.key[i]!] = 1;
  }
  return { keys, sum, places: seen.reduce((n, hit) => n + hit, 0) };
}

function pathOf(hierarchy: Hierarchy, node: number): number[] {
  const path: number[] = [];
  for (; node; node = hierarchy.parent[node]!) path.push(node);
  return path.reverse();
}

/** A stack as text, the innermost call first. */
function stackText(model: Model, node: number, state: State): string {
  const { keys } = model.tree;
  const path = pathOf(model.hierarchy, node);
  if (!state.inverted) path.reverse();
  const value = amount(model.hierarchy.total[node]!, state.unit);
  const lines = path.map((n) => {
    const key = model.hierarchy.key[n]!;
    const place = keys.place(key, true);
    return `  ${keys.title(key)}${place ? ` (${place})` : ""}`;
  });
  return [value, ...lines].join("\n");
}

export function Flame({ ctx, base, metrics = true }: { ctx: Context; base?: Profile | undefined; metrics?: boolean }) {
  const { main, state, go } = ctx;
  const theme = useDark();
  const { unit, process, domain, from, to, lines, collapse, imports, threads, inverted, color, query } = state;
  const model = useMemo(
    () => makeModel(main, base, state),
    [main, base, metricOf(state), unit, process, domain, from, to, lines, collapse, imports, threads, inverted, color],
  );
  const colors = useMemo(() => coloring(model, base, state), [model, theme.dark]);
  const found = useMemo(() => find(model, query), [model, query]);
  const { hierarchy, tree } = model;
  const all = hierarchy.total[0]!;

  const scroller = useRef<HTMLDivElement>(null);
  const spacer = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const graph = useRef<FlameGraph | undefined>(undefined);
  // Nodes of one hierarchy mean nothing in the next, so each is kept with its own.
  const [pointed, setHover] = useState<Hover>(NOWHERE);
  const [chosen, setSelected] = useState<Spot>(NOWHERE);
  const [zoomed, setFocus] = useState<Spot>(NOWHERE);
  const hover = pointed.of === hierarchy ? pointed : NOWHERE;
  const selected = chosen.of === hierarchy ? chosen.node : 0;
  const focus = zoomed.of === hierarchy ? zoomed.node : 0;
  const told = useRef(state.zoom);
  const timer = useRef(0);
  const nextMatch = useRef(0);

  const look: Look = {
    color: (node) => (node ? colors.color(node) : theme.dark ? "#2b3138" : "#e6e8eb"),
    isMatch: found && ((node) => found.keys[hierarchy.key[node]!] === 1),
    title: (node) =>
      node ? tree.keys.title(hierarchy.key[node]!) : `all: ${amount(all, unit)}${unit === "blocks" ? " blocks" : ""}`,
    place: (node) => (node ? tree.keys.place(hierarchy.key[node]!).replace(/^.*\//, "") : ""),
  };

  useEffect(() => {
    const made = new FlameGraph(scroller.current!, spacer.current!, canvas.current!, hierarchy, look, {
      onHover: (of, node, rest, x, y) => setHover(node < 0 ? NOWHERE : { of, node, rest, x, y }),
      onSelect: (of, node) => setSelected({ of, node }),
      onZoom: (of, zoom) => {
        // Most zooming keeps the focus: then this view, which is more than the graph, stays as it is.
        setFocus((before) => (before.of === of && before.node === zoom.focus ? before : { of, node: zoom.focus }));
        clearTimeout(timer.current);
        timer.current = window.setTimeout(() => {
          told.current = made.describe();
          go({ zoom: told.current });
        }, 250);
      },
    });
    graph.current = made;
    (globalThis as { barrowFlame?: FlameGraph }).barrowFlame = made;
    if (state.zoom) made.restore(state.zoom);
    return () => {
      clearTimeout(timer.current);
      made.close();
    };
  }, []);

  const drawn = useRef(hierarchy);
  useEffect(() => {
    graph.current!.show(hierarchy, look);
    if (state.zoom === told.current && hierarchy === drawn.current) return;
    if (state.zoom || state.zoom !== told.current) graph.current!.restore(state.zoom);
    told.current = state.zoom;
    drawn.current = hierarchy;
  }, [hierarchy, colors, found, theme.printing, state.zoom]);

  const goToMatch = () => {
    if (!found) return;
    // The widest boxes first.
    const hits: number[] = [];
    const count = hierarchy.key.length;
    for (let i = 1; i < count && hits.length < 5000; i++)
      if (found.keys[hierarchy.key[i]!] && hierarchy.total[i]! > 0) hits.push(i);
    if (!hits.length) return;
    hits.sort((a, b) => hierarchy.total[b]! - hierarchy.total[a]! || a - b);
    graph.current!.select(hits[nextMatch.current++ % hits.length]!);
  };
  useEffect(() => void (nextMatch.current = 0), [found]);

  const shown = hover.node >= 0 ? hover.node : selected;
  const search = <Search label="Search functions and files  ( / )" value={query} onChange={(query) => go({ query })} onEnter={goToMatch} />;
  return (
    <section class="fill" data-view="flame">
      {!base && (
        <div class="bar">
          <Measure ctx={ctx} metrics={metrics} />
          {search}
        </div>
      )}
      <div class="bar">
        <Choice
          label="Direction"
          value={inverted ? "inverted" : "icicle"}
          items={[
            ["icicle", "Callers on top", "from the program's start down to what allocated"],
            ["inverted", "Allocators on top", "from the lines that allocated down to who called them"],
          ]}
          onChange={(value) => go({ inverted: value === "inverted", zoom: "" })}
        />
        {!base && (
          <Choice
            label="Colour"
            value={color}
            items={[
              ["module", "Packages", "a colour for each package that owns much"],
              ["domain", "Python / native", "who manages the memory: Python, or C code"],
              [
                "growth",
                "Growth",
                hasRange(state) ? "change over the selected time" : "change from the middle of the run to its end",
              ],
            ]}
            onChange={(color) => go({ color })}
          />
        )}
        <Check text="by line" title="A box for each line of a function, not one for the function" on={lines} onChange={(lines) => go({ lines, zoom: "" })} />
        <Check text="collapse recursion" title="Calls of a function within itself become one box" on={collapse} onChange={(collapse) => go({ collapse, zoom: "" })} />
        <Check text="show import machinery" title="Show the frames by which Python imports modules" on={imports} onChange={(imports) => go({ imports, zoom: "" })} />
        <Check text="show threads" title="Show a root for each group of threads" on={threads} onChange={(threads) => go({ threads, zoom: "" })} />
      </div>
      <div class="bar">
        {base ? search : <MetricNote ctx={ctx} total={all} />}
        {found && (
          <span class="found" role="status">
            {found.places ? `${found.places === 1 ? "1 match" : `${units.count(found.places)} matches`}: ${amount(found.sum, unit)}, ${units.share(found.sum, all)}` : "no match"}
          </span>
        )}
        <span class="legend">
          {colors.legend.map((item) => (
            <Swatch key={item.text} color={item.color}>
              {item.text}
            </Swatch>
          ))}
        </span>
      </div>
      <Trail model={model} focus={focus} onGo={(node) => graph.current!.zoomTo(node)} />
      <div
        ref={scroller}
        class="flame"
        tabIndex={0}
        role="application"
        aria-label="Flame graph. Arrow keys move, Enter zooms, Escape shows all."
        onMouseLeave={() => setHover(NOWHERE)}
        onKeyDown={(event) => {
          if (event.key === "n") goToMatch();
        }}
      >
        <div ref={spacer}>
          <canvas ref={canvas} />
        </div>
        {all === 0 && <p class="empty">Nothing to show: {metricOf(state) === "leaked" ? "everything was freed" : "no memory was recorded here"}.</p>}
      </div>
      <Details ctx={ctx} model={model} node={shown} />
      {hover.node >= 0 && <Tip ctx={ctx} model={model} hover={hover} />}
    </section>
  );
}

function Trail({ model, focus, onGo }: { model: Model; focus: number; onGo: (node: number) => void }) {
  const { hierarchy, tree } = model;
  if (!focus) return null;
  const path = pathOf(hierarchy, focus);
  const cut = Math.max(0, path.length - 7);
  return (
    <nav class="trail" aria-label="Zoomed to">
      <button onClick={() => onGo(0)}>all</button>
      {cut > 0 && <span>› {units.count(cut)} calls ›</span>}
      {path.slice(cut).map((node) => (
        <>
          {(cut === 0 || node !== path[cut]) && <span aria-hidden="true">›</span>}
          <button onClick={() => onGo(node)} aria-current={node === focus ? "location" : undefined}>
            {tree.keys.title(hierarchy.key[node]!)}
          </button>
        </>
      ))}
    </nav>
  );
}

function Details({ ctx, model, node }: { ctx: Context; model: Model; node: number }) {
  const { main, state, go } = ctx;
  const { hierarchy, tree } = model;
  if (!node)
    return <div class="details dim">Click zooms, Escape shows all · wheel or + − zooms (Ctrl + wheel where there is more below) · drag moves · arrow keys walk</div>;
  const key = hierarchy.key[node]!;
  const owner = tree.keys.profile(key);
  const frame = tree.keys.frame(key);
  const all = hierarchy.total[0]!;
  const file = tree.keys.file(key);
  const hasSource = owner === main && main.sources.has(main.frames.file[frame]!);
  return (
    <div class="details" role="status">
      <b>{tree.keys.title(key)}</b> <span class="path">{tree.keys.place(key, true)}</span>
      <span class="figure" title={exact(hierarchy.total[node]!, state.unit)}>
        {amount(hierarchy.total[node]!, state.unit)} ({units.share(hierarchy.total[node]!, all)})
        {!state.inverted && `, own ${amount(hierarchy.self[node]!, state.unit)}`}
      </span>
      {hasSource && (
        <button class="small" onClick={() => go({ view: "source", file, line: owner.frames.line[frame]! })}>
          Source
        </button>
      )}
      <CopyButton what="the stack" text={() => stackText(model, node, state)} />
    </div>
  );
}

function Tip({ ctx, model, hover }: { ctx: Context; model: Model; hover: Hover }) {
  const { state } = ctx;
  const { hierarchy, tree } = model;
  const { node, rest, x, y } = hover;
  const key = hierarchy.key[node]!;
  const all = hierarchy.total[0]!;
  const own = hierarchy.total[node]!;
  const frame = tree.keys.frame(key);
  const owner = tree.keys.profile(key);
  const text = node && key >= FIRST_KEY && state.lines ? owner.sourceLine(owner.frames.file[frame]!, owner.frames.line[frame]!) : "";
  const aux = hierarchy.aux[node];
  const style = {
    left: `${Math.min(x + 14, innerWidth - 440)}px`,
    ...(y > innerHeight * 0.6 ? { bottom: `${innerHeight - y + 12}px` } : { top: `${y + 16}px` }),
  };
  if (rest)
    return (
      <div class="tip" style={style}>
        {units.count(rest)} more, each too narrow to draw. Click to zoom in.
      </div>
    );
  const facts: [string, string][] = [
    ["in all", `${amount(own, state.unit)}, ${units.share(own, all)} of what is shown`],
  ];
  if (!state.inverted && node) facts.push(["its own", `${amount(hierarchy.self[node]!, state.unit)}, ${units.share(hierarchy.self[node]!, own)} of it`]);
  const above = hierarchy.parent[node]!;
  if (above) facts.push([state.inverted ? "of callee" : "of caller", units.share(own, hierarchy.total[above]!)]);
  if (aux !== undefined && ctx.state.color === "growth" && !ctx.base) facts.push(["change", signed(aux, state)]);
  if (ctx.base && ctx.state.view === "compare" && aux !== undefined)
    facts.push(["before", amount(own - aux, state.unit)], ["change", signed(aux, state)]);
  return (
    <div class="tip" style={style}>
      <b>{node ? tree.keys.title(key) : "everything"}</b>
      {node > 0 && <div class="path">{tree.keys.place(key, true)}</div>}
      {text && <code>{text}</code>}
      <table>
        {facts.map(([name, value]) => (
          <tr>
            <th>{name}</th>
            <td>{value}</td>
          </tr>
        ))}
      </table>
    </div>
  );
}

export function signed(value: number, state: State): string {
  return value > 0 ? `+${amount(value, state.unit)}` : amount(value, state.unit);
}
