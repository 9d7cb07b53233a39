"""Benchmarks of the pyperformance suite, as functions of a loop count.

pyperformance's programs hand their inner functions to a `pyperf.Runner`, which would start worker
processes of its own.  Here a stand-in for that runner merely keeps the function, so that every
tool measures one process doing a number of loops that is known beforehand.  Only the package's
files are used; pyperf itself need not be installed.
"""

import argparse
import importlib.util
import sys
import time
import types
from pathlib import Path
from typing import ClassVar

# name: (its folder bm_*, the program's arguments, which of its functions if it has several)
BENCHMARKS = {
    "async_tree": ("async_tree", ["none"], None),
    "async_generators": ("async_generators", [], None),
    "chaos": ("chaos", [], None),
    "comprehensions": ("comprehensions", [], None),
    "coroutines": ("coroutines", [], None),
    "deepcopy": ("deepcopy", [], "deepcopy"),
    "deltablue": ("deltablue", [], None),
    "fannkuch": ("fannkuch", [], None),
    "float": ("float", [], None),
    "generators": ("generators", [], None),
    "go": ("go", [], None),
    "hexiom": ("hexiom", [], None),
    "json_dumps": ("json_dumps", [], None),
    "json_loads": ("json_loads", [], None),
    "logging_simple": ("logging", ["simple"], None),
    "nbody": ("nbody", [], None),
    "nqueens": ("nqueens", [], None),
    "pickle": ("pickle", ["pickle"], None),
    "pickle_pure_python": ("pickle", ["--pure-python", "pickle"], None),
    "unpickle_list": ("pickle", ["unpickle_list"], None),
    "pprint_pformat": ("pprint", [], "pprint_pformat"),
    "pyflate": ("pyflate", [], None),
    "raytrace": ("raytrace", [], None),
    "regex_effbot": ("regex_effbot", [], None),
    "regex_v8": ("regex_v8", [], None),
    "richards": ("richards", [], None),
    "scimark_fft": ("scimark", ["fft"], None),
    "spectral_norm": ("spectral_norm", [], None),
    "sqlite_synth": ("sqlite_synth", [], None),
    "telco": ("telco", [], None),
    "xml_etree_parse": ("xml_etree", ["parse"], None),
}


class Runner:
    """Keeps what it is asked to time: {name: function of the loop count}."""

    kept: ClassVar[dict] = {}

    def __init__(self, **_):
        self.metadata = {}
        self.argparser = argparse.ArgumentParser()
        self.args = None

    def parse_args(self):
        self.args = self.argparser.parse_args()
        return self.args

    def bench_func(self, name, func, *args, **_):
        def run(loops):
            for _ in range(loops):
                func(*args)

        self.kept[name] = run

    def bench_time_func(self, name, func, *args, **_):
        self.kept[name] = lambda loops: func(loops, *args)

    def bench_async_func(self, name, func, *args, **_):
        import asyncio

        async def repeat(loops):
            for _ in range(loops):
                await func(*args)

        self.kept[name] = lambda loops: asyncio.run(repeat(loops))


def _stand_in():
    module = types.ModuleType("pyperf")
    module.Runner = Runner
    module.perf_counter = time.perf_counter
    module.python_implementation = lambda: sys.implementation.name
    return module


def load(name):
    folder, arguments, chosen = BENCHMARKS[name]
    package = importlib.util.find_spec("pyperformance")
    root = Path(package.submodule_search_locations[0]) / "data-files" / "benchmarks"
    program = root / f"bm_{folder}" / "run_benchmark.py"
    sys.modules["pyperf"] = _stand_in()
    Runner.kept = {}
    argv, sys.argv = sys.argv, [str(program), *arguments]
    try:
        scope = {"__name__": "__main__", "__file__": str(program)}
        exec(compile(program.read_text(), str(program), "exec"), scope)
    finally:
        sys.argv = argv
    if chosen:
        return Runner.kept[chosen]
    (only,) = Runner.kept.values()
    return only
