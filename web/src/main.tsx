// The report page: reads the data elements, then shows the view that the URL fragment names.
import { render, type ComponentChildren } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { heapsOf } from "./data/heap";
import { readProfile, type Profile } from "./data/profile";
import type { Context } from "./parts/controls";
import { Help } from "./parts/help";
import { chooseTheme, isDark, useDark } from "./parts/theme";
import * as units from "./parts/units";
import { usePageState, type State } from "./state";
import { Compare } from "./views/compare";
import { Flame } from "./views/flame";
import { Heap } from "./views/heap";
import { Overview } from "./views/overview";
import { Processes } from "./views/processes";
import { Source } from "./views/source";
import { Table } from "./views/table";
import { Timeline } from "./views/timeline";

type View = State["view"];

const VIEWS: [View, string, (props: { ctx: Context }) => ComponentChildren][] = [
  ["overview", "Overview", Overview],
  ["flame", "Flame graph", ({ ctx }) => <Flame ctx={ctx} />],
  ["table", "Table", ({ ctx }) => <Table ctx={ctx} />],
  ["source", "Source", Source],
  ["timeline", "Timeline", Timeline],
  ["heap", "Heap", Heap],
  ["processes", "Processes", Processes],
  ["compare", "Compare", Compare],
];

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  return /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && (target as HTMLInputElement).type !== "radio" && (target as HTMLInputElement).type !== "checkbox";
}

/** "python3 …/venv/bin/app.py" is told by what follows the interpreter. */
function shortCommand(command: string): string {
  return command
    .split(" ")
    .map((word) => (word.startsWith("/") ? word.slice(word.lastIndexOf("/") + 1) : word))
    .join(" ");
}

function App({ main, base }: { main: Profile; base: Profile | undefined }) {
  const [state, go] = usePageState();
  const [help, setHelp] = useState(false);
  useDark();
  chooseTheme(state.theme);
  const { summary } = main;
  const views = VIEWS.filter(
    ([view]) =>
      (view !== "heap" || heapsOf(main).length > 0) &&
      (view !== "processes" || summary.processes.length > 1) &&
      (view !== "compare" || base !== undefined),
  );
  const [view, , Shown] = views.find(([name]) => name === state.view) ?? views[0]!;
  const ctx: Context = { main, base, state, go };

  // As the page changes, not after it was painted: keys may follow one another quickly.
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || help) return;
      const number = views[Number(event.key) - 1];
      if (number) go({ view: number[0] });
      else if (event.key === "?") setHelp(true);
      else if (event.key === "t") go({ theme: isDark() ? "light" : "dark" });
      else if (event.key === "/") document.querySelector<HTMLInputElement>("main .search")?.focus();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  });

  const walk = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = views.findIndex(([name]) => name === view);
    const next = views[(at + step + views.length) % views.length]!;
    go({ view: next[0] });
    document.getElementById(`tab-${next[0]}`)?.focus();
  };

  return (
    <>
      <header>
        <h1 title={summary.command}>
          <span class="logo">barrow</span>
          <span class="command">{shortCommand(summary.command)}</span>
        </h1>
        <div role="tablist" aria-label="Views" onKeyDown={walk}>
          {views.map(([name, title], i) => (
            <button
              key={name}
              role="tab"
              id={`tab-${name}`}
              aria-selected={name === view}
              aria-controls="view"
              tabIndex={name === view ? 0 : -1}
              title={`${title} (${i + 1})`}
              onClick={() => go({ view: name })}
            >
              {title}
            </button>
          ))}
        </div>
        <span class="figures">
          peak <b>{units.bytes(summary.peak_bytes)}</b>
        </span>
        <button class="icon" title="Light or dark (t)" aria-label="Light or dark" onClick={() => go({ theme: isDark() ? "light" : "dark" })}>
          ◐
        </button>
        <button class="icon" title="Keys (?)" aria-label="Keys" onClick={() => setHelp(true)}>
          ?
        </button>
      </header>
      <main>
        <div id="view" role="tabpanel" aria-labelledby={`tab-${view}`}>
          <Shown ctx={ctx} />
        </div>
      </main>
      {help && <Help onClose={() => setHelp(false)} />}
    </>
  );
}

async function start(): Promise<void> {
  const app = document.getElementById("app")!;
  try {
    const main = await readProfile("main");
    if (!main) throw new Error("the page holds no recording");
    const base = await readProfile("base");
    app.textContent = "";
    render(<App main={main} base={base} />, app);
  } catch (error) {
    app.textContent = "";
    render(<p class="boot">This report can't be shown: {(error as Error).message}.</p>, app);
    throw error;
  }
}

void start();
