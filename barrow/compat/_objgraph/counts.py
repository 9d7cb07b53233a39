"""Counting the objects that the collector tracks, by class."""

import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, TextIO, TypeAlias

from barrow import _core
from barrow import _dig as _dig  # tells the walk where barrow's own frames are

Filter: TypeAlias = Callable[[Any], bool] | None


def type_name(cls: type, short: bool) -> str:
    """Name a class as objgraph does: "dict", or "builtins.dict"."""
    module = getattr(cls, "__module__", None)
    return cls.__name__ if short or not module else f"{module}.{cls.__name__}"


def typestats(objects: Iterable[Any] | None = None, shortnames: bool = True, filter: Filter = None) -> dict[str, int]:
    """Count objects by the name of their class; without `objects` those that the collector tracks."""
    counts: Counter[str] = Counter()
    if objects is None and filter is None:
        for cls, number, _ in _core.count_tracked():
            counts[type_name(cls, shortnames)] += number
        return dict(counts)
    for obj in gc.get_objects() if objects is None else objects:
        if filter is None or filter(obj):
            counts[type_name(type(obj), shortnames)] += 1
    return dict(counts)


def count(typename: str, objects: Iterable[Any] | None = None) -> int:
    """Count the objects of a class by its name, with its module if there is a dot in it."""
    return typestats(objects, shortnames="." not in typename).get(typename, 0)


def by_type(typename: str, objects: Iterable[Any] | None = None) -> list[Any]:
    """List the objects of a class by its name."""
    short = "." not in typename
    if objects is not None:
        return [obj for obj in objects if type_name(type(obj), short) == typename]
    classes = tuple(cls for cls, _, _ in _core.count_tracked() if type_name(cls, short) == typename)
    return _core.tracked(classes) if classes else []


def most_common_types(
    limit: int | None = 10,
    objects: Iterable[Any] | None = None,
    shortnames: bool = True,
    filter: Filter = None,
) -> list[tuple[str, int]]:
    """Give the classes with most objects: (name, count)."""
    stats = sorted(typestats(objects, shortnames, filter).items(), key=itemgetter(1), reverse=True)
    return stats[:limit] if limit else stats


def show_most_common_types(
    limit: int | None = 10,
    objects: Iterable[Any] | None = None,
    shortnames: bool = True,
    file: TextIO | None = None,
    filter: Filter = None,
) -> None:
    """Print the classes with most objects."""
    stats = most_common_types(limit, objects, shortnames, filter)
    width = _width(name for name, _ in stats)
    for name, number in stats:
        print(f"{name:<{width}} {number}", file=file or sys.stdout)


def _width(names: Iterable[str]) -> int:
    return max(map(len, names), default=0)


# ---- growth ----------------------------------------------------------------------------------------

_peaks: dict[str, int] = {}


def growth(
    limit: int | None = 10,
    peak_stats: dict[str, int] | None = None,
    shortnames: bool = True,
    filter: Filter = None,
) -> list[tuple[str, int, int]]:
    """Give the classes that have more objects than ever at an earlier call: (name, count, increase)."""
    peaks = _peaks if peak_stats is None else peak_stats
    gc.collect()
    stats = typestats(shortnames=shortnames, filter=filter)
    grown = []
    for name, number in stats.items():
        before = peaks.get(name, 0)
        if number > before:
            grown.append((name, number, number - before))
            peaks[name] = number
    grown.sort(key=itemgetter(2), reverse=True)
    return grown[:limit] if limit else grown


def show_growth(
    limit: int | None = 10,
    peak_stats: dict[str, int] | None = None,
    shortnames: bool = True,
    file: TextIO | None = None,
    filter: Filter = None,
) -> None:
    """Print the classes that have more objects than ever at an earlier call."""
    rows = growth(limit, peak_stats, shortnames, filter)
    width = _width(name for name, _, _ in rows)
    for name, number, more in rows:
        print(f"{name:<{width}}{number:9d} {more:+9d}", file=file or sys.stdout)


# ---- new objects -----------------------------------------------------------------------------------

_State: TypeAlias = dict[str, dict[str, set[int]]]
_ids: _State = {}
_SORT = {"old": 1, "current": 2, "new": 3, "deltas": 4}


def get_new_ids(
    skip_update: bool = False,
    limit: int | None = 10,
    sortby: str = "deltas",
    shortnames: bool | None = None,
    file: TextIO | None = None,
    _state: _State | None = None,
) -> dict[str, set[int]]:
    """Print how many objects of each class are new since the last call; give their addresses by class.

    An object that got the address of one that is gone doesn't count as new.
    """
    state = _ids if _state is None else _state
    short = shortnames is not False
    old = state.get("ids", {})
    gc.collect()
    if skip_update and "ids" in state:
        current = old
        old = state.get("old", {})
    else:
        current = _current_ids(short)
    state["old"], state["ids"] = old, current
    new = {name: ids - old.get(name, set()) for name, ids in current.items()}
    _print_ids(old, current, new, limit, sortby, file or sys.stdout)
    return new


def _current_ids(short: bool) -> dict[str, set[int]]:
    current: dict[str, set[int]] = {}
    objects = gc.get_objects()
    for obj in objects:
        current.setdefault(type_name(type(obj), short), set()).add(id(obj))
    return current


def _print_ids(
    old: dict[str, set[int]],
    current: dict[str, set[int]],
    new: dict[str, set[int]],
    limit: int | None,
    sortby: str,
    file: TextIO,
) -> None:
    rows: Sequence[tuple[str, int, int, int, int]] = [
        (name, len(old.get(name, ())), len(ids), len(new[name]), len(ids) - len(old.get(name, ())))
        for name, ids in current.items()
    ]
    rows = sorted(rows, key=itemgetter(_SORT.get(sortby, 4)), reverse=True)[: limit or None]
    width = max(_width(row[0] for row in rows), len("Type"))
    line = "=" * (width + 4 * 13)
    print(line, file=file)
    print(f"{'Type':<{width}}{'Old_ids':>13}{'Current_ids':>13}{'New_ids':>13}{'Count_Deltas':>13}", file=file)
    print(line, file=file)
    for name, before, now, more, delta in rows:
        print(f"{name:<{width}}{before:13d}{now:13d}{more:+13d}{delta:+13d}", file=file)
    print(line, file=file)
