"""A snapshot's references are those that the interpreter's own traversal reports, and have names."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from runner import execute, ledger

PROGRAM = Path(__file__).with_name("edges_program.py")


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    directory = tmp_path_factory.mktemp("edges")
    snapshot, truth = directory / "snapshot.barrow", directory / "truth.json"
    done = execute([sys.executable, str(PROGRAM), str(snapshot), str(truth)])
    assert done.status == 0, done.stderr
    return snapshot, json.loads(truth.read_text())


def ask(snapshot: Path, question: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ledger(snapshot).view("sql", question)["rows"]
    return rows


# What objects own without tp_traverse telling of it: texts that are keys, names of classes, what weak references
# point to.  3.13.0 leaves out the __dict__ of instances whose values lie in them.
UNTOLD = {"key", "weak", "internal"}
UNTOLD_NAMES = {"__name__", "__qualname__", "__slots__", "__dict__"}


def test_edges_are_those_of_the_interpreter(noted: tuple[Path, dict[str, Any]]) -> None:
    snapshot, truth = noted
    same = {int(address): Counter(referents) for address, referents in truth["same"].items()}
    assert len(same) > 150 and len(same) > truth["all"] - 5
    rows = ask(
        snapshot,
        "select s.address source, t.address target, r.kind, r.name, s.class from refs r "
        "join objects s on s.id = r.source join objects t on t.id = r.target",
    )
    edges: dict[int, Counter[int]] = {address: Counter() for address in same}
    untold: dict[int, Counter[int]] = {address: Counter() for address in same}
    classes: dict[int, str] = {}
    for row in rows:
        if row["source"] in same:
            classes[row["source"]] = row["class"]
            edges[row["source"]][row["target"]] += 1
            if row["kind"] in UNTOLD or row["name"] in UNTOLD_NAMES:
                untold[row["source"]][row["target"]] += 1
    for address, expected in same.items():
        missing = expected - edges[address]
        surplus = edges[address] - expected - untold[address]
        assert not missing, (classes.get(address), "missing", missing)
        assert not surplus, (classes.get(address), "surplus", surplus)


def test_nearly_all_references_have_names(noted: tuple[Path, dict[str, Any]]) -> None:
    snapshot, _ = noted
    rows = ask(snapshot, "select kind, count(*) n from refs group by kind")
    count = {row["kind"]: row["n"] for row in rows}
    unnamed = count.get("reference", 0) + count.get("ref", 0)
    assert unnamed < sum(count.values()) / 200


def test_names(noted: tuple[Path, dict[str, Any]]) -> None:
    snapshot, _ = noted
    rows = ask(
        snapshot,
        "select distinct s.class, r.kind, r.name from refs r join objects s on s.id = r.source "
        "where s.class like '__main__.%' or s.class in ('generator', 'coroutine', 'function', 'cell', 'frame', "
        "'functools.partial')",
    )
    names = {(row["class"], row["name"]) for row in rows}
    for pair in [
        ("__main__.Plain", "a"),
        ("__main__.Plain", "__dict__"),
        ("__main__.Slotted", "left"),
        ("__main__.SlottedChild", "right"),
        ("__main__.Data", "x"),
        ("__main__.Exc", "args"),
        ("__main__.Exc", "__traceback__"),
        ("generator", "local"),
        ("coroutine", "value"),
        ("function", "__closure__"),
        ("function", "__defaults__"),
        ("cell", "cell_contents"),
        ("functools.partial", "args"),
        ("frame", "local"),
    ]:
        assert pair in names, pair
