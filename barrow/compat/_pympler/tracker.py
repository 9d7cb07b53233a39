"""Stands in for pympler.tracker: what changed in the process since the last look."""

import gc
import pickle
import sys
from collections.abc import Iterator
from typing import Any

from barrow import _core
from barrow.compat._pympler import muppy, summary
from barrow.compat._pympler.asizeof import flatsize


class SummaryTracker:
    """Compares summaries of all objects; what it keeps itself is left out."""

    def __init__(self, ignore_self: bool = True) -> None:
        self.ignore_self = ignore_self
        self.summaries: dict[Any, summary.Summary] = {}
        self._last = b""
        self._last = pickle.dumps(self.create_summary())

    def create_summary(self) -> summary.Summary:
        """Count the objects of the process by class."""
        gc.collect()
        rows = summary.process_summary()
        if self.ignore_self and self._last:
            # One object holds the last summary, so that this is all there is to leave out.
            for row in rows:
                if row[0] == "bytes":
                    row[1] -= 1
                    row[2] -= flatsize(self._last)
        return rows

    def diff(self, summary1: summary.Summary | None = None, summary2: summary.Summary | None = None) -> summary.Summary:
        """Give what changed since the last call, since a summary, or between two."""
        if summary2 is None:
            summary2 = self.create_summary()
            if summary1 is None:
                summary1 = pickle.loads(self._last)
            self._last = pickle.dumps(summary2)
        if summary1 is None:
            raise ValueError("You cannot provide summary2 without summary1.")
        return [row for row in summary.get_diff(summary1, summary2) if row[1] or row[2]]

    def format_diff(
        self, summary1: summary.Summary | None = None, summary2: summary.Summary | None = None
    ) -> Iterator[str]:
        """Write what diff() gives as the lines of a table."""
        return summary.format_(self.diff(summary1, summary2))

    def print_diff(self, summary1: summary.Summary | None = None, summary2: summary.Summary | None = None) -> None:
        """Print what diff() gives."""
        summary.print_(self.diff(summary1, summary2))

    def store_summary(self, key: Any) -> None:
        """Keep a summary under a name, in `summaries`."""
        self.summaries[key] = self.create_summary()


class ObjectTracker:
    """Tells which objects came since the last look.  It keeps none of them alive, so it can't give those that went."""

    def __init__(self) -> None:
        self._known: dict[int, type] = {}
        self._known = self._now(self._tracked())

    def _tracked(self) -> list[Any]:
        gc.collect()
        classes = tuple(cls for cls, _, _ in _core.count_tracked())
        return _core.tracked(classes)

    def _now(self, objects: list[Any]) -> dict[int, type]:
        return {id(obj): type(obj) for obj in objects}

    def get_diff(self, ignore: tuple[Any, ...] = ()) -> dict[str, list[Any]]:
        """Give the objects that the collector tracks and that are new ("+"); "-" is empty."""
        left_out = {id(obj) for obj in (ignore, *ignore, self, self._known, vars(self))}
        objects = self._tracked()
        new = [obj for obj in objects if self._known.get(id(obj)) is not type(obj) and id(obj) not in left_out]
        self._known = self._now(objects)
        return {"+": new, "-": []}

    def format_diff(self, ignore: tuple[Any, ...] = ()) -> Iterator[str]:
        """Write what get_diff() gives as the lines of two tables."""
        found = self.get_diff(ignore)
        lines = ["Added objects:", *summary.format_(summary.summarize(found["+"]))]
        lines += ["Removed objects:", *summary.format_(summary.summarize(found["-"]))]
        return iter(lines)

    def print_diff(self, ignore: tuple[Any, ...] = ()) -> None:
        """Print what get_diff() gives."""
        for line in self.format_diff(ignore):
            print(line, file=sys.stdout)


__all__ = ["ObjectTracker", "SummaryTracker", "muppy", "summary"]
