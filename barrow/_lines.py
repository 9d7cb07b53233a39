"""The line profiler's Python face: `@barrow.profile`.

The measuring is done in C (src/lines); this chooses code objects and sees to it that there is a recording.
"""

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, ParamSpec, TypeVar, cast, overload

from barrow import _core

P = ParamSpec("P")
R = TypeVar("R")

_TRACES = sys.version_info < (3, 12)
_SUSPENDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

_own_recording: Any = None


def ensure_recording() -> None:
    """Start a recording in memory if nothing is being recorded.

    Raises barrow.Error if that can't be done.
    """
    global _own_recording
    if not _core.recording():
        from barrow._record import record

        _own_recording = record()
        _own_recording.start()


def codes(code: CodeType) -> Iterator[CodeType]:
    """Give a code object and those defined inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def choose(code: CodeType) -> None:
    """Measure a code object and those defined inside it.  RuntimeError if that is not possible."""
    for each in codes(code):
        _core.lines_choose(each)


@overload
def profile(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def profile(function: Any, /) -> Any: ...
def profile(function: Any, /) -> Any:
    """Measure what each line of a function allocates; a decorator.

        @barrow.profile
        def load(path): ...

    Works on functions, coroutine and generator functions, methods, `staticmethod`, `classmethod` and
    `property` objects, and through decorators made with functools.wraps.  In a recorded process
    (`barrow run`, `barrow lines run`, `barrow.record()`) the figures go to its ledger: `barrow lines show FILE`.
    Else a recording in memory begins, and the table is printed on standard output when the process ends.
    Under `barrow mem run` each call is noted for its plot, and lines are only measured in a recording.

    Errors: TypeError if there is no Python code in `function`; RuntimeError if lines can't be measured here.
    """
    if isinstance(function, staticmethod | classmethod):
        return type(function)(profile(function.__func__))
    if isinstance(function, property):
        get, put, delete = (f and profile(f) for f in (function.fget, function.fset, function.fdel))
        return property(get, put, delete, function.__doc__)
    inner = inspect.unwrap(function) if callable(function) else None
    code = getattr(inner, "__code__", None)
    if not isinstance(code, CodeType):
        raise TypeError(f"profile() needs a function written in Python, not {type(function).__name__}")
    brackets = os.environ.get("BARROW_MEM_FILE")
    if brackets:
        from barrow._brackets import bracket

        function = bracket(function, brackets)
        if not _core.recording():
            return function
    _print_at_exit()
    choose(code)
    if not _TRACES:
        return function
    if code.co_flags & _SUSPENDS:
        _core.lines_everywhere()
        return function
    return _traced(function)


def _traced(function: Callable[P, R]) -> Callable[P, R]:
    """Give the function with tracing on while it runs: what Python 3.11 needs."""
    enter, leave = _core.lines_enter, _core.lines_leave

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        enter()
        try:
            return function(*args, **kwargs)
        finally:
            leave()

    return wrapper


def start(patterns: str) -> None:
    """Begin in a process that `barrow lines run` launched; `patterns` as src/lines/lines.h has them."""
    import builtins

    builtins.profile = profile  # type: ignore[attr-defined]
    if patterns:
        _core.lines_choose_matching(patterns)


# ---- outside of any recording ----


def _print_at_exit() -> None:
    if _core.recording():
        return
    ensure_recording()
    import atexit

    atexit.register(_print, os.getpid())


def _print(pid: int) -> None:
    import subprocess

    from barrow.__main__ import executable

    command = executable()
    if os.getpid() != pid or _own_recording is None or command is None:
        return  # a forked child, or nothing to print it with
    if sys.stdout is not None:
        sys.stdout.flush()
    _own_recording.stop()
    ledger = cast(str, _own_recording._written).replace("/proc/self/", f"/proc/{pid}/")
    subprocess.run([command, "lines", "show", ledger], check=False)
