"""Enters the debugger when the process has grown: `--pdb-mmem`."""

import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from barrow.compat._memory_profiler.memory import _get_memory


class Stepper:
    """Looks at the memory after each line of some functions, in the thread that starts it."""

    def __init__(self, limit: float, backend: str, is_wanted: Callable[[CodeType], bool]) -> None:
        self._limit = limit
        self._backend = backend
        self._is_wanted = is_wanted
        self._before: Any = None

    def start(self) -> None:
        self._before = sys.gettrace()
        sys.settrace(self._trace)

    def stop(self) -> None:
        if sys.gettrace() == self._trace:
            sys.settrace(self._before)

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not self._is_wanted(frame.f_code):
            return None
        if event not in ("line", "return"):
            return self._trace
        memory = _get_memory(-1, self._backend)
        if memory < self._limit:
            return self._trace
        print(f"Current memory {memory:.2f} MiB exceeded the maximum of {self._limit:.2f} MiB")
        print("Stepping into the debugger ")
        from pdb import Pdb

        debugger = Pdb()
        debugger.set_trace(frame)
        return debugger.trace_dispatch(frame, event, argument)
