"""Reads what `barrow report` writes, strictly by docs/internals/report.md, and checks it against the views.

page = read_page(html)                     # Page: title, data elements, everything else
container = page.data["main"]              # Container: head, columns
check(container, runner.ledger(path))      # every column against `barrow ... --json`
"""

from __future__ import annotations

import base64
import collections
import gzip
import json
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from runner import METRICS, Ledger, frame_text

MAGIC = b"BARROWP1"
FOLDED_NAME = "(frames left out)"
GROUPS = {
    "frames": ("function", "file", "module", "line", "first_line"),
    "nodes": ("parent", "frame", "flags"),
    "sites": ("node", "process", "domain", *(f"{m}_{u}" for m in METRICS for u in ("bytes", "blocks"))),
    "samples": (
        *("time_us", "process", "rss", "pss", "heap", "file"),
        *("minor_faults", "major_faults", "threads"),
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


# ---- bytes ----


def numbers(data: bytes) -> list[int]:
    found, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            assert byte or shift == 7, "a number is longer than it must be"
            assert value < 1 << 53
            found.append(value)
            value = shift = 0
    assert shift == 0, "the last number has no end"
    return found


def deltas(data: bytes) -> list[int]:
    found, value = [], 0
    for number in numbers(data):
        value += number >> 1 ^ -(number & 1)
        assert 0 <= value < 1 << 53
        found.append(value)
    return found


def texts(data: bytes) -> list[str]:
    assert not data or data.endswith(b"\0")
    return data.decode().split("\0")[:-1]


DECODERS = {"varint": numbers, "delta": deltas, "text": texts}


@dataclass
class Container:
    head: dict[str, Any]
    columns: dict[str, list[Any]]

    def rows(self, group: str) -> list[dict[str, Any]]:
        names = [name for name in GROUPS[group] if f"{group}.{name}" in self.columns]
        columns = [self.columns[f"{group}.{name}"] for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def decode(data: bytes) -> Container:
    assert data[:8] == MAGIC
    end = 12 + int.from_bytes(data[8:12], "little")
    head = json.loads(data[12:end].decode())
    columns, at = {}, 0
    for column in head["columns"]:
        assert column["offset"] == at and column["name"] not in columns
        at += column["bytes"]
        part = data[end + column["offset"] : end + at]
        assert len(part) == column["bytes"]
        columns[column["name"]] = DECODERS[column["encoding"]](part)
        assert len(columns[column["name"]]) == column["count"]
    assert end + at == len(data), "bytes that no column has"
    return Container(head, columns)


# ---- the page ----


class Page(HTMLParser):
    """A page taken apart; `rest` is its tags and texts without the data elements and the title."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.data: dict[str, Container] = {}
        self.rest: list[Any] = []
        self._inside: tuple[str, dict[str, str | None]] = ("", {})

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._inside = (tag, dict(attributes))
        if not self._is_data():
            self.rest.append((tag, attributes))

    def handle_endtag(self, tag: str) -> None:
        if not self._is_data():
            self.rest.append(tag)
        self._inside = ("", {})

    def handle_data(self, text: str) -> None:
        tag, attributes = self._inside
        if tag == "title":
            self.title += text
        elif self._is_data():
            name = attributes["id"]
            assert name and name not in self.data and set(attributes) == {"type", "id"}
            self.data[name] = decode(gzip.decompress(base64.b64decode(text, validate=True)))
        elif text.strip():
            self.rest.append(text.strip())

    def _is_data(self) -> bool:
        return self._inside[1].get("type") == "application/x-barrow"


def read_page(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


# ---- what it says, compared with the views ----


def plain(text: str) -> str:
    """As the page has it: lone surrogates, which JSON can say, are replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def plain_all(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    return [plain_all(item) for item in value] if isinstance(value, list | tuple) else value


def check_shape(container: Container, sources: bool = True) -> None:
    """Counts, ranges and order, for whoever reads columns without looking."""
    columns, head = container.columns, container.head
    groups = {group: names for group, names in GROUPS.items() if sources or group != "sources"}
    expected = ["strings", *(f"{group}.{name}" for group, names in groups.items() for name in names)]
    assert sorted(columns) == sorted(expected)
    count = {}
    for group, names in groups.items():
        lengths = {len(columns[f"{group}.{name}"]) for name in names}
        assert len(lengths) == 1, group
        count[group] = lengths.pop()
    processes = len(head["summary"]["processes"])
    below = {
        **{f"frames.{name}": len(columns["strings"]) for name in ("function", "file", "module")},
        "marks.name": len(columns["strings"]),
        "lines.file": len(columns["strings"]),
        "nodes.frame": count["frames"],
        "sites.node": count["nodes"],
        "sites.domain": len(head["domains"]),
        "changes.site": count["sites"],
        **{f"{group}.process": processes for group in ("sites", "samples", "gc_events", "marks", "points")},
    }
    for name, limit in below.items():
        assert all(value < limit for value in columns[name]), name
    assert columns["strings"][0] == "" and len(set(columns["strings"])) == len(columns["strings"])
    assert all(parent < node for node, parent in enumerate(columns["nodes.parent"]) if node)
    for name in ("sites.node", "samples.time_us", "gc_events.time_us", "marks.time_us", "points.time_us"):
        assert columns[name] == sorted(columns[name]), name
    assert sum(columns["points.changes"]) == count["changes"]
    at = 0
    for changes in columns["points.changes"]:
        part = columns["changes.site"][at : at + changes]
        assert part == sorted(set(part))
        at += changes
    assert (head["format"], head["metrics"]) == (1, list(METRICS))
    assert head["domains"] == ["obj", "mem", "malloc", "mmap"]
    assert {domain: len(counts) for domain, counts in head["sizes"].items()} == dict.fromkeys(head["domains"], 192)


def stacks(container: Container) -> list[tuple[tuple[Any, ...], str]]:
    """For each node its stack, leaf first, as a linked list, and its thread group."""
    strings = container.columns["strings"]
    frames = [
        (strings[f["function"]], strings[f["file"]], f["line"]) for f in container.rows("frames")
    ]
    found: list[tuple[tuple[Any, ...], str]] = [((), "")]
    for node in container.rows("nodes")[1:]:
        above, thread = found[node["parent"]]
        frame = frames[node["frame"]]
        if node["flags"] & 1:
            found.append((above, frame[0]))
        else:
            found.append((((FOLDED_NAME, "", 0) if node["flags"] & 2 else frame, above), thread))
    return found


def unlinked(stack: tuple[Any, ...]) -> tuple[Any, ...]:
    out = []
    while stack:
        frame, stack = stack
        out.append(frame)
    return tuple(out)


def key_of(by: str, stack: tuple[Any, ...], thread: str, domain: str) -> Any:
    if by == "stack":
        return unlinked(stack)
    if by == "line":
        function, file, line = stack[0] if stack else ("", "", 0)
        return ("" if function == FOLDED_NAME else function, file, line, domain)
    return {"thread": thread, "domain": domain}[by]


def grouped(container: Container, metric: str, by: str) -> dict[Any, tuple[int, int]]:
    domains, of_node = container.head["domains"], stacks(container)
    sums: dict[Any, list[int]] = collections.defaultdict(lambda: [0, 0])
    for site in container.rows("sites"):
        values = site[f"{metric}_bytes"], site[f"{metric}_blocks"]
        if values != (0, 0):
            sum_ = sums[key_of(by, *of_node[site["node"]], domains[site["domain"]])]
            sum_[0] += values[0]
            sum_[1] += values[1]
    return {key: (value[0], value[1]) for key, value in sums.items()}


def shown(ledger: Ledger, metric: str, by: str) -> dict[Any, tuple[int, int]]:
    rows: dict[Any, list[int]] = collections.defaultdict(lambda: [0, 0])
    for row in ledger.rows(metric, by):
        if by == "line":
            key = (plain(row["function"]), plain(row["file"]), row["line"], row["domain"])
        elif by == "stack":
            key = tuple(tuple(plain_all(frame_text(frame))) for frame in row["stack"])
        else:
            key = plain(row[by])
        rows[key][0] += row["bytes"]
        rows[key][1] += row["blocks"]
    return {key: (value[0], value[1]) for key, value in rows.items()}


def check_series(container: Container, ledger: Ledger) -> None:
    timeline, pids = ledger.view("timeline"), [p["pid"] for p in container.head["summary"]["processes"]]
    renamed = {"rss": "rss_bytes", "pss": "pss_bytes", "heap": "heap_bytes", "file": "file_bytes"}
    for group, renames in (("samples", renamed), ("gc_events", {})):
        ours = container.rows(group)
        assert len(ours) == len(timeline[group])
        for row, theirs in zip(ours, timeline[group], strict=True):
            assert pids[row.pop("process")] == theirs["pid"]
            assert abs(row.pop("time_us") - theirs["time_s"] * 1e6) < 1.01
            if group == "gc_events":
                assert abs(row.pop("pause_us") - theirs["pause_s"] * 1e6) < 1.01
            for name, value in row.items():
                assert value == theirs.get(renames.get(name, name), 0), name
    generations = timeline["gc"]["generations"]
    assert container.head["gc"] == [{key: g[key] for key in container.head["gc"][0]} for g in generations]


def check_points(container: Container) -> None:
    """What lives site by site, told by changes, ends in what was never freed and passes the peak."""
    sites = container.rows("sites")
    live: list[tuple[int, int]] = [(0, 0)] * len(sites)
    changes, ended = iter(container.rows("changes")), set()
    for point in container.rows("points"):
        for _ in range(point["changes"]):
            change = next(changes)
            assert sites[change["site"]]["process"] == point["process"]
            live[change["site"]] = (change["bytes"], change["blocks"])
        own = [n for n, site in enumerate(sites) if site["process"] == point["process"]]
        for flag, metric in ((1, "peak"), (2, "leaked")):
            if point["flags"] & flag:
                expected = [(sites[n][f"{metric}_bytes"], sites[n][f"{metric}_blocks"]) for n in own]
                assert [live[n] for n in own] == expected
        if point["flags"] & 2:
            ended.add(point["process"])
    assert ended == set(range(len(container.head["summary"]["processes"])))


def check(container: Container, ledger: Ledger, sources: bool = True) -> None:
    check_shape(container, sources)
    assert container.head["summary"] == ledger.summary
    for metric in METRICS:
        for by in ("line", "domain", "thread", "stack"):
            assert grouped(container, metric, by) == shown(ledger, metric, by), (metric, by)
    check_series(container, ledger)
    check_points(container)
