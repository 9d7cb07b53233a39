"""The leak zoo: programs with one planted leak each, and programs without.

The head of a leaking program names two of its lines by their marks (`# @mark` at the end of a line):

    # HOLDER: @a             the line that made the container that holds what leaks; of containers
                             without such a line (C memory, the interpreter's own) the line said
                             in the head's words.  `@a or @b` if two lines are equally right;
                             `other.py @a` for a line of another file of the zoo; `module.py "text"`
                             for the line of the standard library that says so
    # BIRTH: @b              the line that allocated most of what is held
    # NEEDS: module          skipped without it

`barrow leaks` must name both first; for programs without a leak (clean_*.py) it must say nothing.
"""

from __future__ import annotations

import atexit
import importlib.util
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from native import target_environment
from runner import TARGETS, ledger, record
from snapshots import rows, view

ZOO = TARGETS.parent / "zoo"
LEAKS = sorted(ZOO.glob("leak_*.py"))
CLEAN = sorted(ZOO.glob("clean_*.py"))
# Program -> why `barrow leaks` doesn't find it yet.  Never more than two.
MISSED: dict[str, str] = {}

Place = tuple[str, int]


@cache
def head(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return {m[1]: m[2] for line in lines if (m := re.fullmatch(r"# ([A-Z]+): (.*)", line))}


def marked(path: Path, mark: str) -> Place:
    lines = path.read_text().splitlines()
    (number,) = (n for n, line in enumerate(lines, 1) if line.endswith(f"# {mark}"))
    return str(path), number


def place(path: Path, words: str) -> Place:
    """The line that one alternative of a head means."""
    if quoted := re.fullmatch(r'(\w+)\.py "(.*)"', words):
        spec = importlib.util.find_spec(quoted[1])
        assert spec and spec.origin
        lines = Path(spec.origin).read_text().splitlines()
        return spec.origin, next(n for n, line in enumerate(lines, 1) if line.strip() == quoted[2])
    file, _, mark = words.rpartition(" ")
    return marked(ZOO / file if file else path, mark)


def places(path: Path, key: str) -> list[Place]:
    return [place(path, words) for words in head(path)[key].split(" or ")]


def skip_if_missing(path: Path) -> None:
    needs = head(path).get("NEEDS")
    if needs and not importlib.util.find_spec(needs):
        pytest.skip(f"no module {needs}")


@cache
def recording(path: Path) -> Path:
    """The program's run, recorded and with a snapshot at its end."""
    output = Path(tempfile.mkdtemp(prefix="barrow-zoo-")) / "zoo.barrow"
    atexit.register(shutil.rmtree, output.parent)
    for _ in range(3):
        done = record(output, path, options=("--dig", "-f"), env=target_environment())
        assert done.status == 0, done.stderr
        assert not done.stdout
        # On a machine that is too busy the recorder is late: nothing can be said of growth.
        if len(rows(output, "select time_s from checkpoints")) >= 4:
            break
    return output


def findings(path: Path) -> list[dict[str, Any]]:
    """What `barrow leaks` says by the snapshot: who holds something."""
    found = view("leaks", recording(path), "--json")["findings"]
    return [finding for finding in found if "holder" in finding]


def cases(paths: list[Path]) -> list[Any]:
    return [pytest.param(path, id=path.stem.partition("_")[2]) for path in paths]


@pytest.mark.parametrize("path", cases(LEAKS))
def test_leak_is_what_the_head_says(path: Path) -> None:
    """The programs themselves: one to ten mebibytes, most of them born at the marked line."""
    lines: dict[Place, int] = {}
    for row in ledger(recording(path)).rows("leaked", "line"):
        if row["file"].startswith(str(ZOO)) and not row["file"].endswith("ordinary.py"):
            lines[row["file"], row["line"]] = lines.get((row["file"], row["line"]), 0) + row["bytes"]
    best = max(lines, key=lambda line: lines[line])
    assert best in places(path, "BIRTH"), sorted(lines.items(), key=lambda item: -item[1])[:5]
    assert 1 << 20 <= lines[best] <= 10 << 20
    assert all(file.startswith("/") and line for file, line in places(path, "HOLDER"))


@pytest.mark.parametrize("path", cases(LEAKS))
def test_leak_is_found(path: Path, request: pytest.FixtureRequest) -> None:
    if path.stem in MISSED:
        request.applymarker(pytest.mark.xfail(reason=MISSED[path.stem]))
    found = findings(path)
    assert found, "no finding has a holder"
    holder, birth = found[0]["holder"], found[0]["birth"]
    assert (holder["file"], holder["line"]) in places(path, "HOLDER"), found[0]
    assert (birth["file"], birth["line"]) in places(path, "BIRTH"), found[0]


@pytest.mark.parametrize("path", cases(CLEAN))
def test_nothing_is_found_in_a_clean_program(path: Path) -> None:
    skip_if_missing(path)
    assert ledger(recording(path)).summary["complete"]
    assert findings(path) == []


def test_there_are_enough_programs() -> None:
    assert len(LEAKS) >= 24
    assert len(CLEAN) >= 10
    assert len(MISSED) <= 2
    assert MISSED.keys() <= {path.stem for path in LEAKS}
