"""The benchmark's results as Markdown: tables, means, and the goals beside them."""

import math
import statistics

from tools import TOOLS
from workloads import STACK_ITERATIONS

MB = 1e6
SHALLOW = 30  # levels up to which the main goals hold
TITLES = {tool.name: tool.title for tool in TOOLS}
RATIO_GOALS = {"barrow": (1.25, 1.7), "system": (1.05, None)}  # geometric mean, worst
LEVEL_GOAL = 1.2  # ns a level and capture
RSS_GOAL = (0.30, 8 * MB, 50_000)  # share of the live heap, plus bytes, up to so many sites
SHARE_FROM = 10 * MB  # a share of less live heap than this says nothing
FILE_GOAL = 0.20  # change of the ledger's size with a longer run


class Row:
    """One workload's measurements, reduced by `best` (the median or min of the rounds)."""

    def __init__(self, name, data, best):
        self.name, self.data, self.best = name, data, best
        self.depth, self.kind = data["depth"], data["kind"]

    def values(self, tool, key):
        records = self.data["cells"].get(tool, [])
        return [record[key] for record in records if record.get(key) is not None]

    def value(self, tool, key):
        values = self.values(tool, key)
        return self.best(values) if values else None

    def middle(self, tool, key):
        values = self.values(tool, key)
        return statistics.median(values) if values else None

    def error(self, tool):
        return next((r["error"] for r in self.data["cells"].get(tool, []) if "error" in r), None)

    def ratio(self, tool, clock):
        value, base = self.value(tool, clock), self.value("none", clock)
        return value / base if value is not None and base else None

    def spread(self, tool, clock):
        values = self.values(tool, clock)
        return (max(values) - min(values)) / statistics.median(values) if values else None

    def live_heap(self):
        """Bytes at the peak as tracemalloc counts them, else as barrow does."""
        counted = self.middle("tracemalloc", "peak_heap_bytes")
        return counted if counted is not None else self.summary().get("peak_bytes")

    def extra_rss(self, tool):
        value, base = self.middle(tool, "rss_bytes"), self.middle("none", "rss_bytes")
        return None if value is None or base is None else value - base

    def summary(self):
        found = self.values("barrow", "summary")
        return found[-1] if found else {}


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join(lines)


def number(value, form):
    return "-" if value is None else format(value, form)


def geomean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


def shallow(rows):
    return [row for row in rows if row.depth <= SHALLOW]


def ratios(rows, tool, clock):
    found = ((row.ratio(tool, clock), row.name) for row in rows)
    return [(ratio, name) for ratio, name in found if ratio is not None]


def time_table(rows, names, clock):
    body = []
    for row in rows:
        base, spread = row.value("none", clock), row.spread("none", clock)
        cells = [
            row.name,
            number(base and base * 1e3, ".1f"),
            number(spread and spread * 100, ".0f"),
        ]
        body.append(cells + [number(row.ratio(tool, clock), ".2f") for tool in names])
    counted = shallow(rows)
    for title, reduce in (
        (f"**geomean, ≤ {SHALLOW} deep**", lambda found: geomean(ratio for ratio, _ in found)),
        (f"**worst, ≤ {SHALLOW} deep**", lambda found: max(found)[0]),
    ):
        found = [ratios(counted, tool, clock) for tool in names]
        body.append([title, "", "", *(f"**{reduce(f):.2f}**" if f else "-" for f in found)])
    head = ["workload", "none, ms", "spread, %", *(TITLES[tool] for tool in names)]
    return table(head, body)


def captures(row):
    """Allocations an iteration, as barrow counted them."""
    allocations = row.summary().get("allocations")
    return allocations and allocations / (row.data["loops"] * STACK_ITERATIONS)


def level_cost(row, base, clock):
    """barrow's ns a level and capture beyond the depth of `base`."""
    seen = captures(row)
    costs = []
    for one in (row, base):
        hooked, plain = one.value("barrow", clock), one.value("none", clock)
        if hooked is None or not seen:
            return None
        costs.append((hooked - plain) / (one.data["loops"] * STACK_ITERATIONS) * 1e9)
    return (costs[0] - costs[1]) / (row.depth - base.depth) / seen


def stack_table(rows, names, clock):
    stacks = sorted((row for row in rows if row.kind == "stack"), key=lambda row: row.depth)
    body = []
    for row in stacks:
        each = 1e9 / (row.data["loops"] * STACK_ITERATIONS)
        times = [row.value(tool, clock) for tool in ("none", *names)]
        level = level_cost(row, stacks[0], clock) if row is not stacks[0] else None
        body.append(
            [
                str(row.depth),
                *(number(t and t * each, ".0f") for t in times),
                number(captures(row), ".2f"),
                number(level, ".2f"),
            ]
        )
    head = ["depth", "none", *(TITLES[t] for t in names), "captures", "ns a level and capture"]
    return table(head, body) if body else ""


def memory_table(rows, names):
    body = []
    for row in rows:
        heap = row.live_heap()
        cells = [
            row.name,
            number(heap and heap / MB, ".1f"),
            number(row.middle("barrow", "sites"), ".0f"),
        ]
        for tool in names:
            extra = row.extra_rss(tool)
            text = number(extra and extra / MB, ".1f")
            if extra is not None and heap and heap >= SHARE_FROM:
                text += f" ({extra / heap * 100:.0f} %)"
            cells.append(text)
        body.append(cells)
    head = ["workload", "live heap", "sites", *(TITLES[tool] for tool in names)]
    return table(head, body)


def file_table(rows, names):
    writing = [tool for tool in names if any(row.middle(tool, "file_bytes") for row in rows)]
    body = [
        [row.name, *(number((v := row.middle(t, "file_bytes")) and v / MB, ".2f") for t in writing)]
        for row in rows
    ]
    return table(["workload", *(TITLES[tool] for tool in writing)], body) if writing else ""


def rss_misses(rows):
    share, fixed, sites = RSS_GOAL
    checked, missed = 0, []
    for row in rows:
        extra, heap = row.extra_rss("barrow"), row.live_heap()
        if extra is None or not heap or (row.middle("barrow", "sites") or 0) > sites:
            continue
        checked += 1
        if extra > share * heap + fixed:
            missed.append(f"{row.name} {extra / MB:.1f} of {(share * heap + fixed) / MB:.1f}")
    return checked, missed


def verdict(met):
    return "met" if met else "**missed**"


def against(value, goal):
    return f"goal ≤ {goal}: {verdict(value <= goal)}"


def goals(rows, part, clock):
    lines = []
    for tool, (mean_goal, worst_goal) in RATIO_GOALS.items():
        found = ratios(shallow(rows), tool, clock)
        if not found:
            continue
        mean, (worst, where) = geomean(ratio for ratio, _ in found), max(found)
        line = f"{TITLES[tool]}, geomean {mean:.3f}, {against(mean, mean_goal)}"
        line += f"; worst {worst:.2f} ({where})"
        lines.append(f"{line}, {against(worst, worst_goal)}" if worst_goal else line)
    stacks = sorted((row for row in rows if row.kind == "stack"), key=lambda row: row.depth)
    for row in stacks:
        cost = level_cost(row, stacks[0], clock) if row.depth > SHALLOW else None
        if cost is not None:
            lines.append(
                f"{row.depth} deep, {cost:.2f} ns a level and capture: goal ≤ {LEVEL_GOAL}:"
                f" {verdict(cost <= LEVEL_GOAL)}"
            )
    checked, missed = rss_misses(rows)
    if checked:
        text = "; ".join(missed) or "none over"
        lines.append(
            f"extra RSS ≤ 30 % of the live heap + 8 MB, {checked} rows of up to 50,000 sites:"
            f" {verdict(not missed)} (MB over: {text})"
        )
    return lines + run_length(part.get("run_length"))


def run_length(found):
    if not found or "error" in found["short"] or "error" in found["long"]:
        return []
    short, long = (found[key]["file_bytes"] for key in ("short", "long"))
    change = long / short - 1
    return [
        f"ledger of `{found['workload']}` run {found['factor']} times as long: {short / MB:.2f} →"
        f" {long / MB:.2f} MB ({change:+.0%}): goal ±20 %: {verdict(abs(change) <= FILE_GOAL)}"
    ]


def failures(rows, names):
    for row in rows:
        for tool in ("none", *names):
            if row.error(tool):
                text = " ".join(row.error(tool).split())
                yield f"{row.name}, {TITLES[tool]}: {text[-160:]}"


def section(part, best, clock):
    rows = [Row(name, data, best) for name, data in part["rows"].items()]
    if not rows:
        return f"## Python {part['label']}\n\nno workload ran\n"
    names = [tool for tool in rows[0].data["cells"] if tool != "none"]
    versions = part["versions"]
    packages = ", ".join(f"{k} {v}" for k, v in versions.items() if k != "python" and v)
    unit = "wall" if clock == "wall_s" else "CPU"
    parts = [
        f"## Python {part['label']}",
        f"{versions['python']}; {packages}",
        *(f"{TITLES[tool]}: not measured: {why}" for tool, why in part["absent"].items()),
        f"### Time: {unit} time of the work, ratio to no profiler",
        time_table(rows, names, clock),
        "### Deep stacks: ns an iteration of `x = [i, i]`",
        stack_table(rows, names, clock),
        "### Memory: MB of peak RSS more than without a profiler (share of the live heap)",
        memory_table(rows, names),
        "### Output: MB of files",
        file_table(rows, names),
        "### Goals",
        "\n".join("* " + line for line in goals(rows, part, clock)),
    ]
    failed = list(failures(rows, names))
    if failed:
        parts += ["### Failed", "\n".join("* " + line for line in failed)]
    return "\n\n".join(text for text in parts if text) + "\n"


def markdown(results, stat, clock):
    best = {"median": statistics.median, "min": min}[stat]
    load = [results.get(key, (0,))[0] for key in ("load_before", "load_after")]
    head = (
        f"# Benchmark of {results['when']}, commit {results['commit']}\n\n"
        f"{stat} of {results['rounds']} interleaved rounds;"
        f" load of the machine {load[0]:.1f} before, {load[1]:.1f} at the end\n"
    )
    sections = [section(part, best, f"{clock}_s") for part in results.get("interpreters", [])]
    return "\n".join([head, *sections])
