// What boxes are coloured by.
import { FIRST_KEY, IS_THREAD, type Keys } from "../data/keys";
import type { Hierarchy, Tree } from "../data/tree";
import { isDark } from "./theme";

export interface LegendItem {
  color: string;
  text: string;
}

export interface Coloring {
  color(node: number): string;
  legend: LegendItem[];
}

const HUES = [204, 28, 152, 268, 338, 56, 182, 232];

function tint(hue: number, variant = 0, saturation = 1): string {
  return isDark()
    ? `hsl(${hue} ${36 * saturation}% ${34 + variant * 4}%)`
    : `hsl(${hue} ${66 * saturation}% ${80 - variant * 4}%)`;
}

const grey = (variant = 0) => tint(215, variant, 0.14);

/** By key: the first part of its module's name. */
function packages(keys: Keys): string[] {
  const ofModule = new Map<string, string>();
  const ofKey: string[] = [];
  for (let key = 0; key < keys.count; key++) {
    const isCode = key >= FIRST_KEY && !(keys.kind[key]! & IS_THREAD);
    const module = isCode ? keys.module(key) : "";
    let name = ofModule.get(module);
    if (name === undefined) ofModule.set(module, (name = module.split(".")[0]!));
    ofKey.push(name);
  }
  return ofKey;
}

/** The packages that own the most have a colour each, all others are grey. */
export function byModule(tree: Tree, self: Float64Array, hierarchy: Hierarchy): Coloring {
  const { keys } = tree;
  const ofKey = packages(keys);
  const weight = new Map<string, number>();
  for (let i = 1; i < tree.count; i++) {
    const name = ofKey[tree.key[i]!]!;
    if (name && self[i]) weight.set(name, (weight.get(name) ?? 0) + self[i]!);
  }
  const top = [...weight].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, HUES.length);
  const place = new Map(top.map(([name], i) => [name, i]));
  const variants = [0, 1, 2];
  const greys = variants.map((variant) => grey(variant));
  const tints = HUES.map((hue) => variants.map((variant) => tint(hue, variant)));
  const colors = ofKey.map((name, key) => (tints[place.get(name) ?? -1] ?? greys)[key % 3]!);
  const legend = top.map(([text], i) => ({ color: tint(HUES[i]!, 1), text }));
  if (weight.size > top.length || !top.length) legend.push({ color: grey(1), text: "other" });
  return { color: (node) => colors[hierarchy.key[node]!]!, legend };
}

/** By item: a colour for each of the packages that weigh the most; builtins ("") and all others are grey. */
export function packageColors(packages: readonly string[], weights: readonly number[]): string[] {
  const sums = new Map<string, number>();
  packages.forEach((name, i) => name && sums.set(name, (sums.get(name) ?? 0) + weights[i]!));
  const top = [...sums].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, HUES.length);
  const place = new Map(top.map(([name], i) => [name, i]));
  return packages.map((name, i) => {
    const hue = HUES[place.get(name) ?? -1];
    return hue === undefined ? grey(i % 3) : tint(hue, i % 3);
  });
}

/** A scale from -1 to 1. */
function scale(cold: number, warm: number): (value: number) => string {
  const steps: string[] = [];
  for (let i = -4; i <= 4; i++) {
    const strength = Math.abs(i) / 4;
    const hue = i < 0 ? cold : warm;
    steps.push(
      isDark()
        ? `hsl(${hue} ${8 + 52 * strength}% ${27 + 13 * strength}%)`
        : `hsl(${hue} ${12 + 68 * strength}% ${90 - 20 * strength}%)`,
    );
  }
  return (value) => steps[Math.round(Math.max(-1, Math.min(1, value)) * 4) + 4]!;
}

/** Of native memory among all. */
export function byDomain(hierarchy: Hierarchy): Coloring {
  const colors = scale(204, 28);
  return {
    color: (node) => colors((2 * hierarchy.aux[node]!) / (hierarchy.total[node]! || 1) - 1),
    legend: [
      { color: colors(-1), text: "Python (obj, mem)" },
      { color: colors(0), text: "both" },
      { color: colors(1), text: "native (malloc, mmap)" },
    ],
  };
}

/** `before` tells what a box held before, of a box that changed by `aux`. */
export function byChange(hierarchy: Hierarchy, words: [string, string, string]): Coloring {
  const colors = scale(204, 8);
  return {
    color: (node) => {
      const aux = hierarchy.aux[node]!;
      return colors(aux / Math.max(hierarchy.total[node]!, Math.abs(aux), 1));
    },
    legend: [
      { color: colors(-1), text: words[0] },
      { color: colors(0), text: words[1] },
      { color: colors(1), text: words[2] },
    ],
  };
}
