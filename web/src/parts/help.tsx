// What the keys do.
import { useEffect, useRef } from "preact/hooks";

const KEYS: [string, [string, string][]][] = [
  [
    "Everywhere",
    [
      ["1 … 8", "views, in the order of the tabs"],
      ["/", "to the search or filter field"],
      ["Tab", "to the next control"],
      ["t", "light or dark"],
      ["?", "this list"],
    ],
  ],
  [
    "Flame graph",
    [
      ["↑ ↓ ← →", "to the caller, the largest callee, the neighbours"],
      ["Enter, click", "zoom in"],
      ["Esc, Backspace", "show all, one level out"],
      ["+ −, wheel", "zoom; Ctrl + wheel where the graph is taller than the window"],
      ["drag, Shift + wheel", "move"],
      ["n", "next match of the search"],
    ],
  ],
  [
    "Tables and source",
    [
      ["↑ ↓ PgUp PgDn Home End", "select a row"],
      ["Enter, double click", "show the source"],
      ["f", "find in the flame graph"],
    ],
  ],
  [
    "Heap",
    [
      ["→ ←", "open a branch; close it, or go up"],
      ["Enter, double click", "open or close; of a class: what keeps it alive"],
    ],
  ],
  [
    "Chart",
    [
      ["← →", "walk through time"],
      ["Shift + ← →, drag", "select a time"],
      ["Esc", "drop the selection"],
    ],
  ],
];

export function Help({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
  return (
    <dialog ref={dialog} class="help" aria-label="Keys" onClose={onClose} onClick={(event) => event.target === dialog.current && onClose()}>
      <div>
        <h2>Keys</h2>
        {KEYS.map(([title, keys]) => (
          <section>
            <h3>{title}</h3>
            <dl>
              {keys.map(([key, what]) => (
                <>
                  <dt>{key}</dt>
                  <dd>{what}</dd>
                </>
              ))}
            </dl>
          </section>
        ))}
        <p class="dim">
          The address of the page holds what is shown: copy it to come back to the same view. A search between slashes, as in /^json\b/, is a
          regular expression.
        </p>
        <button onClick={onClose}>Close</button>
      </div>
    </dialog>
  );
}
