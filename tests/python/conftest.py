"""What tests share: where the sources are, and a ledger of known content."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# The package's sources lie beside the tests' start directory: what is tested is the installed one.
sys.path[:] = [path for path in sys.path if path and Path(path).resolve() != REPOSITORY]

from ledger_file import LedgerFile  # noqa: E402


def outer() -> list[int]:
    return inner()


def inner() -> list[int]:
    return [1]


OUTER = (outer.__code__, outer.__code__.co_firstlineno + 1)
INNER = (inner.__code__, inner.__code__.co_firstlineno + 1)


@pytest.fixture
def repository() -> Path:
    return REPOSITORY


@pytest.fixture
def ledger_path(tmp_path: Path) -> Path:
    """Two sites of two lines of this file, a sample and a collection."""
    ledger = LedgerFile()
    ledger.site(ledger.stack(OUTER, INNER), "malloc", (3000, 3), (1000, 1), (3000, 3))
    ledger.site(ledger.stack(OUTER), "obj", (500, 5), (100, 1), (400, 4), (100, 1))
    ledger.sample(1_000_000_000, rss=10 << 20, heap=3400)
    ledger.gc_event(1_100_000_000, pause_ns=5_000_000, generation=2, collected=17)
    return ledger.write(tmp_path / "known.barrow")
