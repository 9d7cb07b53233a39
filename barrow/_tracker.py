"""Births, deaths and lifetimes of the objects of some classes: `barrow.Tracker`."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple

from barrow import _core
from barrow import _dig as _dig  # tells the walk where barrow's own frames are
from barrow._units import bytes_words, class_name, columns


@dataclass(frozen=True)
class Lives:
    """What became of the objects of a class while they were tracked."""

    name: str
    births: int
    deaths: int
    """Of objects born meanwhile."""
    older_deaths: int
    """Of objects that were there before."""
    untold_deaths: int = 0
    """Of `deaths`, those that the interpreter didn't tell: their lifetimes aren't known."""
    min_s: float | None = None
    median_s: float | None = None
    """To 6 %; the other two are exact."""
    max_s: float | None = None
    mean_s: float | None = None
    histogram: tuple[tuple[float, float, int], ...] = field(default=(), repr=False)
    """Lifetimes: (from seconds, to seconds, deaths), without empty ones; 16 for each doubling."""

    @property
    def live(self) -> int:
        """Born meanwhile and still alive; below zero if only the difference of two counts is known."""
        return self.births - self.deaths


class BirthPlace(NamedTuple):
    """A line that made objects which are alive."""

    function: str
    file: str
    line: int
    objects: int
    bytes: int


def _median(buckets: list[tuple[int, int, int]]) -> float:
    left = (sum(count for _, _, count in buckets) + 1) // 2
    for start, end, count in buckets:
        left -= count
        if left <= 0:
            return (start + end - 1) / 2e9
    return 0.0


class Tracker:
    """Count births, deaths and lifetimes of the objects of classes, without touching the classes.

        with barrow.Tracker(Order, Session) as tracker:
            serve()
        print(tracker)
        tracker["shop.Session"].median_s

    From 3.13 on the interpreter tells of each object (`exact` is true): no birth is missed, whatever makes
    the object, and no object lives longer for it.  Of deaths it may not tell all (3.13.0 to 3.13.2 of most,
    later ones of deeply nested objects): who is gone is then found out when figures are asked for, so counts are
    right, but those objects' lifetimes aren't known.  It costs every object of the process some ns
    more while the tracker is on.  tracemalloc takes the same place in the interpreter: start() refuses
    while it runs, and if it is started meanwhile the figures end there (`complete` turns false).

    On 3.11 and 3.12 objects are counted at the start and at the end: `births` or `deaths` is the
    difference, no lifetimes are known.  With a recording under way `born()` tells the lines at which
    those that are alive were made, on every version.

    classes: whose objects are tracked.
    subclasses: objects of classes derived from them too, each class by itself.

    It can be started and stopped several times; figures add up.
    """

    def __init__(self, *classes: type, subclasses: bool = False) -> None:
        if not classes:
            raise TypeError("Tracker() takes the classes to track")
        self.classes = classes
        self.subclasses = subclasses
        self.exact = _core.has_ref_tracer()
        self.complete = True
        """False: something else took the tracer's place while this was on, or memory ran out."""
        self._tracker = _core.tracker_new(classes, subclasses)
        self._counts: dict[str, int] = {}
        self._grown: dict[str, int] = {}
        self.running = False

    def start(self) -> "Tracker":
        """Count from here on.  Raises barrow.Error if something else traces objects."""
        if not self.running:
            if self.exact:
                _drop_leftover()
                _core.tracker_start(self._tracker)
            else:
                self._counts = self._census()
            self.running = True
        return self

    def stop(self) -> None:
        """Count no further."""
        if not self.running:
            return
        self.running = False
        if self.exact:
            self.complete = _core.tracker_stop(self._tracker) and self.complete
        else:
            for name, grown in self._differences().items():
                self._grown[name] = self._grown.get(name, 0) + grown

    __enter__ = start

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ---- what was counted --------------------------------------------------------------------------

    def _census(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for cls, objects, _ in _core.count_all():
            if cls in self.classes or (self.subclasses and issubclass(cls, self.classes)):
                name = class_name(cls)
                counts[name] = counts.get(name, 0) + objects
        return counts

    def _differences(self) -> dict[str, int]:
        now = self._census()
        return {name: now.get(name, 0) - self._counts.get(name, 0) for name in {*now, *self._counts}}

    def _counted(self) -> list[Lives]:
        grown = dict(self._grown)
        if self.running:
            for name, more in self._differences().items():
                grown[name] = grown.get(name, 0) + more
        return [Lives(name, max(more, 0), 0, max(-more, 0)) for name, more in grown.items()]

    def _told(self) -> list[Lives]:
        found = []
        for name, births, deaths, older, untold, least, most, total, buckets in _core.tracker_rows(self._tracker):
            if buckets:
                found.append(
                    Lives(
                        name,
                        births,
                        deaths,
                        older,
                        untold,
                        least / 1e9,
                        min(max(_median(buckets), least / 1e9), most / 1e9),
                        most / 1e9,
                        total / sum(count for _, _, count in buckets) / 1e9,
                        tuple((start / 1e9, end / 1e9, count) for start, end, count in buckets),
                    )
                )
            else:
                found.append(Lives(name, births, deaths, older, untold))
        return found

    def lives(self) -> list[Lives]:
        """Give the figures so far, most births first; each class that was given has some."""
        found = self._told() if self.exact else self._counted()
        names = {row.name for row in found}
        found += [Lives(name, 0, 0, 0) for name in dict.fromkeys(map(class_name, self.classes)) if name not in names]
        return sorted(found, key=lambda row: (-row.births, -row.older_deaths, row.name))

    def __getitem__(self, cls: type | str) -> Lives:
        name = cls if isinstance(cls, str) else class_name(cls)
        for row in self.lives():
            if row.name == name:
                return row
        raise KeyError(name)

    def __iter__(self) -> Iterator[Lives]:
        return iter(self.lives())

    def born(self) -> list[BirthPlace]:
        """Tell where the objects that are alive now were made, most bytes first.

        Those made before the start are among them.  Raises ValueError if nothing is being recorded.
        """
        if not _core.recording():
            raise ValueError("born() needs a recording: run under `barrow run` or in barrow.record()")
        rows = _core.births(self.classes, self.subclasses, _core.record_path())
        return [BirthPlace(*row) for row in rows]

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [("class", "births", "deaths", "live", "older deaths", "min", "median", "max")]
        for row in self.lives():
            times = (_time(row.min_s), _time(row.median_s), _time(row.max_s))
            figures = (row.births, row.deaths, row.live, row.older_deaths)
            rows.append((row.name, *(f"{figure:,}" for figure in figures), *times))
        lines = columns(rows, "<>>>>>>>")
        if not self.exact:
            lines.append("by counting at start and end: before Python 3.13 what was born and died between is not seen")
        untold = sum(row.untold_deaths for row in self.lives())
        if untold:
            lines.append(f"this interpreter didn't tell of {untold:,} deaths; lifetimes are of the others")
        if not self.complete:
            lines.append("incomplete: something else traced this interpreter's objects meanwhile")
        if self.running and _core.recording():
            lines += [
                f"  {bytes_words(place.bytes)} in {place.objects:,} born by {place.function} {place.file}:{place.line}"
                for place in self.born()[:5]
            ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        names = ", ".join(class_name(cls) for cls in self.classes)
        return f"<barrow.Tracker of {names}, {'running' if self.running else 'not running'}>"


def _drop_leftover() -> None:
    """Remove a tracer that tracemalloc left behind when it was stopped, and no other."""
    tracemalloc = sys.modules.get("tracemalloc")
    function, data = _core.ref_tracer()
    if not function or tracemalloc is None or tracemalloc.is_tracing():
        return
    tracemalloc.start()
    its_own, _ = _core.ref_tracer()
    tracemalloc.stop()
    if function == its_own:
        _core.ref_tracer_put(0, 0)
    else:
        _core.ref_tracer_put(function, data)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"
