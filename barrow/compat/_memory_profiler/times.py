"""When functions began and ended, and what memory there was then: `TimeStamper`."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from barrow.compat._memory_profiler.calls import around
from barrow.compat._memory_profiler.memory import TextStream, _get_memory, choose_backend

Stamp = tuple[float, float]  # MiB, Unix time


class TimeStamper:
    """A decorator that keeps the memory and the time at the begin and the end of each call.

    functions: function → [[begin, end], …], each (MiB, Unix time).
    stack: function → how deep in other decorated functions each of its calls was.
    """

    def __init__(self, backend: str, include_children: bool = False) -> None:
        self.functions: dict[Callable[..., Any], list[list[Stamp]]] = {}
        self.backend = choose_backend(backend)
        self.include_children = include_children
        self.current_stack_level = -1
        self.stack: dict[Callable[..., Any], list[int]] = {}

    def __call__(self, func: Callable[..., Any] | None = None, precision: int | None = None) -> Any:
        if func is None:
            return self.__call__
        if not callable(func):
            raise ValueError("Value must be callable")
        self.add_function(func)
        return self.wrap_function(func)

    def add_function(self, func: Callable[..., Any]) -> None:
        self.functions.setdefault(func, [])
        self.stack.setdefault(func, [])

    def wrap_function(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give `func` with its calls stamped."""
        return around(func, lambda: self._begin(func))

    @contextlib.contextmanager
    def timestamp(self, name: str = "<block>") -> Iterator[None]:
        """Stamp a block of code."""

        def block() -> None: ...

        block.__module__ = ""
        block.__name__ = name
        self.add_function(block)
        end = self._begin(block)
        try:
            yield
        finally:
            end()

    def _begin(self, func: Callable[..., Any]) -> Callable[[], None]:
        self.current_stack_level += 1
        self.stack[func].append(self.current_stack_level)
        stamps = [self._stamp()]
        self.functions[func].append(stamps)

        def end() -> None:
            stamps.append(self._stamp())
            self.current_stack_level -= 1

        return end

    def _stamp(self) -> Stamp:
        stamp: Stamp = _get_memory(-1, self.backend, True, self.include_children)
        return stamp

    def show_results(self, stream: TextStream | None = None) -> None:
        """Write the calls that have ended as lines of mprof's files."""
        if stream is None:
            import sys

            stream = sys.stdout
        for func, calls in self.functions.items():
            name = f"{func.__module__}.{func.__name__}"
            for stamps, level in zip(calls, self.stack[func], strict=True):
                if len(stamps) == 2:
                    numbers = " ".join(f"{number:.4f}" for stamp in stamps for number in stamp)
                    stream.write(f"FUNC {name} {numbers} {level}\n")
