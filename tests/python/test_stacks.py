"""Every stack that is captured is compared with an uncached walk: not one may differ.

The workloads are tests/targets/stacks_*.py; together they make at least BARROW_TEST_CAPTURES
captures, 1,000,000 if not set.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from native import target_environment
from runner import TARGETS, execute, ledger, record
from truth import compare, consistency, read_truth

CAPTURES = int(os.environ.get("BARROW_TEST_CAPTURES", "1000000"))
# Rounds that make some 10,000 captures.
ROUNDS = {
    "stacks_async": 12,
    "stacks_recursion": 10,
    "stacks_generators": 20,
    "stacks_calls": 20,
    "stacks_traced": 10,
    "stacks_threads": 25,
    "stacks_greenlets": 10,
}


@pytest.mark.parametrize("name", ROUNDS)
def test_captures(name: str, tmp_path: Path) -> None:
    script = TARGETS / f"{name}.py"
    for need in read_truth(script).words.get("needs", []):
        if not importlib.util.find_spec(need):
            pytest.skip(f"no module {need}")
    share = CAPTURES // (len(ROUNDS) - 1) + 1  # the greenlets' may be missing
    rounds = ROUNDS[name] * share // 10000
    output = tmp_path / "stacks.barrow"
    env = target_environment()
    done = record(output, script, rounds, options=("--check-stacks",), env=env, timeout=600)
    assert done.status == 0, done.stderr
    summary = ledger(output).summary
    assert summary["capture_mismatches"] == 0
    assert summary["checked_captures"] >= share
    assert not any(summary["dropped"].values()), summary["dropped"]
    assert consistency(ledger(output)) == []


def test_without_checking_there_is_nothing_to_say(tmp_path: Path) -> None:
    """The counts belong to the check: a plain recording has none of them, or none counted."""
    output = tmp_path / "plain.barrow"
    assert record(output, "-c", "kept = [[n] for n in range(1000)]").status == 0
    assert not ledger(output).summary.get("checked_captures")


@pytest.mark.parametrize("name", ["stack_calls", "stack_exec", "stack_generators", "threads_100"])
def test_checking_changes_no_truth(name: str, tmp_path: Path) -> None:
    """Targets of known truth, with every capture checked: the truth stays, nothing differs."""
    truth = read_truth(TARGETS / f"{name}.py")
    output = tmp_path / "checked.barrow"
    done = record(output, truth.path, options=("--check-stacks",), env=target_environment())
    assert done.status == 0, done.stderr
    book = ledger(output)
    assert compare(truth, book) + consistency(book) == []
    assert book.summary["checked_captures"] > 0
    assert book.summary["capture_mismatches"] == 0


CONSTRUCTOR = """\
import barrow
class A:
    def __init__(self):
        self.x = bytes(1000)
class Records:
    def __init__(self):
        with barrow.record():
            pass
def make():
    kept.append(A())
def nested():
    return Records()
kept = []
with barrow.record() as recording:
    for _ in range(100):
        make()
for _ in range(10):
    nested()
stacks = {
    tuple((frame.function, frame.line) for frame in row.stack)
    for row in recording.open().table("leaked", by="stack")
    if row.stack and row.stack[0].line == 4
}
print(stacks)
"""


def test_specialised_calls_of_classes_add_no_frame(tmp_path: Path) -> None:
    """What the interpreter puts between a class's caller and __init__ is not the program's."""
    script = tmp_path / "constructor.py"
    script.write_text(CONSTRUCTOR)
    done = execute([sys.executable, "-I", str(script)])
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout == "{(('A.__init__', 4), ('make', 10), ('<module>', 16))}\n"
