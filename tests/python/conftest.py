"""What tests share: where the sources are, and a ledger of known content."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# The package's sources lie beside the tests' start directory: what is tested is the installed one.
sys.path[:] = [path for path in sys.path if path and Path(path).resolve() != REPOSITORY]

from ledger_file import INNER, MALLOC, OBJ, OUTER, LedgerFile  # noqa: E402


@pytest.fixture
def repository() -> Path:
    return REPOSITORY


@pytest.fixture
def ledger_path(tmp_path: Path) -> Path:
    """Two sites, a sample and a collection."""
    ledger = LedgerFile(pid=4242, command=("app.py",))
    ledger.state.update(unknown_frees=7, max_rss=50 << 20)
    ledger.site(
        ledger.stack(OUTER, INNER),
        MALLOC,
        **{"allocated": 3000, "allocations": 3, "freed": 1000, "frees": 1},
        **{"peak": 3000, "peak_blocks": 3},
    )
    ledger.site(
        ledger.stack(OUTER),
        OBJ,
        **{"allocated": 500, "allocations": 5, "freed": 100, "frees": 1},
        **{"peak": 400, "peak_blocks": 4, "temporary": 100, "temporaries": 1},
    )
    ledger.sample(1_000_000_000, rss=10 << 20, heap=3400)
    ledger.add("gc_events", struct.pack("<2Q4I", 1_100_000_000, 5_000_000, 2, 17, 0, 0))
    ledger.add("marks", struct.pack("<QQIIQ", 500_000_000, 0, ledger.string("loaded"), 0, 0))
    return ledger.write(tmp_path / "known.barrow")
