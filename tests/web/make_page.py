"""Makes report pages without barrow: writes the container that docs/internals/report.md describes.

    python tests/web/make_page.py TEMPLATE OUT [--sites N] [--nodes N] [--processes N] [--base]

TEMPLATE is the built page (web/dist/report.html).  Shares no code with barrow, so that the page is
tested against the description and not against the program that happens to write it.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MARKER = "<!--barrow:data-->"
DOMAINS = ("obj", "mem", "malloc", "mmap")
METRICS = ("peak", "leaked", "total", "temporary")
THREAD, FOLDED = 1, 2
PEAK, END = 1, 2
DROPS = (
    "folded_stacks",
    "missed_frees",
    "reentrant_events",
    "lost_allocations",
    "lost_samples",
    "lost_checkpoints",
    "lost_children",
    "unaligned_blocks",
    "ended_early",
    "lost_threads",
)

# ---- encodings ----


def varints(values: Iterable[int]) -> bytes:
    out = bytearray()
    add = out.append
    for value in values:
        while value > 127:
            add(value & 127 | 128)
            value >>= 7
        add(value)
    return bytes(out)


def deltas(values: Iterable[int]) -> bytes:
    before = 0
    zigzag = []
    for value in values:
        step, before = value - before, value
        zigzag.append(step << 1 if step >= 0 else (-step << 1) - 1)
    return varints(zigzag)


def texts(values: Iterable[str]) -> bytes:
    return b"".join(value.encode("utf-8", "surrogatepass") + b"\0" for value in values)


ENCODERS = {"varint": varints, "delta": deltas, "text": texts}
DELTAS = {
    "nodes.parent",
    "sites.node",
    "samples.time_us",
    "gc_events.time_us",
    "marks.time_us",
    "points.time_us",
    "changes.site",
    "heap_nodes.depth",
    "heap_paths.depth",
}
TEXTS = {"strings", "sources.text"}

GROUPS = {
    "frames": ("function", "file", "module", "line", "first_line"),
    "nodes": ("parent", "frame", "flags"),
    "sites": ("node", "process", "domain", *(f"{m}_{unit}" for m in METRICS for unit in ("bytes", "blocks"))),
    "samples": (
        "time_us",
        "process",
        "rss",
        "pss",
        "heap",
        "file",
        "minor_faults",
        "major_faults",
        "threads",
    ),
    "gc_events": ("time_us", "process", "pause_us", "generation", "collected", "uncollectable"),
    "marks": ("time_us", "process", "duration_us", "name"),
    "points": ("time_us", "process", "flags", "live_bytes", "changes"),
    "changes": ("site", "bytes", "blocks"),
    "lines": ("file", "line", "occurrences", "increment_bytes", "memory_bytes", "peak_bytes"),
    "heap_types": ("class", "module", "objects", "bytes", "retained"),
    "heap_nodes": (
        *("depth", "kind", "name", "reference", "objects", "bytes", "retained", "address", "length", "birth"),
        "path",
    ),
    "heap_paths": ("depth", "kind", "name", "class", "objects", "ends", "bytes", "retained"),
    "sources": ("file", "text"),
}

# ---- a recording ----


@dataclass
class Recording:
    """Columns as lists; node 0, frame 0 and string 0 exist from the start."""

    command: str = "python app.py"
    duration_us: int = 4_000_000
    warnings: list[str] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    complete: bool = True
    columns: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.columns["strings"] = [""]
        for group, names in GROUPS.items():
            for name in names:
                self.columns[f"{group}.{name}"] = []
        self._strings = {"": 0}
        self._frames: dict[tuple[str, str, int], int] = {}
        self.processes: list[dict[str, Any]] = []
        self.heaps: list[dict[str, Any]] = []
        self.add("frames", 0, 0, 0, 0, 0)
        self.add("nodes", 0, 0, 0)

    def add(self, group: str, *values: Any) -> int:
        names = GROUPS[group]
        assert len(values) == len(names), group
        for name, value in zip(names, values, strict=False):
            self.columns[f"{group}.{name}"].append(value)
        return len(self.columns[f"{group}.{names[0]}"]) - 1

    def string(self, text: str) -> int:
        number = self._strings.get(text)
        if number is None:
            number = self._strings[text] = len(self.columns["strings"])
            self.columns["strings"].append(text)
        return number

    def frame(self, function: str, file: str, line: int, module: str = "", first_line: int = 0) -> int:
        key = (function, file, line)
        if key not in self._frames:
            module = module or Path(file).stem
            names = (self.string(function), self.string(file), self.string(module))
            self._frames[key] = self.add("frames", *names, line, first_line or line)
        return self._frames[key]

    def node(self, parent: int, frame: int, flags: int = 0) -> int:
        return self.add("nodes", parent, frame, flags)

    def thread(self, name: str) -> int:
        frame = self.add("frames", self.string(name), 0, 0, 0, 0)
        return self.node(0, frame, THREAD)

    def site(
        self,
        node: int,
        domain: str,
        peak: tuple[int, int],
        leaked: tuple[int, int] = (0, 0),
        total: tuple[int, int] | None = None,
        temporary: tuple[int, int] = (0, 0),
        process: int = 0,
    ) -> int:
        values = (peak, leaked, total or peak, temporary)
        return self.add("sites", node, process, DOMAINS.index(domain), *(x for value in values for x in value))

    def process(self, pid: int, command: str, **facts: Any) -> None:
        self.processes.append(
            {
                "pid": pid,
                "parent_pid": 1 if not self.processes else self.processes[0]["pid"],
                "command": command,
                "file": f"app.{pid}.barrow",
                "root": not self.processes,
                "complete": True,
                "ended": "the program ended",
                "start_s": 0.0,
                "duration_s": self.duration_us / 1e6,
                "inherited_bytes": 0,
                "inherited_blocks": 0,
                **facts,
            }
        )

    def source(self, file: str, text: str) -> None:
        self.add("sources", self.string(file), text)

    # ---- heap snapshots: all rows of one, then those of the next ----

    def heap(self, time_s: float, **facts: Any) -> dict[str, Any]:
        self.heaps.append(
            {
                **{"process": 0, "time_s": time_s, "pause_s": 0.01, "label": 0, "flags": 0},
                **{"objects": 0, "bytes": 0, "garbage_objects": 0, "garbage_bytes": 0},
                **{"types": 0, "nodes": 0, "paths": 0},
                **facts,
            }
        )
        return self.heaps[-1]

    def heap_type(self, name: str, objects: int, size: int, retained: int) -> None:
        module = name.rpartition(".")[0]
        self.add("heap_types", self.string(name), self.string(module), objects, size, retained)
        heap = self.heaps[-1]
        heap["types"] += 1
        heap["objects"] += objects
        heap["bytes"] += size

    def heap_node(self, depth: int, name: str, retained: int, objects: int = 1, **facts: Any) -> None:
        kind, reference, size = facts.get("kind", 0), facts.get("reference", ""), facts.get("bytes", 0)
        self.add(
            "heap_nodes",
            *(depth, kind, self.string(name), self.string(reference), objects, size, retained),
            *(facts.get("address", 0), facts.get("length", 0), facts.get("birth", 0)),
            self.string(facts.get("path", "")),
        )
        self.heaps[-1]["nodes"] += 1

    def heap_path(
        self, depth: int, name: str, objects: int, retained: int, of: str = "", kind: int = 0, ends: int = 0
    ) -> None:
        names = (self.string(name), self.string(of))
        self.add("heap_paths", depth, kind, *names, objects, ends, objects * 64, retained)
        self.heaps[-1]["paths"] += 1

    # ---- what the head tells ----

    def sum(self, column: str, process: int | None = None) -> int:
        values = self.columns[f"sites.{column}"]
        if process is None:
            return sum(values)
        return sum(v for v, p in zip(values, self.columns["sites.process"], strict=False) if p == process)

    def summary(self) -> dict[str, Any]:
        if not self.processes:
            self.process(4711, self.command)
        rss = self.columns["samples.rss"]
        for number, process in enumerate(self.processes):
            own = [r for r, p in zip(rss, self.columns["samples.process"], strict=False) if p == number]
            process.setdefault("peak_bytes", self.sum("peak_bytes", number))
            process.setdefault("peak_time_s", process["duration_s"] * 0.8)
            process.setdefault("live_bytes", self.sum("leaked_bytes", number))
            process.setdefault("live_blocks", self.sum("leaked_blocks", number))
            process.setdefault("max_rss_bytes", max(own, default=0))
        return {
            "command": self.command,
            "python": "3.13.1",
            "pid": self.processes[0]["pid"],
            "mode": "count",
            "scope": "all",
            "complete": self.complete,
            "ended": "the program ended" if self.complete else "killed, or still running",
            "duration_s": self.duration_us / 1e6,
            "peak_bytes": self.sum("peak_bytes"),
            "peak_time_s": self.processes[0]["peak_time_s"],
            "peak_imprecision_bytes": 0,
            "live_bytes": self.sum("leaked_bytes"),
            "live_blocks": self.sum("leaked_blocks"),
            "total_bytes": self.sum("total_bytes"),
            "allocations": self.sum("total_blocks"),
            "frees": self.sum("total_blocks") - self.sum("leaked_blocks"),
            "unknown_frees": 0,
            "checked_captures": 0,
            "capture_mismatches": 0,
            "temporary_allocations": self.sum("temporary_blocks"),
            "temporary_bytes": self.sum("temporary_bytes"),
            "inherited_bytes": 0,
            "inherited_blocks": 0,
            "sites": len(self.columns["sites.node"]),
            "stacks": len(self.columns["nodes.parent"]) - 1,
            "threads": 1,
            "max_rss_bytes": max(rss, default=0),
            "dropped": {name: self.dropped.get(name, 0) for name in DROPS},
            "processes": self.processes,
            "warnings": self.warnings,
        }

    def gc(self) -> list[dict[str, Any]]:
        pauses: list[list[int]] = [[], [], []]
        for generation, pause in zip(
            self.columns["gc_events.generation"], self.columns["gc_events.pause_us"], strict=False
        ):
            pauses[generation].append(pause)
        return [
            {
                "collections": len(p),
                "collected": 0,
                "uncollectable": 0,
                "pause_s": sum(p) / 1e6,
                "longest_pause_s": max(p, default=0) / 1e6,
            }
            for p in pauses
        ]

    def container(self) -> bytes:
        columns, parts, offset = [], [], 0
        for name, values in self.columns.items():
            if name.startswith("sources.") and not values:
                continue
            encoding = "text" if name in TEXTS else "delta" if name in DELTAS else "varint"
            packed = ENCODERS[encoding](values)
            columns.append(
                {
                    "name": name,
                    "encoding": encoding,
                    "count": len(values),
                    "offset": offset,
                    "bytes": len(packed),
                }
            )
            parts.append(packed)
            offset += len(packed)
        head = json.dumps(
            {
                "format": 1,
                "barrow": "0.1.0",
                "summary": self.summary(),
                "domains": DOMAINS,
                "metrics": METRICS,
                "gc": self.gc(),
                "sizes": {domain: [0] * 192 for domain in DOMAINS},
                "source_left_out": 0,
                **({"heaps": self.heaps, "heap_warnings": []} if self.heaps else {}),
                "columns": columns,
            }
        ).encode()
        return b"".join([b"BARROWP1", len(head).to_bytes(4, "little"), head, *parts])


def element(name: str, container: bytes) -> str:
    text = base64.b64encode(gzip.compress(container, 6, mtime=0)).decode()
    return f'<script type="application/x-barrow" id="{name}">{text}</script>\n'


def page(template: str, main: Recording, base: Recording | None = None) -> str:
    data = element("main", main.container())
    if base:
        data += element("base", base.container())
    before, after = template.split(MARKER)
    return before + data + after


# ---- made-up programs ----

WORDS = [
    "read",
    "write",
    "parse",
    "load",
    "index",
    "merge",
    "join",
    "split",
    "clean",
    "fetch",
    "render",
    "build",
    "store",
    "scan",
    "pack",
    "sort",
]
THINGS = [
    "rows",
    "table",
    "orders",
    "users",
    "cache",
    "batch",
    "tree",
    "page",
    "image",
    "record",
    "frame",
    "block",
    "header",
    "token",
]
PACKAGES = ("shop", "pandas", "json", "sqlalchemy", "requests", "numpy", "csv", "logging", "xml")


def make_frames(recording: Recording, chance: random.Random, count: int) -> list[int]:
    frames = []
    while len(frames) < count:
        package = chance.choice(PACKAGES)
        stem = f"{chance.choice(WORDS)}{len(frames) // 400 or ''}"
        function = f"{chance.choice(WORDS)}_{chance.choice(THINGS)}"
        if chance.random() < 0.4:
            function = f"{chance.choice(THINGS).title()}.{function}"
        first = chance.randrange(1, 900)
        for line in sorted(chance.sample(range(1, 40), 3)):
            file = f"/srv/app/{package}/{stem}.py"
            frames.append(recording.frame(function, file, first + line, f"{package}.{stem}", first))
    return frames[:count]


def make_nodes(recording: Recording, chance: random.Random, frames: Sequence[int], count: int) -> None:
    """A tree with a few bushy regions and stacks some 40 deep."""
    main = recording.thread("MainThread")
    worker = recording.thread("worker-*")
    recording.node(main, recording.frame("<module>", "/srv/app/app.py", 12, "__main__", 1))
    recording.node(worker, recording.frame("Thread.run", "/usr/lib/python3.13/threading.py", 994, "", 990))
    made = 5
    depth = [0, 1, 1, 2, 2]
    while made < count:
        parent = made - 1 if chance.random() < 0.6 else int(made * chance.random() ** 1.5)
        if parent < 3 or depth[parent] > 60:
            parent = 3 + chance.randrange(min(made - 3, 40))
        recording.node(parent, frames[int(len(frames) * chance.random() ** 2)])
        depth.append(depth[parent] + 1)
        made += 1


def make_sites(recording: Recording, chance: random.Random, count: int, processes: int) -> None:
    nodes = len(recording.columns["nodes.parent"])
    picks = sorted(
        (int(3 + (nodes - 3) * chance.random()), chance.choices(range(4), (60, 20, 18, 2))[0]) for _ in range(count)
    )
    for node, domain in picks:
        size = int(chance.paretovariate(0.75) * 64)
        size = min(size, 1 << 27)
        blocks = max(1, size // chance.choice((56, 64, 120, 512, 4096)))
        leaked = chance.choices((0, 1, 0.3), (6, 1, 2))[0]
        churn = chance.randrange(1, 30)
        recording.site(
            node,
            DOMAINS[domain],
            (size, blocks),
            (int(size * leaked), int(blocks * leaked)),
            (size * churn, blocks * churn),
            (size * churn // 3, blocks * churn // 3),
            chance.randrange(processes),
        )


def make_times(recording: Recording, chance: random.Random, processes: int, points: int) -> None:
    """Sites come to life one after another up to 80 % of the run; then what is not leaked goes."""
    c = recording.columns
    count, span = len(c["sites.node"]), recording.duration_us
    birth = [int(span * 0.75 * chance.random()) for _ in range(count)]
    events: dict[int, list[tuple[int, int]]] = {}
    step = max(1, span // points)
    peak_at = int(span * 0.8)
    for site in range(count):
        slot = min(-(-birth[site] // step) * step, peak_at)
        events.setdefault(slot, []).append((site, 0))
        if c["sites.leaked_bytes"][site] != c["sites.peak_bytes"][site]:
            events.setdefault(span, []).append((site, 1))
    live = [0] * processes
    for time in sorted(set(events) | {peak_at, span}):
        for process in range(processes):
            changed = [(site, end) for site, end in events.get(time, ()) if c["sites.process"][site] == process]
            for site, end in changed:
                size = c["sites.leaked_bytes" if end else "sites.peak_bytes"][site]
                blocks = c["sites.leaked_blocks" if end else "sites.peak_blocks"][site]
                live[process] += size - (c["sites.peak_bytes"][site] if end else 0)
                recording.add("changes", site, size, blocks)
            flags = (PEAK if time == peak_at and processes == 1 else 0) | (END if time == span else 0)
            recording.add("points", time, process, flags, live[process], len(changed))
    make_samples(recording, chance, processes)


def make_samples(recording: Recording, chance: random.Random, processes: int) -> None:
    c, span = recording.columns, recording.duration_us
    interval = max(1, span // 400)
    series = [[(0, 0)] for _ in range(processes)]
    for time, process, live in zip(c["points.time_us"], c["points.process"], c["points.live_bytes"], strict=False):
        series[process].append((time, live))
    at = [0] * processes
    highest = [0] * processes
    for time in range(0, span + 1, interval):
        for process in range(processes):
            points = series[process]
            while at[process] + 1 < len(points) and points[at[process] + 1][0] <= time:
                at[process] += 1
            heap = points[at[process]][1]
            highest[process] = max(highest[process], heap)
            file = 11 << 20
            rss = file + (5 << 20) + int(highest[process] * 1.12)
            recording.add("samples", time, process, rss, 0, heap, file, time // 10, 0, 2)
            if chance.random() < 0.2:
                pause = int(chance.expovariate(1 / 3000)) + 30
                generation = chance.choices((0, 1, 2), (8, 3, 1))[0]
                recording.add("gc_events", time, process, pause, generation, pause // 10, 0)
    for share, name in ((0.2, "loaded"), (0.5, "joined")):
        recording.add("marks", int(span * share), 0, 0, recording.string(name))


def synthetic(sites: int, nodes: int, seed: int = 1, processes: int = 1, points: int = 20) -> Recording:
    chance = random.Random(seed)
    recording = Recording(command="python app.py --all", duration_us=42_000_000)
    for number in range(processes):
        recording.process(4711 + number, "python app.py --all" if not number else f"python worker.py {number}")
    frames = make_frames(recording, chance, max(3, min(60_000, nodes // 8)))
    make_nodes(recording, chance, frames, nodes)
    make_sites(recording, chance, sites, processes)
    make_times(recording, chance, processes, points)
    return recording


# ---- made-up heaps ----

CLASSES = [
    *("dict", "str", "list", "tuple", "int", "bytes", "set", "function", "code", "type", "cell"),
    *(f"{package}.{thing.title()}" for package in PACKAGES for thing in THINGS),
]


def add_tree(recording: Recording, chance: random.Random, depth: int, retained: int, least: int) -> None:
    """What a node dominates: parts that shrink, then what is left of it in one row."""
    left, others = retained, 0
    while left > least and depth < 60:
        part = int(left * chance.uniform(0.2, 0.9))
        if part < least:
            break
        left -= part
        name = chance.choice(CLASSES)
        reference = chance.choice((f".{chance.choice(THINGS)}", f"[{chance.randrange(999)}]", f"['{depth}']", ""))
        recording.heap_node(
            *(depth, name, part, part // 90 + 1),
            bytes=min(part, 64 << chance.randrange(8)),
            reference=reference,
            address=0x7F0000000000 + chance.randrange(1 << 30) * 16,
            length=chance.choice((0, chance.randrange(1 << 20))),
            birth=chance.randrange(1, len(recording.columns["frames.line"])),
            path=f"shop.app.cache{reference}" if depth < 6 else "",
        )
        add_tree(recording, chance, depth + 1, int(part * chance.uniform(0.5, 1)), least)
        others += 1
    if left > 1000 and others:
        recording.heap_node(depth, "", left, left // 60 + 3, kind=2, length=left // 90 + 3)


def add_paths(recording: Recording, chance: random.Random, name: str, objects: int) -> None:
    recording.heap_path(0, name, objects, objects * 200)
    recording.heap_path(1, "modules", objects * 4 // 5, objects * 160, kind=1)
    recording.heap_path(2, "module shop.app", objects * 4 // 5, objects * 160, kind=1)
    recording.heap_path(3, "shop.app", objects * 4 // 5, objects * 160, "module")
    recording.heap_path(4, ".cache", objects * 4 // 5, objects * 160, "dict")
    recording.heap_path(5, "[*]", objects * 4 // 5, objects * 160, name, ends=objects * 4 // 5)
    recording.heap_path(1, "threads", objects // 10, objects * 20, kind=1)
    recording.heap_path(2, "main (app.py:12)", objects // 10, objects * 20, kind=1)
    recording.heap_path(3, f"rows{chance.randrange(9)}", objects // 10, objects * 20, "list")
    recording.heap_path(4, "[*]", objects // 10, objects * 20, name, ends=objects // 10)
    recording.heap_path(1, "", objects // 10, objects * 20, kind=2)


def add_heaps(recording: Recording, seed: int = 1, count: int = 3) -> None:
    chance = random.Random(seed)
    sizes = {name: int(chance.paretovariate(0.6) * 5000) for name in CLASSES}
    for number in range(count):
        last = number == count - 1
        heap = recording.heap(1.5 * (number + 1), flags=2 if last else 0)
        for name, size in sizes.items():
            objects = size // chance.choice((48, 64, 120, 400)) + 1
            recording.heap_type(name, objects, size, int(size * chance.uniform(1, 4)))
        recording.heap_type("", 1234, 99_999, 0)
        heap["garbage_objects"], heap["garbage_bytes"] = 420, 31_000
        recording.heap_node(0, "everything", heap["bytes"], heap["objects"], kind=1)
        for share, name in ((0.7, "module shop.app"), (0.2, "threads"), (0.05, "held by C code")):
            recording.heap_node(1, name, int(heap["bytes"] * share), 999, kind=1)
            add_tree(recording, chance, 2, int(heap["bytes"] * share), heap["bytes"] // 2000)
        recording.heap_node(1, "", 31_000, 420, kind=3)
        for name in sorted(sizes, key=lambda name: -sizes[name])[:30]:
            add_paths(recording, chance, name, sizes[name] // 80 + 10)
        for name in sizes:
            if chance.random() < 0.5:
                sizes[name] = int(sizes[name] * chance.uniform(0.9, 1.5))


def deep(levels: int) -> Recording:
    """One stack, so many calls deep: two functions that call each other."""
    recording = Recording(command="python deep.py")
    node = recording.thread("MainThread")
    for level in range(levels):
        name, line = (("even", 4), ("odd", 8))[level % 2]
        node = recording.node(node, recording.frame(name, "/srv/deep.py", line, "__main__", line - 1))
        if level % 100 == 99 or level == levels - 1:
            recording.site(node, "obj", (1000, 10), (100, 1))
    make_times(recording, random.Random(1), 1, 4)
    return recording


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("template", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sites", type=int, default=20_000)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--base", action="store_true", help="compare with a second recording")
    options = parser.parse_args()
    sizes = options.sites, options.nodes
    recording = synthetic(*sizes, options.seed, options.processes)
    base = synthetic(*sizes, options.seed + 1, options.processes) if options.base else None
    options.out.write_text(page(options.template.read_text(encoding="utf-8"), recording, base), encoding="utf-8")


if __name__ == "__main__":
    main()
