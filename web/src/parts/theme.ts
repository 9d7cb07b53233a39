// Light or dark: as the system has it, unless the reader chose.  Paper is light.
import { useEffect, useState } from "preact/hooks";

let chosen: "" | "light" | "dark" = "";
let isPrinting = false;
const listeners = new Set<() => void>();
const system = matchMedia("(prefers-color-scheme: dark)");

export function isDark(): boolean {
  return !isPrinting && (chosen ? chosen === "dark" : system.matches);
}

function tell(): void {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  for (const listener of listeners) listener();
}

export function chooseTheme(theme: typeof chosen): void {
  if (theme === chosen && document.documentElement.dataset.theme) return;
  chosen = theme;
  tell();
}

export function setPrinting(value: boolean): void {
  isPrinting = value;
  tell();
}

system.addEventListener("change", tell);
addEventListener("beforeprint", () => setPrinting(true));
addEventListener("afterprint", () => setPrinting(false));

/** Renders anew when the colours change. */
export function useDark(): { dark: boolean; printing: boolean } {
  const [, set] = useState(0);
  useEffect(() => {
    const listener = () => set((n) => n + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return { dark: isDark(), printing: isPrinting };
}
