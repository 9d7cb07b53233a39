"""What the lines of code objects did between two moments.

The recorder counts for each line of a chosen code object, for as long as it is chosen.  A window is
the difference: several can be open on one code object, of recursive functions or several profilers.
"""

import contextlib
import os
import threading
import warnings
from collections.abc import Iterable
from types import CodeType
from typing import TYPE_CHECKING, NamedTuple

from barrow import _core

if TYPE_CHECKING:
    from barrow._record import record

Figures = dict[int, tuple[int, int, int, int]]

# Held while windows open and close.  A fork waits for it, so that the child finds it free.
_lock = threading.RLock()
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)

# By id(code).  The code objects that only windows have chosen are kept, so their ids stay theirs.
_open_windows: dict[int, int] = {}
_chosen_here: dict[int, CodeType] = {}


# The recording that was begun because there was none.
_own_recording: "record | None" = None


def _begin_recording() -> None:
    global _own_recording
    if not _core.recording():
        from barrow._record import record

        _own_recording = record()
        _own_recording.start()


def end_recording() -> None:
    """End the recording that a window began, unless there are windows.

    A program that is measured once is measured again soon, so windows themselves don't.
    """
    global _own_recording
    with _lock:
        if _own_recording is not None and not _open_windows:
            recording, _own_recording = _own_recording, None
            with contextlib.suppress(_core.Error):
                recording.stop()


class LineDifference(NamedTuple):
    occurrences: int
    increment_bytes: int
    memory_bytes: int
    """The highest; of earlier windows too if others look at the same code."""


class _Watched:
    """A code object with a window open on it."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        key = id(code)
        before = _core.lines_figures(code)
        if _open_windows.get(key, 0) == 0 and (key in _chosen_here or not before):
            _chosen_here[key] = code
            _core.lines_choose(code)
            _core.lines_reset(code)
            before = {}
        else:
            _core.lines_choose(code)
        self._before = before
        _open_windows[key] = _open_windows.get(key, 0) + 1

    def close(self) -> dict[int, LineDifference]:
        after = _core.lines_figures(self.code)
        key = id(self.code)
        _open_windows[key] -= 1
        if _open_windows[key] == 0:
            del _open_windows[key]
            if key in _chosen_here:
                _core.lines_drop(self.code)
        return {
            line: difference
            for line, figures in after.items()
            if (difference := _difference(self._before.get(line), figures)).occurrences
        }


def _difference(
    before: tuple[int, int, int, int] | None, after: tuple[int, int, int, int]
) -> LineDifference:
    if before is None or before[0] > after[0]:  # another recording has begun
        before = (0, 0, 0, 0)
    return LineDifference(after[0] - before[0], after[1] - before[1], after[2])


class Window:
    """Counts from open() to close(); nothing, with a warning, where barrow can't record."""

    def __init__(self) -> None:
        self._watched: dict[int, _Watched] = {}  # by id(code)

    def open(self, codes: Iterable[CodeType]) -> None:
        with _lock:
            try:
                _begin_recording()
                self.add(*codes)
            except (RuntimeError, _core.Error) as error:
                warnings.warn(f"barrow: lines aren't measured: {error}", RuntimeWarning, stacklevel=4)

    def add(self, *codes: CodeType) -> None:
        """Count the lines of these too, from now on."""
        with _lock:
            for code in codes:
                if id(code) not in self._watched:
                    self._watched[id(code)] = _Watched(code)

    def close(self) -> list[tuple[CodeType, dict[int, LineDifference]]]:
        """Give by code object what its lines did; line 0 is the function: its calls."""
        with _lock:
            return [(watched.code, watched.close()) for watched in self._watched.values()]
