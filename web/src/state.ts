// What is shown, complete: the URL fragment holds all of it, in short names, and leaves out what is as usual.
import { useEffect, useState } from "preact/hooks";
import { METRICS, type Metric, type Unit } from "./data/profile";

export interface State {
  view: "overview" | "flame" | "table" | "source" | "timeline" | "heap" | "processes" | "compare";
  metric: Metric;
  unit: Unit;
  process: number; // -1: all
  domain: number; // -1: all
  from: number; // µs; the range selected, if to > from
  to: number;
  inverted: boolean;
  lines: boolean; // lines of a function apart
  collapse: boolean;
  imports: boolean;
  threads: boolean;
  color: "module" | "domain" | "growth";
  query: string; // flame graph: search
  zoom: string; // flame graph: "start,end,depth,row"
  by: string; // table: grouping
  inclusive: boolean;
  sort: string; // table: "" is by the metric
  up: boolean; // table: smallest first
  filter: string; // table
  file: string;
  line: number;
  part: "table" | "flame"; // timeline, compare: what is below
  status: string; // compare: "" is all
  show: "classes" | "dominators" | "paths" | "changes"; // heap
  snapshot: number; // heap; -1: the last
  earlier: number; // heap, changes: what to compare with; below -1: of an older recording
  class: string; // heap
  theme: "" | "light" | "dark";
}

export const USUAL: State = {
  view: "overview",
  metric: "peak",
  unit: "bytes",
  process: -1,
  domain: -1,
  from: 0,
  to: 0,
  inverted: false,
  lines: true,
  collapse: false,
  imports: false,
  threads: false,
  color: "module",
  query: "",
  zoom: "",
  by: "line",
  inclusive: false,
  sort: "",
  up: false,
  filter: "",
  file: "",
  line: 0,
  part: "table",
  status: "",
  show: "classes",
  snapshot: -1,
  earlier: -1,
  class: "",
  theme: "",
};

type Key = keyof State;
const KEYS = Object.keys(USUAL) as Key[];

export function toFragment(state: State): string {
  const words = new URLSearchParams();
  for (const key of KEYS)
    if (state[key] !== USUAL[key]) words.set(key, state[key] === true ? "1" : state[key] === false ? "0" : String(state[key]));
  return `#${words.toString()}`;
}

/** What a key may say, where not everything goes. */
const WORDS: Partial<Record<Key, readonly string[]>> = {
  metric: [...METRICS, "range"],
  unit: ["bytes", "blocks"],
  color: ["module", "domain", "growth"],
  part: ["table", "flame"],
  show: ["classes", "dominators", "paths", "changes"],
  theme: ["", "light", "dark"],
};

export function fromFragment(fragment: string): State {
  const words = new URLSearchParams(fragment.replace(/^#/, ""));
  const state: Record<string, unknown> = { ...USUAL };
  for (const key of KEYS) {
    const word = words.get(key);
    if (word === null || WORDS[key]?.includes(word) === false) continue;
    const usual = USUAL[key];
    state[key] = typeof usual === "boolean" ? word === "1" : typeof usual === "number" ? Number(word) || 0 : word;
  }
  return state as unknown as State;
}

export type Change = Partial<State>;
export type Go = (change: Change) => void;

/** A link to the view that a change leads to. */
export function linkTo(state: State, change: Change): string {
  return toFragment({ ...state, ...change });
}

/** The state, and how to change it.  A change of view is a step in the browser's history. */
export function usePageState(): [State, Go] {
  const [state, set] = useState(() => fromFragment(location.hash));
  useEffect(() => {
    const listen = () => set(fromFragment(location.hash));
    addEventListener("hashchange", listen);
    return () => removeEventListener("hashchange", listen);
  }, []);
  const go = (change: Change) =>
    set((before) => {
      const after = { ...before, ...change };
      remember(toFragment(after), after.view !== before.view);
      return after;
    });
  return [state, go];
}

function remember(fragment: string, isStep: boolean): void {
  if (fragment === (location.hash || "#")) return;
  try {
    if (isStep) history.pushState(null, "", fragment);
    else history.replaceState(null, "", fragment);
  } catch {
    // A page inside another has no history of its own: then nothing is remembered.
  }
}
