"""What the lines of functions use: `profile`, `LineProfiler`, `CodeMap`, `show_results`.

LineProfiler and CodeMap are made to be subclassed, as PySpark does: `code_map` may be replaced at
any time and `CodeMap.add` be overridden, so both are looked up when they are needed.
"""

import inspect
import linecache
import sys
import threading
import warnings
from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any, TypeAlias

from barrow import _core
from barrow._lines import codes
from barrow._wrap import wrap
from barrow.compat._memory_profiler.calls import around
from barrow.compat._memory_profiler.debugger import Stepper
from barrow.compat._memory_profiler.memory import _TWO_20, TextStream, _get_memory, choose_backend
from barrow.compat._memory_profiler.windows import LineDifference, Window

# Increment and highest memory in MiB, occurrences.
Measure: TypeAlias = tuple[float, float, int]
Measures: TypeAlias = dict[int, Measure]

_ROW = "{0:>6} {1:>12} {2:>12}  {3:>10}   {4}"
_HEADER = _ROW.format("Line #", "Mem usage", "Increment", "Occurrences", "Line Contents")


def _nested(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if inspect.iscode(constant)]


def _line_range(code: CodeType) -> range:
    """Give the lines of a function; without its source, those that have code."""
    try:
        lines, first = inspect.getsourcelines(code)
        return range(first, first + len(lines))
    except (OSError, TypeError, IndexError):
        numbers = [line for _, _, line in code.co_lines() if line]
        return range(code.co_firstlineno, max(numbers, default=code.co_firstlineno) + 1)


class CodeMap(dict[CodeType, Measures]):
    """By code object what its lines measured; nested code objects share the dict of the outermost."""

    def __init__(self, include_children: bool, backend: str) -> None:
        super().__init__()
        self.include_children = include_children
        self.backend = backend
        self._toplevel: list[Any] = []

    def add(self, code: CodeType, toplevel_code: CodeType | None = None) -> None:
        if code in self:
            return
        if toplevel_code is None:
            toplevel_code = code
            self._toplevel.append((code.co_filename, code, _line_range(code)))
            self[code] = {}
        else:
            self[code] = self[toplevel_code]
        for inner in _nested(code):
            self.add(inner, toplevel_code=toplevel_code)

    def trace(self, code: CodeType, lineno: int, prev_lineno: int | None) -> None:
        """Book what the process uses now to a line, as a trace function of one's own may want."""
        measures = self[code]
        memory: float = _get_memory(-1, self.backend, include_children=self.include_children)
        before = measures[prev_lineno][1] if prev_lineno in measures else 0.0
        _book(measures, lineno, memory - before, memory, 1)

    def items(self) -> Any:  # not the dict's
        """Give (file, iterator of (line, measure or None)) for each function that has run."""
        for filename, code, linenos in self._toplevel:
            measures = self[code]
            if measures:
                yield filename, ((line, measures.get(line)) for line in linenos)


def _book(measures: Measures, line: int, increment: float, memory: float, occurrences: int) -> None:
    old = measures.get(line, (0.0, 0.0, 0))
    measures[line] = (old[0] + increment, max(old[1], memory), old[2] + occurrences)


def _fold(code_map: CodeMap, seen: list[tuple[CodeType, dict[int, LineDifference]]]) -> None:
    """Add what a window saw to what is known.

    A line's figures contain those of what it calls.  So where inner functions and comprehensions run
    on a line of the function around them, that one's figures are the line's.
    """
    booked: dict[tuple[int, int], int] = {}  # by id(measures) and line: how deep it was taken from
    for code, lines in sorted(seen, key=lambda each: _depth(each[0])):
        measures = code_map.get(code)
        if measures is None:
            continue
        _book_call(code_map, code, lines.pop(0, None))
        for line, difference in sorted(lines.items()):
            if booked.setdefault((id(measures), line), _depth(code)) == _depth(code):
                increment = difference.increment_bytes / _TWO_20
                memory = difference.memory_bytes / _TWO_20
                _book(measures, line, increment, memory, difference.occurrences)


def _depth(code: CodeType) -> int:
    return code.co_qualname.count("<locals>")


def _book_call(code_map: CodeMap, code: CodeType, call: LineDifference | None) -> None:
    """Let the first line of a function have what there was when it was first called."""
    if call and any(entry[1] == code for entry in code_map._toplevel):
        measures = code_map[code]
        memory = call.memory_bytes / _TWO_20
        increment = 0.0 if code.co_firstlineno in measures else memory
        _book(measures, code.co_firstlineno, increment, memory, call.occurrences)


class LineProfiler:
    """Measures the lines of functions.

    Keywords: backend; include_children, which is kept but of no effect on lines; max_mem: MiB at
    which to enter the debugger instead of measuring.
    """

    def __init__(self, **kw: Any) -> None:
        self.backend = choose_backend(kw.get("backend"))
        self.code_map = CodeMap(bool(kw.get("include_children", False)), kw.get("backend", "psutil"))
        self.enable_count = 0
        self.max_mem: float | None = kw.get("max_mem")
        # Code objects as they came: a function that is made again is equal to the one in code_map.
        self._codes: list[CodeType] = []
        self._lock = threading.RLock()
        self._window: Window | None = None
        self._stepper: Stepper | None = None

    # ---- what to measure ----

    def __call__(self, func: Callable[..., Any] | None = None, precision: int = 1) -> Any:
        if func is None:
            return partial(self.__call__, precision=precision)
        self.add_function(func)
        return self.wrap_function(func)

    def add_function(self, func: Callable[..., Any]) -> None:
        """Measure the lines of this function."""
        code = getattr(func, "__code__", None)
        if code is None:
            warnings.warn(f"Could not extract a code object for the object {func!r}", stacklevel=2)
            return
        self.code_map.add(code)
        with self._lock:
            self._codes += codes(code)
            if self._window is not None:
                self._window.add(*codes(code))

    def wrap_function(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give `func` so that it is measured while it runs."""
        return wrap(func, self.enable_by_count, self.disable_by_count)

    def runctx(self, cmd: str | CodeType, globals: dict[str, Any], locals: Any) -> "LineProfiler":
        """Execute a statement, measuring."""
        with self:
            exec(cmd, globals, locals)
        return self

    # ---- when to measure ----

    def enable_by_count(self) -> None:
        """Measure until disable_by_count() was called as often as this."""
        with self._lock:
            if self.enable_count == 0:
                self.enable()
            self.enable_count += 1
        _core.lines_enter()

    def disable_by_count(self) -> None:
        with self._lock:
            if self.enable_count == 0:
                return
            _core.lines_leave()
            self.enable_count -= 1
            if self.enable_count == 0:
                self.disable()

    def enable(self) -> None:
        if self.max_mem is not None:
            self._stepper = Stepper(self.max_mem, self.backend, lambda code: code in self.code_map)
            self._stepper.start()
        else:
            self._window = Window()
            self._window.open([*self.code_map, *self._codes])

    def disable(self) -> None:
        stepper, self._stepper = self._stepper, None
        if stepper is not None:
            stepper.stop()
        window, self._window = self._window, None
        if window is not None:
            _fold(self.code_map, window.close())

    def __enter__(self) -> "LineProfiler":
        self.enable_by_count()
        return self

    def __exit__(self, *details: object) -> None:
        self.disable_by_count()


# ---- results ----


def show_results(prof: LineProfiler, stream: TextStream | None = None, precision: int = 1) -> None:
    """Write a table for each function that has run."""
    if stream is None:
        stream = sys.stdout
    for filename, lines in prof.code_map.items():
        stream.write(f"Filename: {filename}\n\n")
        stream.write(f"{_HEADER}\n")
        stream.write("=" * len(_HEADER) + "\n")
        source = linecache.getlines(filename)
        for line, measure in lines:
            stream.write(_row(line, measure, source, precision))
        stream.write("\n\n")


def _row(line: int, measure: Measure | None, source: list[str], precision: int) -> str:
    memory = increment = occurrences = ""
    if measure:
        increment, memory = (f"{size:{precision + 4}.{precision}f} MiB" for size in measure[:2])
        occurrences = str(measure[2])
    text = source[line - 1] if 0 < line <= len(source) else "\n"
    return _ROW.format(line, memory, increment, occurrences, text)


def profile(
    func: Callable[..., Any] | None = None,
    stream: TextStream | None = None,
    precision: int = 1,
    backend: str = "psutil",
) -> Any:
    """Show what the function's lines used, at the end of each call.

    stream: where to write; None: standard output.
    precision: digits after the point.
    """
    backend = choose_backend(backend)
    if func is None:
        return partial(profile, stream=stream, precision=precision, backend=backend)

    def begin() -> Callable[[], None]:
        profiler = LineProfiler(backend=backend)
        profiler.add_function(func)
        profiler.enable_by_count()

        def end() -> None:
            profiler.disable_by_count()
            show_results(profiler, stream=stream, precision=precision)

        return end

    return around(func, begin)
