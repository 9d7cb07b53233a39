"""Recording a part of a program from within: `barrow.record()` and `barrow.mark()`."""

import contextlib
import os
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, ParamSpec, TypedDict, TypeVar, cast

from barrow import _core
from barrow._open import Grouping, Ledger, Metric, StrPath, Summary, Table, open

P = ParamSpec("P")
R = TypeVar("R")


_DESCRIPTORS = "/proc/self/fd/"


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _close(descriptor: int, identity: tuple[int, int]) -> None:
    """Close it, unless the program did so and has got the number for a file of its own."""
    with contextlib.suppress(OSError):
        if _identity(descriptor) == identity:
            os.close(descriptor)


class RegionSummary(TypedDict):
    """What happened between start() and stop() of a region: bytes, and seconds of the ledger."""

    start_s: float
    stop_s: float
    peak_bytes: int
    """The most that was live at once, beyond what was live at the start."""
    peak_time_s: float
    live_bytes: int
    """Growth: live at the stop, beyond what was live at the start."""
    live_blocks: int
    total_bytes: int
    allocations: int
    frees: int
    temporary_allocations: int
    unknown_frees: int
    """Frees of blocks that are older than the recording; `live_bytes` does not know of them."""


class record:
    """Record the memory of a part of a program.

        with barrow.record("load.barrow"):       # a context manager
            load()

        @barrow.record("serve.barrow")           # a decorator
        def serve(): ...

        recording = barrow.record()              # by hand
        recording.start()
        ...
        recording.stop()
        print(recording.table(by="function", limit=10))

    path: the ledger to write; None: it lies in memory and goes with this object.
    scope: "all", or "system": without Python's own allocators, cheaper.
    max_table: bytes that the tables of stacks may take; None: 64 MB or a quarter of the peak live
        heap, whichever is more.

    All threads are recorded.  In a process that is recorded already (`barrow run`, or another
    record()) it is a region of that ledger, with its own baseline and peak: `path` and the options
    are not used then, and `summary()` is that of the region.

    As a decorator it records from the first call's start to its end, calls of other threads or of
    the function itself in between included.  Coroutine functions are recorded until they return,
    generator functions from their first step until they are exhausted or closed, whatever else
    runs while they wait.

    Errors: barrow.LedgerError from start() if the ledger can't be written.
    """

    def __init__(
        self,
        path: StrPath | None = None,
        *,
        scope: Literal["all", "system"] = "all",
        max_table: int | None = None,
    ) -> None:
        if scope not in ("all", "system"):
            raise ValueError(f"scope {scope!r}: must be 'all' or 'system'")
        if max_table is not None and max_table <= 0:
            raise ValueError(f"max_table {max_table}: must be a positive number of bytes")
        self._path = None if path is None else os.path.abspath(path)
        self._scope = scope
        self._max_table = max_table or 0
        self._lock = threading.Lock()
        self._users = 0  # calls of decorated functions under way
        self._region: int | None = None
        self._started = False
        self._region_summary: RegionSummary | None = None
        self._written: str | None = None  # the path to read once stopped
        self._ledger: Ledger | None = None

    # ---- recording ----

    def start(self) -> None:
        """Begin to record.

        Raises barrow.Error if this object is recording already, barrow.LedgerError if the ledger
        can't be written.
        """
        if self._started:
            raise _core.Error("this record() has been started already")
        self._region_summary = self._written = self._ledger = None
        if _core.recording():
            self._region = _core.region_start()
        else:
            self._region = None
            _core.record_start(self._path, self._scope, self._max_table)
        self._started = True

    def stop(self) -> None:
        """End it.  Raises barrow.Error if it was not started."""
        if not self._started:
            raise _core.Error("this record() has not been started")
        self._started = False
        if self._region is not None:
            self._region_summary = cast(RegionSummary, _core.region_stop(self._region))
            return
        self._written = _core.record_stop()
        if self._written.startswith(_DESCRIPTORS):
            # A ledger in memory lives as long as its descriptors; the recorder's own goes with the
            # next recording.
            descriptor = os.dup(int(self._written.removeprefix(_DESCRIPTORS)))
            weakref.finalize(self, _close, descriptor, _identity(descriptor))
            self._written = f"{_DESCRIPTORS}{descriptor}"

    def __enter__(self) -> "record":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        from barrow._wrap import wrap

        return wrap(function, self._join, self._leave)

    def _join(self) -> None:
        with self._lock:
            if self._users == 0:
                self.start()
            self._users += 1

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self.stop()

    # ---- what was recorded ----

    def open(self) -> Ledger:
        """Read what was recorded.

        Raises barrow.Error before stop(), and for a region: it is a part of the outer ledger.
        """
        if self._started:
            raise _core.Error("this record() is still recording: stop() it first")
        if self._region_summary is not None:
            raise _core.Error("this record() was a region of a recording: open that one's ledger")
        if self._written is None:
            raise _core.Error("this record() has not been started")
        if self._ledger is None:
            self._ledger = open(self._written)
        return self._ledger

    def summary(self) -> Summary | RegionSummary:
        """Give what was recorded in numbers; see `Ledger.summary` and `RegionSummary`."""
        return self.open().summary() if self._region_summary is None else self._region_summary

    def table(
        self,
        metric: Metric = "peak",
        by: Grouping = "line",
        inclusive: bool = False,
        filter: str | None = None,
        limit: int | None = None,
    ) -> Table[Any]:
        """Give who owned the memory; see `Ledger.table`."""
        return self.open().table(metric, by, inclusive, filter, limit)

    def _repr_html_(self) -> str | None:
        """Give what a notebook shows: the report; that of now while it is being recorded.

        Of a region, which is a part of the outer ledger, only its figures.
        """
        if self._region_summary is not None:
            from barrow import _html

            return _html.table(self._region_summary, "a region of the recording")
        if self._started:
            with contextlib.suppress(_core.Error):
                return open(_core.record_path())._repr_html_()
        return None if self._written is None else self.open()._repr_html_()


def mark(name: str) -> None:
    """Name this point of time in the recording; nothing happens if there is none."""
    if _core.recording():
        _core.mark(name)
