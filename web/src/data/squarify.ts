// A treemap's layout: boxes as square as they get, the largest first (Bruls, Huizing, van Wijk: Squarified Treemaps, 2000).

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** How far from square the worst box of a row along `side` is. */
function worst(sum: number, least: number, most: number, side: number): number {
  const square = side * side;
  return Math.max((square * most) / (sum * sum), (sum * sum) / (square * least));
}

/** `values` fall and are above 0; boxes fill width × height. */
export function squarify(values: readonly number[], width: number, height: number): Box[] {
  const all = values.reduce((sum, value) => sum + value, 0);
  const boxes: Box[] = [];
  const free = { x: 0, y: 0, width, height };
  const scale = all > 0 ? (width * height) / all : 0;
  for (let first = 0; first < values.length; ) {
    const side = Math.min(free.width, free.height);
    const most = values[first]! * scale;
    let sum = most;
    let end = first + 1;
    while (end < values.length) {
      const next = values[end]! * scale;
      if (worst(sum + next, next, most, side) > worst(sum, values[end - 1]! * scale, most, side)) break;
      sum += next;
      end++;
    }
    // The row lies along the shorter side of what is free.
    const thick = side > 0 ? sum / side : 0;
    let at = 0;
    for (; first < end; first++) {
      const long = thick > 0 ? (values[first]! * scale) / thick : 0;
      boxes.push(
        free.width >= free.height
          ? { x: free.x, y: free.y + at, width: thick, height: long }
          : { x: free.x + at, y: free.y, width: long, height: thick },
      );
      at += long;
    }
    if (free.width >= free.height) {
      free.x += thick;
      free.width = Math.max(0, free.width - thick);
    } else {
      free.y += thick;
      free.height = Math.max(0, free.height - thick);
    }
  }
  return boxes;
}
