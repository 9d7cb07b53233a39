// Amounts for people, as everywhere in barrow: at most three digits and a unit, rounded down.

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"];

/** "0 B", "1023 B", "1.0 KiB", "9.9 MiB", "312 MiB" */
export function bytes(value: number): string {
  if (value < 0) return `−${bytes(-value)}`;
  if (value < 1024) return `${Math.floor(value)} B`;
  let unit = -1;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 10 ? (Math.floor(value * 10) / 10).toFixed(1) : Math.floor(value)} ${UNITS[unit]!}`;
}

/** "12,345,678" */
export function count(value: number): string {
  return `${value < 0 ? "−" : ""}${Math.abs(Math.round(value))}`.replace(/\B(?=(\d{3})+$)/g, ",");
}

export function plural(value: number, word: string): string {
  return `${count(value)} ${word}${value === 1 ? "" : "s"}`;
}

/** "850 ns", "12 µs", "340 ms", "4.2 s", "3 min 05 s", "2 h 07 min" */
export function duration(seconds: number): string {
  const scaled = (value: number, unit: string) =>
    `${value < 10 ? (Math.floor(value * 10 + 1e-6) / 10).toFixed(1) : Math.floor(value)} ${unit}`;
  if (seconds === 0) return "0 s";
  if (seconds < 1e-6) return `${Math.floor(seconds * 1e9)} ns`;
  if (seconds < 1e-3) return scaled(seconds * 1e6, "µs");
  if (seconds < 1) return scaled(seconds * 1e3, "ms");
  if (seconds < 60) return scaled(seconds, "s");
  const whole = Math.floor(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor(whole / 60) % 60)} min`;
}

/** "23.9%", of a part in a whole, rounded down */
export function share(part: number, whole: number): string {
  if (!whole) return "";
  const percent = (100 * part) / whole;
  if (percent !== 0 && Math.abs(percent) < 0.1) return "<0.1%";
  return `${percent < 0 ? "−" : ""}${(Math.floor(Math.abs(percent) * 10 + 1e-9) / 10).toFixed(1)}%`;
}
