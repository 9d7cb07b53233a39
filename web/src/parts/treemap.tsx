// Boxes whose areas are amounts.
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { squarify } from "../data/squarify";

export interface TreemapItem {
  key: string | number;
  value: number;
  title: string; // in the box, if there is room
  figure: string; // below it
  tip: string;
  color: string;
  dim?: boolean;
  chosen?: boolean;
}

const LEAST = { width: 42, height: 17 }; // px: smaller boxes have no text

/** `items` by falling value. */
export function Treemap(props: { label: string; items: TreemapItem[]; onChoose: (key: string | number) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const measure = () => setSize({ width: box.current!.clientWidth, height: box.current!.clientHeight });
    const watch = new ResizeObserver(measure);
    watch.observe(box.current!);
    measure();
    return () => watch.disconnect();
  }, []);
  const items = props.items.filter((item) => item.value > 0);
  const places = useMemo(
    () => squarify(items.map((item) => item.value), size.width, size.height),
    [size, ...items.map((item) => item.value)],
  );
  return (
    <div ref={box} class="treemap" role="group" aria-label={props.label}>
      {places.map((place, i) => {
        const item = items[i]!;
        const fits = place.width > LEAST.width && place.height > LEAST.height;
        return (
          <button
            key={item.key}
            tabIndex={-1}
            class={`${item.dim ? "faded" : ""} ${item.chosen ? "chosen" : ""}`}
            title={item.tip}
            aria-label={item.tip}
            onClick={() => props.onChoose(item.key)}
            style={{
              left: `${place.x}px`,
              top: `${place.y}px`,
              width: `${place.width}px`,
              height: `${place.height}px`,
              background: item.color,
            }}
          >
            {fits && <b>{item.title}</b>}
            {fits && place.height > 2 * LEAST.height && <span>{item.figure}</span>}
          </button>
        );
      })}
    </div>
  );
}
