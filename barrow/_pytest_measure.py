"""Measuring one test: a recording of its own around the body, or a region where pytest is recorded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import _pytest
import pluggy

import barrow
from barrow import _core
from barrow._open import Ledger
from barrow._record import RegionSummary, record

_OWN = os.path.dirname(barrow.__file__) + os.sep
_MACHINERY = (_OWN, *(os.path.dirname(str(module.__file__)) + os.sep for module in (_pytest, pluggy)))
_SIZE = re.compile(r"\s*\+?(\d+\.?\d*|\.\d+)\s*(?:([KMGTP])I?)?B\s*", re.IGNORECASE)


def parse_size(text: object) -> int:
    """Give the bytes of "24 MB": 1 MB is 1024² bytes, as is 1 MiB.  Raises ValueError."""
    found = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is not a size like '24 MB'")
    return int(float(found[1]) * 1024.0 ** (" KMGTP".index(found[2].upper()) if found[2] else 0))


def size_text(count: float) -> str:
    """Write bytes as "312 B", "24.0 MiB"."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(count) < 1024 or unit == "TiB":
            break
        count /= 1024
    return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"


class Round(NamedTuple):
    """One run of a test's body: bytes beyond what was live before it."""

    peak_bytes: int
    leaked_bytes: int
    leaked_blocks: int
    total_bytes: int
    allocations: int
    unknown_frees: int
    """Of blocks older than the recording, which nothing else here counts."""


class Site(NamedTuple):
    """Where memory was allocated: the stack, most recent call first."""

    bytes: int
    blocks: int
    stack: list[tuple[str, str, int]]

    @property
    def test_frames(self) -> list[tuple[str, str, int]]:
        """The stack without pytest below the test's function, unless nothing else is on it."""
        first = next((i for i, frame in enumerate(self.stack) if frame[1].startswith(_MACHINERY)), None)
        return self.stack[: first or None]

    @property
    def is_own(self) -> bool:
        """Is it barrow that allocated it, and not the test?"""
        frame = next((frame for frame in self.stack if frame[1].startswith(_MACHINERY)), None)
        return frame is not None and frame[1].startswith(_OWN)


class Measurement:
    """Records from its making to `stop()`, in rounds.

    Where pytest itself is being recorded, `ledger` is None: there are the figures of rounds only.
    """

    def __init__(self) -> None:
        self.rounds: list[Round] = []
        self.is_own = not _core.recording()
        self._recording = record()
        self._recording.start()
        self._region: int | None = None
        self._ledger: Ledger | None = None

    def begin(self) -> None:
        """Begin a round."""
        self._region = _core.region_start()

    def end(self) -> None:
        """End the round; nothing happens if there is none under way."""
        if self._region is None:
            return
        figures = cast(RegionSummary, _core.region_stop(self._region))
        self._region = None
        self.rounds.append(
            Round(
                figures["peak_bytes"],
                figures["live_bytes"],
                figures["live_blocks"],
                figures["total_bytes"],
                figures["allocations"],
                figures["unknown_frees"],
            )
        )

    def stop(self) -> None:
        self.end()
        self._recording.stop()

    @property
    def ledger(self) -> Ledger | None:
        if self._ledger is None and self.is_own:
            self._ledger = self._recording.open()
        return self._ledger

    def bytes(self, metric: Any, main_thread_only: bool) -> int:
        """Sum a metric, of the main thread only if asked to.  Needs a ledger."""
        assert self.ledger is not None
        return sum(row.bytes for row in self._table(metric, "domain", main_thread_only))

    def sites(self, metric: Any, main_thread_only: bool = False) -> Iterator[Site]:
        """Give the places that own a metric, each a whole stack, the largest first; none without a ledger.

        What measuring itself allocates is left out.
        """
        if self.ledger is not None:
            for row in self._table(metric, "stack", main_thread_only):
                site = Site(row.bytes, row.blocks, [tuple(frame) for frame in row.stack])
                if not site.is_own:
                    yield site

    def _table(self, metric: Any, by: Any, main_thread_only: bool) -> Any:
        assert self.ledger is not None
        only = "thread=MainThread" if main_thread_only else None
        return self.ledger.table(metric, by, filter=only)


def slopes(values: list[int]) -> list[float]:
    """Give the slopes between all pairs of values, sorted: the median is Theil-Sen's estimate."""
    pairs = ((i, k) for i in range(len(values)) for k in range(i + 1, len(values)))
    return sorted((values[k] - values[i]) / (k - i) for i, k in pairs)


def steps(rounds: list[Round]) -> tuple[list[int], list[int]]:
    """Give the bytes and the blocks that each round surely left behind.

    A round that frees older blocks may just have replaced them: nobody knows how large these were.
    """
    blocks = [each.leaked_blocks - each.unknown_frees for each in rounds]
    sure = (not each.unknown_frees or more > 0 for each, more in zip(rounds, blocks, strict=True))
    return [each.leaked_bytes if yes else 0 for each, yes in zip(rounds, sure, strict=True)], blocks


def growth(left: list[int]) -> float:
    """Give what is added per round, by Theil-Sen; 0 if it isn't sure that anything is.

    left: what each round left behind.  It is sure if a quarter of the pairs at most says otherwise.
    """
    live = [0]
    for each in left:
        live.append(live[-1] + each)
    found = slopes(live)
    if not found or found[len(found) // 4] <= 0:
        return 0.0
    return found[len(found) // 2] if len(found) % 2 else sum(found[len(found) // 2 - 1 :][:2]) / 2
