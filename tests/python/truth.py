"""The truth at the head of a target program, and its comparison with a ledger.

The first line says what the program is about.  The comment lines that follow it are the head:

    # truth: function=make line=@a domain=malloc total=EXPR,EXPR peak=… leaked=… temporary=…
    # stack: leaf:@a < caller:@b < <module>:@c | domain=malloc total=…
    # rows: by=thread name=worker-* domain=malloc total=…
    # summary: threads=101 unknown_frees>=10
    # args: words    # options: words before the script    # env: NAME=VALUE …
    # also: malloc debug jemalloc tcmalloc     run again with that allocator, same truth
    # only: Python expression over `py` (a version tuple); else the target is not run
    # needs: module or lib:name …              skipped where there is none
    # exit: status
    # module: yes             run by -m, in the targets' directory
    # dropped: name …         what the target makes the recorder give up: the count is in the
                              truth as the name, e.g. total=4096*(n-reentrant_events),…

A metric's two values are bytes and blocks, Python expressions without spaces over `py` and
`dropped` counts; `*` is not compared, `>` before the two asks for at least as much, `<` for at
most.  @a is the line of the program that ends with `# @a`.  A frame may be `*` (any) or be
repeated, `12*f:@a`; a stack may end with `...` (any callers).  A row that is not there has 0,0.
A line that begins with `#` and five spaces continues the one before.

A target prints more such lines when it learns a truth only by running (how often a callback was
called), and `skip: reason` when it can't do its work here.
"""

from __future__ import annotations

import operator
import re
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner import METRICS, Ledger, frame_text

FIELDS = ("args", "options", "env", "also", "needs")


@dataclass
class Claim:
    text: str
    where: dict[str, str]
    stack: list[str]
    values: dict[str, str]


@dataclass
class Truth:
    path: Path
    marks: dict[str, int]
    claims: list[Claim] = field(default_factory=list)
    summary: list[tuple[str, str, str]] = field(default_factory=list)
    words: dict[str, list[str]] = field(default_factory=dict)
    only: str = "True"
    status: int = 0
    module: bool = False
    dropped: list[str] = field(default_factory=list)

    def add(self, kind: str, text: str) -> None:
        if kind in ("truth", "stack", "rows"):
            self.claims.append(self._claim(kind, text))
        elif kind == "summary":
            self.summary += re.findall(r"(\w+)(>=|<=|=)(\S+)", text)
        elif kind in FIELDS:
            self.words.setdefault(kind, []).extend(shlex.split(text))
        elif kind == "only":
            self.only = text
        elif kind == "exit":
            self.status = int(text)
        elif kind == "module":
            self.module = True
        elif kind == "dropped":
            self.dropped += text.split()
        else:
            raise ValueError(f"{self.path}: unknown word in the head: {kind}: {text}")

    def _claim(self, kind: str, text: str) -> Claim:
        stack: list[str] = []
        if kind == "stack":
            frames, _, text = text.partition(" | ")
            for frame in frames.split(" < "):
                times, star, repeated = frame.strip().partition("*")
                again = int(times) if star and times.isdigit() else 0
                stack += [repeated] * again if again else [frame.strip()]
        where = {"by": "stack" if kind == "stack" else "line"}
        values = {}
        for word in shlex.split(text):
            key, _, value = word.partition("=")
            (values if key in METRICS else where)[key] = value
        if not values:
            raise ValueError(f"{self.path}: a truth without a value: {text}")
        places = [frame.rpartition(":")[2] for frame in stack] + [where.get("line", "")]
        if unknown := [p for p in places if p.startswith("@") and p[1:] not in self.marks]:
            raise ValueError(f"{self.path}: no line is marked {unknown}")
        return Claim(text, where, stack, values)

    def line(self, text: str) -> int:
        return self.marks[text[1:]] if text.startswith("@") else int(text)


def read_truth(path: Path) -> Truth:
    source = path.read_text().splitlines()
    marks = {
        mark: number
        for number, line in enumerate(source, 1)
        for mark in re.findall(r"# @(\w+)$", line)
    }
    truth = Truth(path, marks)
    head: list[tuple[str, str]] = []
    for line in source[1:]:
        if not line.startswith("#"):
            break
        if found := re.match(r"# ([a-z]+): (.*)", line):
            head.append((found[1], found[2]))
        elif line.startswith("#     ") and head:
            head[-1] = head[-1][0], f"{head[-1][1]} {line[1:].strip()}"
    for kind, text in head:
        truth.add(kind, text)
    return truth


def applies(truth: Truth) -> bool:
    return bool(eval(truth.only, {"py": sys.version_info[:2]}))


def _matches(pattern: str, row_value: str) -> bool:
    return row_value == pattern or (pattern.endswith("~") and row_value.startswith(pattern[:-1]))


def _row_matches(truth: Truth, claim: Claim, row: dict[str, Any]) -> bool:
    file = claim.where.get("file", "@")
    if claim.where["by"] in ("line", "function"):
        if row["file"] != (str(truth.path) if file == "@" else file):
            return False
        if not _matches(claim.where["function"], row["function"]):
            return False
        if "domain" in claim.where and row["domain"] != claim.where["domain"]:
            return False
        return "line" not in claim.where or row["line"] == truth.line(claim.where["line"])
    if claim.where["by"] == "stack":
        return _stack_matches(truth, claim, row["stack"])
    return row[claim.where["by"]] == claim.where["name"]


def _stack_matches(truth: Truth, claim: Claim, stack: list[Any]) -> bool:
    want = list(claim.stack)
    if "depth" in claim.where and len(stack) != int(claim.where["depth"]):
        return False
    if want[-1] == "...":
        want.pop()
        stack = stack[: len(want)]
    if len(want) != len(stack):
        return False
    return all(_frame_matches(truth, *pair) for pair in zip(want, stack, strict=True))


def _frame_matches(truth: Truth, want: str, frame: Any) -> bool:
    if want == "*":
        return True
    name, _, place = want.rpartition(":")
    function, file, line = frame_text(frame)
    if place.startswith("@") and file != str(truth.path):
        return False
    return function == name and (place == "*" or line == truth.line(place))


def _expected(text: str, names: dict[str, Any]) -> list[int | None]:
    parts = re.split(r",(?![^(]*\))", text)
    assert len(parts) == 2, f"bytes,blocks wanted: {text}"
    return [None if part == "*" else int(eval(part, names)) for part in parts]


def _holds(text: str, got: list[int], names: dict[str, Any]) -> bool:
    relations = {"<": operator.le, ">": operator.ge}
    relation = relations.get(text[0], operator.eq)
    want = _expected(text.lstrip("<>"), names)
    return all(w is None or relation(g, w) for w, g in zip(want, got, strict=True))


def compare(truth: Truth, ledger: Ledger) -> list[str]:
    """One line for each claim that does not hold."""
    wrong = []
    names = {"py": sys.version_info[:2], **ledger.summary["dropped"]}
    for claim in truth.claims:
        words = []
        if "domain" in claim.where and claim.where["by"] not in ("line", "function"):
            words = ["--filter", f"domain={claim.where['domain']}"]
        for metric, text in claim.values.items():
            rows = ledger.rows(metric, claim.where["by"], *words)
            found = [row for row in rows if _row_matches(truth, claim, row)]
            got = [sum(row[unit] for row in found) for unit in ("bytes", "blocks")]
            if not _holds(text, got, names):
                place = " < ".join(claim.stack)
                wrong.append(f"{place} {claim.where}: {metric}={text}, but is {got[0]},{got[1]}")
    for key, sign, text in truth.summary:
        got, limit = {**ledger.summary, **names}[key], eval(text, dict(names))
        if not {"=": operator.eq, ">=": operator.ge, "<=": operator.le}[sign](got, limit):
            wrong.append(f"summary: {key} is {got}, not {sign} {limit}")
    return wrong


def consistency(ledger: Ledger) -> list[str]:
    """What must hold of every ledger: the groupings and the summary say the same.

    Of the peak they may differ by what the summary says that it may be off; of several processes
    together the lines' shares of the peak need not add up, as they come from nearby moments.
    """
    summary, wrong = ledger.summary, []
    slack = {"peak": summary["peak_imprecision_bytes"]}
    if len(summary["processes"]) > 1:
        slack["peak"] = summary["peak_bytes"]
    wholes = {
        "peak": (summary["peak_bytes"], None),
        "leaked": (summary["live_bytes"], summary["live_blocks"]),
        "total": (summary["total_bytes"], summary["allocations"]),
        "temporary": (None, summary["temporary_allocations"]),
    }
    for metric, whole in wholes.items():
        for by in ("line", "function", "file", "module", "domain", "thread", "stack"):
            if by == "stack" and summary["stacks"] > 20000:
                continue
            rows = ledger.rows(metric, by)
            got = (sum(row["bytes"] for row in rows), sum(row["blocks"] for row in rows))
            room = slack.get(metric, 0)
            if any(w is not None and abs(w - g) > room for w, g in zip(whole, got, strict=True)):
                wrong.append(f"{metric} by {by} adds up to {got}, the summary says {whole}")
            order = [(-row["bytes"], -row["blocks"]) for row in rows]
            if order != sorted(order):
                wrong.append(f"{metric} by {by} is not sorted")
    if summary["allocations"] - summary["frees"] != summary["live_blocks"]:
        wrong.append(f"allocations - frees is not live_blocks: {summary}")
    return wrong
