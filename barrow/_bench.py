"""What `barrow bench` measures a statement with, in a process of its own.

The command starts `python -c 'import this module and call main()' MODE LOOPS RESULT SETUP STATEMENT`.
The statement runs as the code of `__main__`, as under `python -c`.  Its figures go to the file RESULT,
a line `name value` each; what it prints is its own affair.

What is measured begins and ends inside the statement's own code, as calls put before and after it:
nothing of ours lies in between, so an empty statement allocates nothing.
"""

import _ast
import builtins
import sys
import time
from itertools import repeat

# Only modules that every interpreter has in itself: a statement that imports `ast` or `typing` must
# find them as unknown as a program would.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, TracebackType

_TREE_ONLY = _ast.PyCF_ONLY_AST

_NAMES = ("__barrow_start__", "__barrow_stop__", "__barrow_loops__")
_ONCE = f"{_NAMES[0]}()\n{_NAMES[1]}()"
_LOOP = f"{_NAMES[0]}()\nfor __barrow_loop__ in {_NAMES[2]}:\n  pass\n{_NAMES[1]}()"

_ENOUGH_NS = 10_000_000  # a timed run of a short statement lasts at least that long
_SHORT_NS = 1_000_000


def _between(statement: str, loop: bool) -> "CodeType":
    """Compile the statement with a call before and one after it."""
    body = compile(statement, "<statement>", "exec", _TREE_ONLY).body
    frame = compile(_LOOP if loop else _ONCE, "<barrow>", "exec", _TREE_ONLY)
    if loop:
        frame.body[1].body = body
    else:
        frame.body[1:1] = body
    return compile(frame, "<statement>", "exec")


def _execute(code: "CodeType", start: "Callable[[], None]", stop: "Callable[[], None]", loops: int) -> None:
    for name, value in zip(_NAMES, (start, stop, repeat(None, loops)), strict=True):
        setattr(builtins, name, value)
    exec(code, sys.modules["__main__"].__dict__)


def _memory(statement: str) -> dict[str, int]:
    from barrow import _core

    code = _between(statement, loop=False)
    region = -1
    result: dict[str, int] = {}

    def start() -> None:
        nonlocal region
        region = _core.region_start()

    def stop() -> None:
        result.update(_core.region_stop(region))

    _make_room()
    _forget_names()
    _execute(code, start, stop, 1)
    keys = ("peak_bytes", "live_bytes", "allocations", "total_bytes")
    return {key: result[key] for key in keys}


def _make_room() -> None:
    """Let the namespace have room: `x = 1` is not to be charged with the dictionary's growth."""
    namespace = sys.modules["__main__"].__dict__
    names = [f"__barrow_{i}__" for i in range(200)]
    for name in names:
        namespace[name] = None
    for name in names:
        del namespace[name]


def _forget_names() -> None:
    """Empty the interpreter's cache of attributes.

    Its entries hold names that nobody else knows any more.  Which of them an attribute look-up would
    free depends on addresses, and so differs from run to run.
    """
    for name in ("_clear_internal_caches", "_clear_type_cache"):  # from 3.13 on; before
        clear = getattr(sys, name, None)
        if clear is not None:
            clear()
            return


def _time(statement: str, loops: int) -> int:
    """Give the nanoseconds that `loops` executions took in all."""
    code = _between(statement, loop=loops > 1)
    clock = time.perf_counter_ns
    began = ended = 0

    def start() -> None:
        nonlocal began
        began = clock()

    def stop() -> None:
        nonlocal ended
        ended = clock()

    _execute(code, start, stop, loops)
    return ended - began


def _loops(statement: str) -> int:
    """Give how many executions a timed run is to make: several if one is too short to time.

    A statement that can't be executed twice is executed once.
    """
    loops = 1
    taken = _time(statement, 1)
    if taken >= _SHORT_NS:
        return 1
    try:
        while taken < _ENOUGH_NS and loops < 1_000_000_000:
            factor = min(10, _ENOUGH_NS // max(taken, 1) + 1)
            loops *= max(2, factor)
            taken = _time(statement, loops)
    except Exception:
        return 1
    return loops


def _measure(mode: str, loops: int, setup: str, statement: str) -> dict[str, int]:
    exec(compile(setup, "<setup>", "exec"), sys.modules["__main__"].__dict__)
    if mode == "memory":
        return _memory(statement)
    if mode == "calibrate":
        return {"loops": _loops(statement)}
    return {"time_ns": _time(statement, loops)}


def main() -> None:
    """Measure as the command line says."""
    _, mode, loops, result, setup, statement = sys.argv
    sys.argv = ["-c"]
    try:
        figures = _measure(mode, int(loops), setup, statement)
    except Exception as error:
        error.__traceback__ = _own_part(error)
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)
    with open(result, "w", encoding="ascii") as file:
        for name, value in figures.items():
            print(name, value, file=file)
        print("python", sys.version.split()[0], file=file)


def _own_part(error: BaseException) -> "TracebackType | None":
    """Give the traceback from the statement on, without the frames of this module."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return traceback
