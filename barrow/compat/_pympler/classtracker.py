"""Stands in for pympler.classtracker: the lives and sizes of the objects of chosen classes."""

import functools
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TextIO

from barrow import _core
from barrow._units import class_name
from barrow.compat._pympler.asizeof import Asized, asized
from barrow.compat._pympler.summary import bytes_words

__all__ = ["ClassTracker", "ConsoleStats", "Snapshot", "Stats", "TrackedObject"]

# As pympler.asizeof's: modules, classes, code, frames, globals, functions.
_STOPS = (1 << 6) - 1


class TrackedObject:
    """An object that is tracked: when it was born and died, and its sizes in snapshots."""

    def __init__(self, instance: Any, resolution_level: int = 0, trace: bool = False, on_delete: Any = None) -> None:
        self.ref: weakref.ref[Any] | None = weakref.ref(instance, self.finalize)
        self.id = id(instance)
        self.repr = ""
        self.name = class_name(type(instance))
        self.birth = time.monotonic() - _start
        self.death: float | None = None
        self.trace: list[traceback.FrameSummary] | None = traceback.extract_stack()[:-2] if trace else None
        self.snapshots: list[tuple[float, Asized]] = []
        self.keep: Any = None
        self._resolution_level = resolution_level

    def set_resolution_level(self, resolution_level: int) -> None:
        """Show so many levels of parts in later snapshots."""
        self._resolution_level = resolution_level

    def finalize(self, ref: "weakref.ref[Any]") -> None:
        """Note the object's death."""
        self.death = time.monotonic() - _start
        self.ref = None

    def get_max_size(self) -> int:
        """Give the largest of its sizes."""
        return max((size.size for _, size in self.snapshots), default=0)

    def get_size_at_time(self, timestamp: float) -> int:
        """Give its size in the snapshot of that time; 0: it wasn't there."""
        return next((size.size for when, size in self.snapshots if when == timestamp), 0)


_start = time.monotonic()


@dataclass
class Snapshot:
    """The tracked objects at one time."""

    timestamp: float
    desc: str
    tracked_total: int = 0
    total_objects: int = 0
    overhead: int = 0
    asizeof_total: int = 0
    classes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Bytes of all tracked objects."""
        return self.tracked_total

    @property
    def label(self) -> str:
        """Its description, or else its time."""
        return self.desc or f"{self.timestamp:.3f} s"


class Stats:
    """What a ClassTracker has found."""

    def __init__(self, tracker: "ClassTracker | None" = None, stream: TextIO | None = None) -> None:
        self.tracker = tracker
        self.stream = stream

    @property
    def index(self) -> dict[str, list[TrackedObject]]:
        """The tracked objects by class."""
        return self.tracker.index if self.tracker else {}

    @property
    def snapshots(self) -> list[Snapshot]:
        """The snapshots, oldest first."""
        return self.tracker.snapshots if self.tracker else []


class ConsoleStats(Stats):
    """The same, with texts for the terminal."""

    def print_object(self, tobj: TrackedObject) -> None:
        """Print one object's life."""
        out = self.stream or sys.stdout
        state = f"died at {tobj.death:.3f} s" if tobj.death is not None else "alive"
        print(f"{tobj.name} {tobj.id:#x}: born at {tobj.birth:.3f} s, {state}", file=out)
        for when, size in tobj.snapshots:
            print(f"  {when:.3f} s  {bytes_words(size.size)}", file=out)

    def print_stats(self, clsname: str | None = None, limit: float = 1.0) -> None:
        """Print the lives of objects, the largest first.  limit: so many, or that share of them."""
        chosen = [tobj for name, objects in self.index.items() if clsname in (None, name) for tobj in objects]
        chosen.sort(key=TrackedObject.get_max_size, reverse=True)
        count = int(limit * len(chosen) + 0.5) if limit <= 1.0 else int(limit)
        for tobj in chosen[:count]:
            self.print_object(tobj)

    def print_summary(self) -> None:
        """Print the objects and bytes of each class in each snapshot."""
        out = self.stream or sys.stdout
        print("---- SUMMARY ".ljust(79, "-"), file=out)
        for snapshot in self.snapshots:
            words = bytes_words(snapshot.total)
            print(f"{snapshot.label:<35} {'active':>11} {words:>12} {'average':>12} {'pct':>5}", file=out)
            for name, row in sorted(snapshot.classes.items()):
                average, share = bytes_words(row["avg"]), f"{row['pct'] * 100:.0f}%"
                print(
                    f"  {name:<33} {row['active']:11d} {bytes_words(row['sum']):>12} {average:>12} {share:>5}",
                    file=out,
                )
        print("-" * 79, file=out)


class ClassTracker:
    """Tracks objects of classes from their making on."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.index: dict[str, list[TrackedObject]] = {}
        self.snapshots: list[Snapshot] = []
        self.snapshot_lock = threading.Lock()
        self._objects: dict[int, TrackedObject] = {}
        self._classes: dict[type, _Class] = {}
        self._periodic: _Periodic | None = None
        self._stream = stream

    @property
    def stats(self) -> ConsoleStats:
        """What was found so far."""
        return ConsoleStats(tracker=self, stream=self._stream)

    # ---- what is tracked ---------------------------------------------------------------------------

    def track_object(
        self,
        instance: Any,
        name: str | None = None,
        resolution_level: int = 0,
        keep: bool = False,
        trace: bool = False,
    ) -> None:
        """Track an object, which must be one that weak references can refer to."""
        known = self._objects.get(id(instance))
        if known is not None and known.ref is not None and known.ref() is instance:
            return
        tobj = TrackedObject(instance, resolution_level, trace)
        tobj.name = name or tobj.name
        tobj.keep = instance if keep else None
        self._objects[id(instance)] = tobj
        self.index.setdefault(tobj.name, []).append(tobj)

    def track_change(self, instance: Any, resolution_level: int = 0) -> None:
        """Show so many levels of a tracked object's parts in later snapshots."""
        self._objects[id(instance)].set_resolution_level(resolution_level)

    def track_class(
        self,
        cls: type,
        name: str | None = None,
        resolution_level: int = 0,
        keep: bool = False,
        trace: bool = False,
    ) -> None:
        """Track the objects of a class that are made from now on; its __init__ is replaced for that."""
        if not isinstance(cls, type):
            raise TypeError("only class objects can be tracked")
        self.detach_class(cls, missing_ok=True)
        options = (name, resolution_level, keep, trace)
        self._classes[cls] = _Class(cls, lambda instance: self._made(instance, cls, options))

    def _made(self, instance: Any, cls: type, options: tuple[str | None, int, bool, bool]) -> None:
        """Track a new object under the most derived tracked class."""
        nearest = next(base for base in type(instance).__mro__ if base in self._classes)
        if nearest is cls:
            name, resolution_level, keep, trace = options
            self.track_object(instance, name or class_name(cls), resolution_level, keep, trace)

    def detach_class(self, cls: type, missing_ok: bool = False) -> None:
        """Track no new objects of a class any more."""
        tracked = self._classes.pop(cls, None)
        if tracked is not None:
            tracked.restore()
        elif not missing_ok:
            raise KeyError(cls)

    def detach_all_classes(self) -> None:
        """Track no new objects any more."""
        for cls in list(self._classes):
            self.detach_class(cls)

    def detach_all(self) -> None:
        """Track nothing any more, and forget the objects."""
        self.detach_all_classes()
        self._objects.clear()
        self.index.clear()

    def clear(self) -> None:
        """Forget snapshots and objects, track nothing any more."""
        self.stop_periodic_snapshots()
        self.detach_all()
        self.snapshots.clear()

    def close(self) -> None:
        """The same, at the end."""
        self.clear()

    # ---- snapshots ---------------------------------------------------------------------------------

    def create_snapshot(self, description: str = "", compute_total: bool = False) -> None:
        """Size the tracked objects; what several share is charged to the oldest of them."""
        begun = time.monotonic()
        with self.snapshot_lock:
            snapshot = Snapshot(begun - _start, str(description))
            alive = [(tobj, obj) for tobj in self._objects.values() if (obj := _alive(tobj)) is not None]
            sizes = _core.reach(tuple(obj for _, obj in alive), b"", (), _STOPS)
            for (tobj, obj), (own, size) in zip(alive, sizes[0], strict=True):
                level = tobj._resolution_level
                parts = asized(obj, detail=level).refs if level > 0 else ()
                tobj.snapshots.append((snapshot.timestamp, Asized(size, own, parts, tobj.name)))
            snapshot.tracked_total = snapshot.asizeof_total = sizes[2]
            snapshot.total_objects = sizes[1]
            self._annotate(snapshot)
            self.snapshots.append(snapshot)

    def _annotate(self, snapshot: Snapshot) -> None:
        for name, objects in self.index.items():
            sizes = [tobj.get_size_at_time(snapshot.timestamp) for tobj in objects]
            active = sum(tobj.death is None for tobj in objects)
            total = sum(sizes)
            snapshot.classes[name] = {
                "sum": total,
                "avg": total / active if active else 0,
                "pct": total / snapshot.total if snapshot.total else 0.0,
                "active": active,
            }
        for tracked in self._classes.values():
            name = class_name(tracked.cls)
            snapshot.classes.setdefault(name, {"sum": 0, "avg": 0, "pct": 0.0, "active": 0})

    def start_periodic_snapshots(self, interval: float = 1.0) -> None:
        """Take a snapshot every so many seconds, in a thread."""
        if self._periodic is None:
            self._periodic = _Periodic(self.create_snapshot, interval)
            self._periodic.start()

    def stop_periodic_snapshots(self) -> None:
        """End that."""
        if self._periodic is not None:
            self._periodic.stop()
            self._periodic = None


def _alive(tobj: TrackedObject) -> Any:
    return tobj.ref() if tobj.ref is not None else None


class _Class:
    """A class whose __init__ tells of new objects."""

    def __init__(self, cls: type, made: Callable[[Any], None]) -> None:
        self.cls = cls
        self.own = cls.__dict__.get("__init__")
        original = cls.__init__  # type: ignore[misc]

        @functools.wraps(original)
        def init(instance: Any, *args: Any, **kwargs: Any) -> None:
            made(instance)
            original(instance, *args, **kwargs)

        cls.__init__ = init  # type: ignore[misc]

    def restore(self) -> None:
        if self.own is None:
            del self.cls.__init__  # type: ignore[misc]
        else:
            self.cls.__init__ = self.own  # type: ignore[misc]


class _Periodic(threading.Thread):
    def __init__(self, act: Callable[[], None], interval: float) -> None:
        super().__init__(name="barrow-classtracker", daemon=True)
        self.act, self.interval = act, interval
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(self.interval):
            self.act()

    def stop(self) -> None:
        self._ended.set()
        self.join()


def track_object_creation(time_series: list[tuple[float, int]]) -> None:
    """Add a step up to a series of numbers of objects."""
    _step(time_series, 1)


def track_object_deletion(time_series: list[tuple[float, int]]) -> None:
    """Add a step down to it."""
    _step(time_series, -1)


def _step(time_series: list[tuple[float, int]], by: int) -> None:
    last = time_series[-1][1] if time_series else 0
    time_series.append((time.monotonic() - _start, last + by))
