"""Ledgers of known content, made without a recorder.

ledger = LedgerFile()
node = ledger.stack(("app.py", "main", 3), ("app.py", "load", 10))     # root first
ledger.site(node, MALLOC, allocated=3000, allocations=3, peak=3000, peak_blocks=3)
ledger.write("x.barrow")
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "data"))

from make_ledger import MALLOC, MMAP, OBJ, Ledger

__all__ = ["INNER", "MALLOC", "MMAP", "OBJ", "OUTER", "LedgerFile"]

Place = tuple[str, str, int]  # file, function, line

OUTER: Place = ("/srv/app/app.py", "outer", 12)
INNER: Place = ("/srv/app/app.py", "outer.<locals>.inner", 34)


class LedgerFile(Ledger):
    """A finished recording of two seconds; its sites' `peak` is what was live at the peak."""

    def __init__(self, **settings) -> None:
        super().__init__(**settings)
        self.nodes: dict[tuple[int, Place], int] = {}
        self.main_thread = self.thread("MainThread")
        self.state.update(end=1, end_ns=2 * 10**9, now_ns=2 * 10**9, best_ns=15 * 10**8)

    def stack(self, *places: Place) -> int:
        """The node of a stack in the main thread, root first."""
        node = self.main_thread
        for place in places:
            if (node, place) not in self.nodes:
                file, function, line = place
                code = self.code(file, function, line, [(1, line)])
                self.nodes[node, place] = self.node(node, code, 0)
            node = self.nodes[node, place]
        return node

    def site(self, node, domain, **counters) -> int:
        self.state["live"] += counters.get("allocated", 0) - counters.get("freed", 0)
        self.state["best"] += counters.get("peak", 0)
        return super().site(node, domain, epoch=1, **counters)

    def write(self, path: str | Path) -> Path:
        Path(path).write_bytes(self.to_bytes())
        return Path(path)
