"""Stands in for memory_profiler 0.61: the same names, measured by barrow.

What differs is told in barrow's guide: lines are charged with what they allocated, to the byte;
`memory_usage` runs a function once; psutil isn't needed.
"""

from barrow.compat._memory_profiler.lines import CodeMap, LineProfiler, profile, show_results
from barrow.compat._memory_profiler.log import LogFile
from barrow.compat._memory_profiler.memory import (
    _TWO_20,
    _func_exec,
    _get_memory,
    choose_backend,
    memory_usage,
)
from barrow.compat._memory_profiler.times import TimeStamper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from barrow._ipython import MemitResult as MemitResult
    from barrow._ipython import Shell

__version__ = "0.61.0"
__all__ = [
    "_TWO_20",
    "CodeMap",
    "LineProfiler",
    "LogFile",
    "TimeStamper",
    "_func_exec",
    "_get_memory",
    "choose_backend",
    "has_tracemalloc",
    "load_ipython_extension",
    "memory_usage",
    "profile",
    "show_results",
]

has_tracemalloc = True


def load_ipython_extension(ip: "Shell") -> None:
    """Give IPython %memit and %mprun: `%load_ext memory_profiler`."""
    from barrow import _ipython

    _ipython.load_memory_profiler(ip)


def __getattr__(name: str) -> object:
    if name == "MemitResult":
        from barrow._ipython import MemitResult

        return MemitResult
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    import sys

    from barrow.compat._memory_profiler.command import main

    sys.exit(main())
