"""The figures of a test session as a file, and what changed since such a file was written.

    {"barrow_pytest": 1, "python": "3.11.2", "platform": "linux",
     "tests": [{"id": "tests/test_a.py::test_b", "outcome": "passed",
                "peak_bytes": [1024, 980], ..., "places": [...]}]}

A list has an item for each round (`--barrow-repeat`).
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from statistics import median
from typing import Any, NamedTuple

import pytest

from barrow import _core
from barrow._pytest_measure import size_text

VERSION = 1
FIGURES = {"peak_bytes": "peak", "leaked_bytes": "left", "allocations": "allocations"}
SIGNIFICANT = 0.05
SMALL = {"peak_bytes": 1024, "leaked_bytes": 1024, "allocations": 16}  # differences not worth a word


def write(path: str, tests: list[Any]) -> None:
    """Write it whole or not at all.  Raises OSError."""
    content = {
        "barrow_pytest": VERSION,
        "python": platform.python_version(),
        "platform": sys.platform,
        "tests": sorted(tests, key=lambda test: str(test["id"])),
    }
    with tempfile.NamedTemporaryFile(
        "w", dir=os.path.dirname(os.path.abspath(path)), suffix=".tmp", delete=False, encoding="utf-8"
    ) as file:
        json.dump(content, file, indent=1)
        file.write("\n")
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(file.name, 0o666 & ~mask)
    try:
        os.replace(file.name, path)
    except OSError:
        os.unlink(file.name)
        raise


def read(path: str) -> Comparison:
    """Read what an earlier session wrote.  Raises UsageError, in one line."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        if content["barrow_pytest"] > VERSION:
            raise pytest.UsageError(f"--barrow-compare {path}: of a newer barrow: write it anew")
        tests = {
            str(test["id"]): {name: [int(each) for each in test[name]] for name in FIGURES} for test in content["tests"]
        }
    except OSError as error:
        raise pytest.UsageError(f"--barrow-compare {path}: can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise pytest.UsageError(f"--barrow-compare {path}: no figures of tests; --barrow-json writes them") from None
    return Comparison(path, tests)


class Change(NamedTuple):
    """A figure of a test, then and now: medians."""

    test: str
    figure: str
    before: float
    after: float
    p: float
    """Of the Mann-Whitney test; NaN: too few rounds for one."""

    @property
    def share(self) -> float:
        if self.before > 0:
            return self.after / self.before - 1
        return math.inf if self.after > self.before else 0.0

    @property
    def is_significant(self) -> bool:
        """Without several rounds, all that differs counts."""
        return not self.p > SIGNIFICANT


def change(test: str, figure: str, before: list[int], after: list[int]) -> Change:
    """The first of several rounds fills caches: it counts only where there is no other."""
    several = min(len(before), len(after)) > 1
    a, b = (before[1:], after[1:]) if several else (before[:1], after[:1])
    p = _core.mann_whitney(a, b) if min(len(a), len(b)) >= 2 else math.nan
    return Change(test, figure, median(a), median(b), p)


class Comparison:
    """What changed since a file was written."""

    def __init__(self, path: str, before: dict[str, dict[str, list[int]]]) -> None:
        self._path, self._before = path, before
        self._threshold = 0.0
        self._compared = 0
        self._changes: list[Change] = []
        self._rounds = 0

    def compare(self, now: dict[str, Any], threshold: float) -> None:
        """threshold: a percentage."""
        self._threshold = threshold
        for test, figures in now.items():
            before = self._before.get(test)
            if before is None or not all(before.values()):
                continue
            self._compared += 1
            self._rounds = max(self._rounds, min(len(before["peak_bytes"]), len(figures["peak_bytes"])))
            for name in FIGURES:
                found = change(test, name, before[name], figures[name])
                if abs(found.after - found.before) >= SMALL[name] and abs(found.share) * 100 >= threshold:
                    self._changes.append(found)
        self._changes.sort(key=lambda each: (not each.is_significant, -each.share, each.test))

    @property
    def worse(self) -> bool:
        """Is there a test that surely needs more?"""
        return any(each.is_significant and each.share > 0 for each in self._changes)

    def lines(self) -> Iterator[str]:
        """Tell it: a line for each figure that differs, `~` where that may be chance."""
        yield (
            f"{self._compared} tests are in {self._path} too; "
            f"{len(self._changes) or 'no'} figures differ by {self._threshold:g} % or more"
        )
        if self._compared and self._rounds < 5:
            yield "few rounds: what differs may be chance; --barrow-repeat 6, then and now, tells"
        if self._changes:
            yield f"{'before':>10} {'now':>10} {'change':>9} {'p':>6}  figure       test"
        for each in self._changes:
            yield _line(each)


def _amount(figure: str, amount: float) -> str:
    return size_text(amount) if figure.endswith("bytes") else f"{amount:,.0f}"


def _line(each: Change) -> str:
    share = "new" if math.isinf(each.share) else f"{each.share * 100:+.1f} %"
    mark = " " if each.is_significant else "~"
    p = "-" if math.isnan(each.p) else f"{each.p:.3f}"
    return (
        f"{_amount(each.figure, each.before):>10} {_amount(each.figure, each.after):>10} "
        f"{mark}{share:>8} {p:>6}  {FIGURES[each.figure]:<12} {each.test}"
    )
