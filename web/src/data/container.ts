// Reads the container that docs/internals/report.md describes: base64 of gzip of a JSON head and columns.
// Columns are decoded when they are first asked for.

export interface ProcessFacts {
  pid: number;
  parent_pid: number;
  command: string;
  file: string;
  root: boolean;
  complete: boolean;
  ended: string;
  start_s: number;
  duration_s: number;
  peak_bytes: number;
  peak_time_s: number;
  live_bytes: number;
  live_blocks: number;
  max_rss_bytes: number;
  inherited_bytes: number;
  inherited_blocks: number;
}

export interface Summary {
  command: string;
  python: string;
  pid: number;
  mode: string;
  scope: string;
  complete: boolean;
  ended: string;
  duration_s: number;
  peak_bytes: number;
  peak_time_s: number;
  peak_imprecision_bytes: number;
  live_bytes: number;
  live_blocks: number;
  total_bytes: number;
  allocations: number;
  frees: number;
  unknown_frees: number;
  temporary_allocations: number;
  temporary_bytes: number;
  inherited_bytes: number;
  sites: number;
  stacks: number;
  threads: number;
  max_rss_bytes: number;
  dropped: Record<string, number>;
  processes: ProcessFacts[];
  warnings: string[];
}

export interface GcTotals {
  collections: number;
  collected: number;
  uncollectable: number;
  pause_s: number;
  longest_pause_s: number;
}

/** A heap snapshot; `types`, `nodes` and `paths` are how many rows of those columns are its. */
export interface HeapFacts {
  process: number;
  time_s: number;
  pause_s: number;
  label: number;
  flags: number;
  objects: number;
  bytes: number;
  garbage_objects: number;
  garbage_bytes: number;
  types: number;
  nodes: number;
  paths: number;
}

interface ColumnFacts {
  name: string;
  encoding: "varint" | "delta" | "text";
  count: number;
  offset: number;
  bytes: number;
}

export interface Head {
  format: number;
  barrow: string;
  summary: Summary;
  domains: string[];
  gc: GcTotals[];
  source_left_out?: number;
  source_changed?: number;
  heaps?: HeapFacts[];
  heap_warnings?: string[];
  columns: ColumnFacts[];
}

export class Container {
  readonly head: Head;
  private readonly columns = new Map<string, ColumnFacts>();

  constructor(
    private readonly bytes: Uint8Array,
    head: Head,
    private readonly first: number,
  ) {
    this.head = head;
    for (const column of head.columns) this.columns.set(column.name, column);
  }

  count(name: string): number {
    return this.columns.get(name)?.count ?? 0;
  }

  /** Numbers below 2^32. */
  small(name: string): Uint32Array {
    return this.decode(name, new Uint32Array(this.count(name)));
  }

  /** Numbers below 2^53. */
  large(name: string): Float64Array {
    return this.decode(name, new Float64Array(this.count(name)));
  }

  texts(name: string): string[] {
    const column = this.columns.get(name);
    if (!column || !column.count) return [];
    const texts = new TextDecoder().decode(this.slice(column)).split("\0");
    texts.length = column.count;
    return texts;
  }

  private slice(column: ColumnFacts): Uint8Array {
    const start = this.first + column.offset;
    if (start + column.bytes > this.bytes.length) throw new Error(`the data end within ${column.name}`);
    return this.bytes.subarray(start, start + column.bytes);
  }

  private decode<T extends Uint32Array | Float64Array>(name: string, out: T): T {
    const column = this.columns.get(name);
    if (!column) return out;
    const from = this.slice(column);
    const count = out.length;
    const delta = column.encoding === "delta";
    let at = 0;
    let before = 0;
    for (let i = 0; i < count; i++) {
      let byte = from[at++]!;
      let value = byte & 127;
      if (byte > 127) {
        // Multiplied, not shifted: shifts end at 32 bits.
        let unit = 128;
        do {
          byte = from[at++]!;
          value += (byte & 127) * unit;
          unit *= 128;
        } while (byte > 127);
      }
      if (delta) value = before += value % 2 ? -(value + 1) / 2 : value / 2;
      out[i] = value;
    }
    return out;
  }
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const builtIn = (Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  if (builtIn) return builtIn.call(Uint8Array, text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

export async function readContainer(text: string): Promise<Container> {
  const packed = new Blob([fromBase64(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(packed).arrayBuffer();
  const bytes = new Uint8Array(buffer);
  const ascii = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to));
  if (ascii(0, 8) !== "BARROWP1") throw new Error("these are no data of barrow's");
  const length = new DataView(buffer).getUint32(8, true);
  const head = JSON.parse(ascii(12, 12 + length)) as Head;
  if (head.format !== 1) throw new Error(`the data are of format ${head.format}; this page reads format 1`);
  return new Container(bytes, head, 12 + length);
}
