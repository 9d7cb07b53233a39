"""Reading ledgers: `barrow.open()` and what it gives."""

import json
from collections.abc import Iterable
from os import PathLike, fsdecode
from typing import Any, Literal, TypeAlias, TypedDict, cast, overload

from barrow import _core, _rows
from barrow._table import Table

__all__ = ["Ledger", "ProcessSummary", "Summary", "Table", "open"]

StrPath: TypeAlias = str | PathLike[str]
Metric: TypeAlias = Literal["peak", "leaked", "total", "temporary"]
Grouping: TypeAlias = Literal["line", "function", "file", "module", "domain", "thread", "stack"]

_ROWS: dict[str, type[Any]] = {
    "line": _rows.LineRow,
    "function": _rows.FunctionRow,
    "file": _rows.FileRow,
    "module": _rows.ModuleRow,
    "domain": _rows.DomainRow,
    "thread": _rows.ThreadRow,
    "stack": _rows.StackRow,
}


class ProcessSummary(TypedDict):
    """One process of a run; see `Summary` for the units."""

    pid: int
    parent_pid: int
    command: str
    file: str
    root: bool
    complete: bool
    ended: str
    start_s: float
    duration_s: float
    peak_bytes: int
    peak_time_s: float
    live_bytes: int
    live_blocks: int
    max_rss_bytes: int
    inherited_bytes: int
    inherited_blocks: int


class Summary(TypedDict):
    """The whole in numbers: bytes as requested, seconds since recording started.

    The same keys as ``barrow summary --json``.
    """

    command: str
    python: str
    pid: int
    mode: str
    scope: str
    complete: bool
    """False: the process was killed, or is still running."""
    ended: str
    duration_s: float
    peak_bytes: int
    peak_time_s: float
    peak_imprecision_bytes: int
    live_bytes: int
    live_blocks: int
    total_bytes: int
    allocations: int
    frees: int
    unknown_frees: int
    """Frees of blocks that are older than the recording."""
    temporary_allocations: int
    temporary_bytes: int
    inherited_bytes: int
    inherited_blocks: int
    sites: int
    stacks: int
    threads: int
    max_rss_bytes: int
    dropped: dict[str, int]
    """Counts of what was given up; all 0 when nothing was."""
    checked_captures: int
    """In check mode: stacks compared with an uncached walk."""
    capture_mismatches: int
    """Of these, those that differed."""
    processes: list[ProcessSummary]
    warnings: list[str]


class Ledger:
    """One run's recording, as it was when it was opened.

    Everything has been read: the file may change or go away.
    """

    def __init__(self, profile: _core.Profile) -> None:
        self._profile = profile

    def summary(self) -> Summary:
        """Give the whole in numbers."""
        return cast(Summary, json.loads(self._profile.summary_json()))

    @property
    def warnings(self) -> list[str]:
        """What could not be read, a line each; empty for a sound ledger."""
        return self.summary()["warnings"]

    # fmt: off
    @overload
    def table(self, metric: Metric = ..., by: Literal["line"] = ..., inclusive: bool = ...,
              filter: str | None = ..., limit: int | None = ...) -> Table[_rows.LineRow]: ...
    @overload
    def table(self, metric: Metric = ..., *, by: Literal["function"], inclusive: bool = ...,
              filter: str | None = ..., limit: int | None = ...) -> Table[_rows.FunctionRow]: ...
    @overload
    def table(self, metric: Metric = ..., *, by: Literal["file"], inclusive: bool = ...,
              filter: str | None = ..., limit: int | None = ...) -> Table[_rows.FileRow]: ...
    @overload
    def table(self, metric: Metric = ..., *, by: Literal["module"], inclusive: bool = ...,
              filter: str | None = ..., limit: int | None = ...) -> Table[_rows.ModuleRow]: ...
    @overload
    def table(self, metric: Metric = ..., *, by: Literal["domain"], inclusive: bool = ...,
              filter: str | None = ..., limit: int | None = ...) -> Table[_rows.DomainRow]: ...
    @overload
    def table(self, metric: Metric = ..., *, by: Literal["thread"], inclusive: bool = ...,
              filter: str | None = ..., limit: int | None = ...) -> Table[_rows.ThreadRow]: ...
    @overload
    def table(self, metric: Metric = ..., *, by: Literal["stack"], inclusive: bool = ...,
              filter: str | None = ..., limit: int | None = ...) -> Table[_rows.StackRow]: ...
    @overload
    def table(self, metric: Metric = ..., by: Grouping = ..., inclusive: bool = ...,
              filter: str | None = ..., limit: int | None = ...) -> Table[Any]: ...
    # fmt: on
    def table(
        self,
        metric: Metric = "peak",
        by: Grouping = "line",
        inclusive: bool = False,
        filter: str | None = None,
        limit: int | None = None,
    ) -> Table[Any]:
        """Give who owns the memory, largest first.

        metric: "peak", live when the program used most; "leaked", alive when recording ended;
            "total", all that was allocated; "temporary", freed again at once by its own thread.
        by: what a row is: "line", "function", "file", "module", "domain", "thread" or "stack".
        inclusive: count a stack at each of its frames, not only at its leaf.
        filter: as for ``barrow table --filter``, for example ``"file=*/parser.py"``.
        limit: at most this many rows; None: all.

        Raises ValueError for an unknown metric or grouping, a malformed filter, a negative limit.
        """
        if limit is not None and limit < 0:
            raise ValueError(f"limit {limit}: must not be negative")
        batch = self._profile.rows(metric, by, inclusive, filter, limit or 0)
        return Table(batch, _ROWS[by])

    @property
    def samples(self) -> Table[_rows.Sample]:
        """What the processes used over time; thinned out evenly in long runs."""
        return Table(self._profile.samples(), _rows.Sample)

    @property
    def gc_events(self) -> Table[_rows.GcEvent]:
        """The longest runs of the garbage collector, by time."""
        return Table(self._profile.gc_events(), _rows.GcEvent)

    @property
    def marks(self) -> Table[_rows.Mark]:
        """The points in time that `barrow.mark` gave names, by time."""
        return Table(self._profile.marks(), _rows.Mark)

    @property
    def lines(self) -> Table[_rows.ProfiledLine]:
        """The lines of functions chosen for profiling (`barrow.profile`), by file and place."""
        return Table(self._profile.lines(), _rows.ProfiledLine)

    def _repr_html_(self) -> str:
        """Give what a notebook shows: the report's page, else the summary as a table."""
        from barrow import _html

        return _html.report(self._profile, self.summary())

    def __repr__(self) -> str:
        summary = self.summary()
        state = "" if summary["complete"] else ", not complete"
        peak = f"{summary['peak_bytes']:,} bytes"
        return f"<barrow.Ledger {summary['command']!r}: peak {peak}{state}>"


def open(path: StrPath | Iterable[StrPath]) -> Ledger:
    """Read a ledger, finished, still being written, or left by a killed process.

    path: a file, a directory of ledgers, or several of them, all of one run: they are merged.

    Raises LedgerError if nothing can be read, or if the ledgers are of different runs.
    """
    paths = [path] if isinstance(path, str | PathLike) else list(path)
    return Ledger(_core.load([fsdecode(each) for each in paths]))
