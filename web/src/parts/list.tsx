// A list of any length of which only what is seen is in the page.  Arrow keys, Page and Home/End move the
// selection; `onKey` gets what else is pressed.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useDark } from "./theme";

const TALLEST = 8e6; // px: browsers cut elements that are taller than some 10 to 30 million
const ON_PAPER = 300; // rows that are printed

export function List(props: {
  count: number;
  height: number; // px of a row
  label: string;
  row: (index: number) => ComponentChildren;
  rowClass?: (index: number) => string;
  head?: ComponentChildren;
  at?: number; // scroll there when it changes
  onOpen?: ((index: number) => void) | undefined;
  onSelect?: (index: number) => void;
  onKey?: (key: string, index: number) => void;
}) {
  const { count, height } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [room, setRoom] = useState(600);
  const [selected, select] = useState(-1);
  const { printing } = useDark();
  const whole = count * height;
  const tall = Math.min(whole, TALLEST);
  // Where there is more than fits an element, scrolling skips.
  const factor = tall > room ? (whole - room) / (tall - room) : 1;
  const first = printing ? 0 : Math.max(0, Math.floor((top * factor) / height) - 4);
  const last = printing ? Math.min(count, ON_PAPER) : Math.min(count, Math.ceil((top * factor + room) / height) + 4);

  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => setRoom(box.current!.clientHeight));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  const reveal = (index: number, center = false) => {
    const at = index * height;
    const from = box.current!.scrollTop * factor;
    const head = props.head ? height + 4 : 0;
    if (center) box.current!.scrollTop = (at - room / 3) / factor;
    else if (at < from) box.current!.scrollTop = at / factor;
    else if (at + height > from + room - head) box.current!.scrollTop = (at + height - room + head) / factor;
  };
  useEffect(() => {
    if (props.at === undefined || props.at < 0) return;
    select(props.at);
    reveal(props.at, true);
  }, [props.at]);
  useEffect(() => {
    if (selected >= count) select(-1);
  }, [count]);
  useEffect(() => {
    if (selected >= 0) props.onSelect?.(selected);
  }, [selected]);

  const key = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== box.current) return;
    const page = Math.max(1, Math.floor(room / height) - 2);
    const steps: Record<string, number> = {
      ArrowDown: selected + 1,
      ArrowUp: selected - 1,
      PageDown: selected + page,
      PageUp: selected - page,
      Home: 0,
      End: count - 1,
    };
    const step = steps[event.key];
    if (step !== undefined && count) {
      event.preventDefault();
      const next = Math.min(count - 1, Math.max(0, step));
      select(next);
      reveal(next);
    } else if (selected >= 0 && event.key === "Enter") props.onOpen?.(selected);
    else if (selected >= 0) props.onKey?.(event.key, selected);
  };

  const rows: ComponentChildren[] = [];
  for (let i = first; i < last; i++)
    rows.push(
      <div
        key={i}
        id={`${props.label}-${i}`}
        role="row"
        aria-rowindex={i + 1}
        aria-selected={i === selected}
        class={`row ${props.rowClass?.(i) ?? ""}`}
        style={{ height: `${height}px` }}
        onClick={() => select(i)}
        onDblClick={() => props.onOpen?.(i)}
      >
        {props.row(i)}
      </div>,
    );
  return (
    <div
      ref={box}
      class="list"
      role="grid"
      tabIndex={0}
      aria-label={props.label}
      aria-rowcount={count}
      aria-activedescendant={selected >= 0 ? `${props.label}-${selected}` : undefined}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={key}
    >
      {props.head}
      <div class="all" style={{ height: printing ? "auto" : `${tall}px` }}>
        <div class="seen" style={{ transform: printing ? "none" : `translateY(${first * height - top * factor + top}px)` }}>
          {rows}
        </div>
      </div>
    </div>
  );
}
