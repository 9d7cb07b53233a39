"""`python -m memory_profiler script.py`."""

import argparse
import builtins
import os
import runpy
import sys
from shutil import which
from types import ModuleType

from barrow.compat._memory_profiler.lines import LineProfiler, show_results
from barrow.compat._memory_profiler.memory import _METRICS
from barrow.compat._memory_profiler.times import TimeStamper

_VERSION = "0.61.0"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m memory_profiler",
        description="Run a program and show what the lines of its @profile functions use.",
    )
    parser.add_argument("--version", action="version", version=_VERSION)
    parser.add_argument(
        "--pdb-mmem",
        dest="max_mem",
        metavar="MAXMEM",
        type=float,
        help="enter the debugger when memory exceeds MAXMEM MiB",
    )
    parser.add_argument("--precision", type=int, default=3, help="digits after the point")
    parser.add_argument("-o", dest="out", metavar="FILE", help="append the results to FILE")
    parser.add_argument(
        "--timestamp",
        action="store_true",
        help="write when decorated functions began and ended instead",
    )
    parser.add_argument("--include-children", action="store_true", help="with --timestamp: add child processes")
    parser.add_argument("--backend", choices=sorted(_METRICS), default="psutil")
    parser.add_argument("program", nargs=argparse.REMAINDER, help="a script or module, and its arguments")
    return parser.parse_args()


def _find_script(name: str) -> str:
    path = name if os.path.isfile(name) else which(name, os.F_OK)
    if path is None:
        sys.stderr.write(f"Could not find script {name}\n")
        raise SystemExit(1)
    return path


def _run_script(path: str) -> None:
    """Run it as `python path` does, with the same `__main__`."""
    main = ModuleType("__main__")
    main.__dict__.update(__file__=path, __builtins__=builtins)
    sys.modules["__main__"] = main
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    with open(path, "rb") as file:
        source = file.read()
    exec(compile(source, path, "exec"), main.__dict__)


def main() -> int:
    arguments = _arguments()
    if not arguments.program:
        print("A program to run must be provided. Use -h for help")
        return 1
    profiler: LineProfiler | TimeStamper
    if arguments.timestamp:
        profiler = TimeStamper(arguments.backend, arguments.include_children)
    else:
        profiler = LineProfiler(max_mem=arguments.max_mem, backend=arguments.backend)
    builtins.__dict__["profile"] = profiler
    target, *words = arguments.program
    try:
        if target.endswith(".py"):
            path = _find_script(target)
            sys.argv = [path, *words]
            _run_script(path)
        else:
            sys.argv = [target, *words]
            runpy.run_module(target, run_name="__main__", alter_sys=True)
    finally:
        with open(arguments.out or os.devnull, "a", encoding="utf-8") as file:
            stream = file if arguments.out else sys.stdout
            if isinstance(profiler, TimeStamper):
                profiler.show_results(stream=stream)
            else:
                show_results(profiler, stream=stream, precision=arguments.precision)
    return 0
