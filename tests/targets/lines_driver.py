"""Runs the functions of lines_truth.py one by one under the line profiler.

Prints JSON: {name: [[line, true increment, increment, peak], ...]}.
"""

import gc
import json
import re
import sys
from pathlib import Path

import lines_truth

import barrow
from barrow import _core, _lines

SOURCE = Path(lines_truth.__file__).read_text().splitlines()
MARKER = re.compile(r"#= (.*)$")


def sizes():
    names = {
        "B": lambda n: sys.getsizeof(bytes(n)),
        "A": lambda n: sys.getsizeof(bytearray(n)),
        "L": lambda n: sys.getsizeof([None] * n),
        "T": lambda n: sys.getsizeof((None,) * n),
        "DICT3": sys.getsizeof({i: i for i in (1, 2, 3)}),
        "SET3": sys.getsizeof({b"a", b"b", b"c"}),
    }
    try:
        import numpy

        names["N"] = numpy.ndarray.__basicsize__ + 8000
    except ImportError:
        pass
    return names


def group(name):
    """The code objects of a group, outer ones first."""
    found = []
    for function, value in vars(lines_truth).items():
        if function == f"run_{name}" or function.startswith(f"{name}_"):
            for each in [value, *(vars(value).values() if isinstance(value, type) else ())]:
                if hasattr(each, "__code__"):
                    found += _lines.codes(each.__code__)
    return found


def drain_free_lists(of_dicts):
    """The interpreter keeps what is freed of some types for their next object: leave none to take."""
    lists = [[] for _ in range(300)]
    return lists, [({}, {1: 1}) for _ in range(300 if of_dicts else 0)]


def measure(name, names):
    codes = group(name)
    run = getattr(lines_truth, f"run_{name}")
    for code in codes:
        _core.lines_choose(code)
    gc.collect()
    run()  # what the interpreter makes at a first call is made now
    lines_truth.KEPT.clear()
    held = drain_free_lists(of_dicts="dict" in name)
    # Or the cache of attributes frees names that it forgets, when it happens to.
    getattr(sys, "_clear_internal_caches" if sys.version_info >= (3, 13) else "_clear_type_cache")()
    for code in codes:
        _core.lines_reset(code)
    run()
    lines_truth.KEPT.clear()
    figures = [_core.lines_figures(code) for code in codes]
    for code in codes:
        _core.lines_drop(code)
    rows = []
    for code in codes:
        for line in sorted({at for _, _, at in code.co_lines() if at}):
            marker = MARKER.search(SOURCE[line - 1])
            if marker and line not in [row[0] for row in rows]:
                measured = next((each[line] for each in figures if line in each), (0, 0, 0, 0))
                rows.append([line, eval(marker[1], names), measured[1], measured[3]])
    del held
    return rows


def main():
    names = sizes()
    gc.disable()
    recording = barrow.record()
    recording.start()
    _core.lines_everywhere()
    results = {}
    for name in [n.removeprefix("run_") for n in dir(lines_truth) if n.startswith("run_")]:
        if name != "numpy" or "N" in names:
            results[name] = measure(name, names)
    print(json.dumps(results))


main()
