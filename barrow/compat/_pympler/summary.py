"""Stands in for pympler.summary: how many objects of each class, and how large."""

import sys
from collections.abc import Iterator
from operator import itemgetter
from types import FunctionType, ModuleType
from typing import Any, TextIO, TypeAlias

from barrow import _core
from barrow._units import class_name
from barrow.compat._pympler.muppy import own_sizes

Summary: TypeAlias = list[list[Any]]  # [name, number of objects, bytes]
_COLUMNS = {"type": 0, "#": 1, "size": 2}
_ORDERS = ("ascending", "descending")


def representation(obj: Any) -> str:
    """Name what a summary counts an object as: its class; functions and modules by their own name."""
    if isinstance(obj, FunctionType):
        return f"function ({obj.__name__})"
    if isinstance(obj, ModuleType):
        return f"module({obj.__name__})"
    return class_name(type(obj))


def summarize(objects: list[Any]) -> Summary:
    """Count objects by class: rows [name, number, bytes], the objects' own bytes."""
    rows: dict[str, list[Any]] = {}
    for obj, size in zip(objects, own_sizes(objects), strict=True):
        name = representation(obj)
        row = rows.setdefault(name, [name, 0, 0])
        row[1] += 1
        row[2] += size
    return list(rows.values())


def process_summary() -> Summary:
    """Count all objects of the process by class, without making a list of them."""
    rows: dict[str, list[Any]] = {}
    for cls, number, size in _core.count_all():
        name = class_name(cls)
        row = rows.setdefault(name, [name, 0, 0])
        row[1] += number
        row[2] += size
    return list(rows.values())


def get_diff(left: Summary, right: Summary) -> Summary:
    """Subtract the first summary from the second, class by class."""
    before = {name: (number, size) for name, number, size in left}
    after = {name: (number, size) for name, number, size in right}
    return [
        [name, after.get(name, (0, 0))[0] - before.get(name, (0, 0))[0],
         after.get(name, (0, 0))[1] - before.get(name, (0, 0))[1]]
        for name in sorted({*before, *after})
    ]  # fmt: skip


def bytes_words(count: float) -> str:
    """Write bytes as pympler does: "112     B", "296.20 KB"."""
    if abs(count) < 1024:
        return f"{count:.0f}     B"
    unit = 0
    while abs(count) >= 1024 and unit < 3:
        count /= 1024
        unit += 1
    return f"{count:.2f} {('', 'KB', 'MB', 'GB')[unit]}"


def format_(rows: Summary, limit: int = 15, sort: str = "size", order: str = "descending") -> Iterator[str]:
    """Write a summary as the lines of a table."""
    if sort not in _COLUMNS:
        raise ValueError(f"invalid sort, should be one of {tuple(_COLUMNS)}")
    if order not in _ORDERS:
        raise ValueError(f"invalid order, should be one of {_ORDERS}")
    shown = sorted(rows, key=itemgetter(_COLUMNS[sort]), reverse=order == "descending")[:limit]
    cells = [(f"  {name}", f"{number}", bytes_words(size)) for name, number, size in shown]
    width = max((len(cell[0]) for cell in cells), default=0)
    width = max(width, len("  types"))
    yield f"{'types':>{width}} | {'# objects':>11} | {'total size':>12}"
    yield f"{'=' * width} | {'=' * 11} | {'=' * 12}"
    for name, number, size in cells:
        yield f"{name:>{width}} | {number:>11} | {size:>12}"


def print_(
    rows: Summary, limit: int = 15, sort: str = "size", order: str = "descending", file: TextIO | None = None
) -> None:
    """Print a summary as a table."""
    for line in format_(rows, limit, sort, order):
        print(line, file=file or sys.stdout)
