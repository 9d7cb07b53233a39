"""A walk leaves no trace in the program: every number that a program can read of itself is the same
before and after, whether it is recorded or not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from runner import execute, run_words

PROGRAM = Path(__file__).with_name("quiet_program.py")
PAGES = 64


@pytest.fixture(scope="module", params=["alone", "recorded", "forked"])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    """What was noted: name -> its value before the walk, after it, and what a control changed."""
    directory = tmp_path_factory.mktemp("quiet")
    words = [str(PROGRAM), str(directory / "snapshot.barrow"), str(directory / "seen.json")]
    recording = directory / "recording.barrow"
    start = run_words(recording) if request.param == "recorded" else [sys.executable]
    more = ["fork"] if request.param == "forked" else []
    done = execute([*start, *words, *more])
    assert done.status == 0, done.stderr
    return json.loads((directory / "seen.json").read_text())


@pytest.mark.parametrize(
    "name", ["blocks", "objects", "count", "stats", "references", "sizes", "tasks", "threads", "descriptors"]
)
def test_same_before_and_after(seen: dict[str, list[object]], name: str) -> None:
    before, after = seen[name]
    assert before == after


def test_resident_memory(seen: dict[str, list[int]]) -> None:
    """The least growth of several walks: other memory of the process may be touched meanwhile."""
    assert min(seen["pages"]) <= PAGES


def test_no_dict_was_materialised(seen: dict[str, list[int]]) -> None:
    """Asking for the dicts of instances afterwards makes one each (a few come from the free list)."""
    made, instances = seen["dicts"]
    assert made >= instances - 100


def test_no_code_ran(seen: dict[str, list[object]]) -> None:
    assert seen["calls"] == [0, 0]
