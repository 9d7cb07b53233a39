"""Walks of a program that is busy: none may crash it or disturb it, and each must be readable.

BARROW_TEST_WALKS sets their number: 300 as a rule, 10000 before a release.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from runner import execute, plain, run_words
from snapshots import types

PROGRAM = Path(__file__).with_name("load_program.py")
WALKS = int(os.environ.get("BARROW_TEST_WALKS", "300"))
PROCESSES = 4  # new processes meet the start of everything again
SECONDS_A_WALK = 2


@pytest.mark.timeout(60 + WALKS * SECONDS_A_WALK)
@pytest.mark.parametrize("recorded", [False, True], ids=["alone", "recorded"])
def test_walks_under_load(tmp_path: Path, recorded: bool) -> None:
    each = max(1, WALKS // 2 // PROCESSES)
    for number in range(PROCESSES):
        snapshot = tmp_path / f"{number}.barrow"
        words = [str(PROGRAM), str(snapshot), str(each)]
        limit = 60 + each * SECONDS_A_WALK
        if recorded:
            start = run_words(tmp_path / f"recording{number}.barrow")
            done = execute([*start, *words], timeout=limit)
        else:
            done = plain("-X", "faulthandler", *words, timeout=limit)
        assert done.status == 0, done.stderr
        assert done.stdout == f"{each}\n"
        _check(snapshot)


def _check(snapshot: Path) -> None:
    found = types(snapshot)
    assert found["threading.Thread"]["objects"] >= 9
    assert found["dict"]["objects"] > 1000
    assert sum(row["bytes"] for row in found.values()) > 1 << 20
