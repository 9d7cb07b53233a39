"""The benchmark's own workloads: small programs that stress one habit of memory use each.

A workload is a function that does one *unit* of work, some milliseconds of it; the measuring
process repeats it a fixed number of times.  What it needs but should not be timed is made by
its `prepare` function and passed in.  Workloads are deterministic and keep nothing between units.
"""

import threading
from collections import namedtuple

# Modules that only some workloads need are imported by their `prepare`, so that what the others
# are seen to use is their own.

# name, unit (the function), prepare (or None), loops: a fixed number of units, or None: as many as
# take the time wanted; kind: "own", "stack" (of a given depth) or "heap" (one large heap, for the
# memory rows); depth: levels of Python frames, where that is the point; rounds: at most so many.
Workload = namedtuple("Workload", "name unit prepare loops kind depth rounds")

WORKLOADS = {}


def workload(prepare=None, loops=None, kind="own", depth=0, rounds=None, name=None):
    def register(unit):
        key = name or unit.__name__
        WORKLOADS[key] = Workload(key, unit, prepare, loops, kind, depth, rounds)
        return unit

    return register


# ---- calls and objects ----------------------------------------------------------------------


class Account:
    def __init__(self, owner):
        self.owner = owner
        self.balance = 0

    def deposit(self, amount):
        self.balance += amount
        return self.is_positive()

    def is_positive(self):
        return self.sign() > 0

    def sign(self):
        return (self.balance > 0) - (self.balance < 0)


@workload()
def calls():
    """Method calls three deep that allocate next to nothing."""
    account = Account("a")
    for amount in range(20_000):
        account.deposit(amount)


class Point:
    __slots__ = ("x", "y", "z")

    def __init__(self, x, y, z):
        self.x, self.y, self.z = x, y, z

    def moved(self, dx, dy, dz):
        return Point(self.x + dx, self.y + dy, self.z + dz)


@workload()
def objects():
    """Short-lived objects made by methods of objects."""
    points = [Point(i * 1.0, i * 2.0, i * 3.0) for i in range(4_000)]
    for _ in range(3):
        points = [point.moved(0.5, 0.25, 0.125) for point in points]
    return sum(point.x for point in points)


@workload()
def instances():
    """Instances with a __dict__, held in a dict."""
    book = {}
    for i in range(12_000):
        account = Account("owner")
        account.deposit(i)
        book[i] = account
    return len(book)


@workload()
def nested_lists():
    """Lists of lists."""
    table = [[[i, j] for j in range(40)] for i in range(600)]
    return len(table)


def _countdown(n):
    while n:
        yield n
        n -= 1


def _walk(tree):
    if tree:
        left, value, right = tree
        yield from _walk(left)
        yield value
        yield from _walk(right)


def _balanced(low, high):
    if low >= high:
        return None
    middle = (low + high) // 2
    return (_balanced(low, middle), middle, _balanced(middle + 1, high))


@workload(prepare=lambda: _balanced(0, 4_000))
def generators(tree):
    """Generators that delegate to generators, and many short ones."""
    total = sum(_walk(tree))
    for _ in range(2_000):
        total += sum(_countdown(8))
    return total


def _grow(depth):
    if depth == 0:
        return ()
    return (_grow(depth - 1), _grow(depth - 1))


@workload()
def tuple_tree():
    """A binary tree of tuples: 2**17 distinct stacks, each met once a unit."""
    return _grow(17)


# ---- text and documents ---------------------------------------------------------------------


@workload()
def strings():
    """Splitting, joining, formatting and replacing."""
    words = []
    for i in range(3_000):
        line = f"{i:06d};name-{i % 97};{i * 1.5:.2f};some text of usual length"
        fields = line.split(";")
        words.append(",".join(fields).replace("name", "n").upper())
    return len("\n".join(words))


def _document():
    return [
        {"id": i, "name": f"item {i}", "tags": ["a", "b", str(i)], "size": {"w": i * 0.5, "h": i}}
        for i in range(600)
    ]


def _json():
    import json

    return json, _document()


@workload(prepare=_json)
def json_round(prepared):
    json, document = prepared
    return len(json.loads(json.dumps(document)))


def _copy():
    import copy

    return copy, _document()[:60]


@workload(prepare=_copy)
def deepcopy(prepared):
    copy, document = prepared
    return copy.deepcopy(document)


_SOURCE = '''
def f{0}(a, b=1, *args, key=None, **rest):
    """Text {0}"""
    if a > b and key is not None:
        return [x ** 2 for x in range(a) if x % 2] + [key, {{"k": a, **rest}}]
    try:
        with open(str(a)) as file:
            return file.read().split(",")[{0}]
    except (OSError, ValueError) as error:
        raise RuntimeError(f"no {{a!r}} of {{b}}") from error
'''


def _syntax():
    import ast

    return ast, ast.parse("".join(_SOURCE.format(i) for i in range(12)))


@workload(prepare=_syntax)
def ast_unparse(prepared):
    ast, tree = prepared
    return len(ast.unparse(tree))


@workload()
def bytes_large():
    """Blocks from 64 KiB to 4 MiB, grown, sliced and joined."""
    parts = []
    for shift in range(16, 23):
        block = bytearray(1 << shift)
        block += b"x" * 4096
        parts.append(bytes(block[: 1 << (shift - 1)]))
    return len(b"".join(parts))


# ---- concurrency ----------------------------------------------------------------------------


def _asyncio():
    import asyncio

    return asyncio


@workload(prepare=_asyncio)
def asyncio_gather(asyncio):
    """400 tasks that yield once, gathered."""

    async def task(n):
        await asyncio.sleep(0)
        return [n, str(n)]

    async def gather():
        return await asyncio.gather(*(task(n) for n in range(400)))

    return len(asyncio.run(gather()))


@workload()
def threads4():
    """Four threads that make objects under one interpreter lock."""
    threads = [threading.Thread(target=objects) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ---- numpy ----------------------------------------------------------------------------------


def _numpy():
    import numpy

    return numpy


@workload(prepare=_numpy, name="numpy")
def numpy_arrays(np):
    """Many small arrays, and some of 800 KB."""
    total = 0.0
    for i in range(1_500):
        total += float((np.arange(16) * 2.0 + i).sum())
    large = np.linspace(0.0, 1.0, 100_000)
    for _ in range(4):
        large = np.sqrt(large * large + 1.0)
    return total + float(large[-1])


# ---- stacks of a given depth ----------------------------------------------------------------

STACK_ITERATIONS = 20_000  # of `x = [i, i]` a unit
FRAMES_BELOW = 5  # the measuring script's own


def _at_depth(levels):
    if levels > 1:
        return _at_depth(levels - 1)
    for i in range(STACK_ITERATIONS):
        x = [i, i]  # noqa: F841 - the allocation is the point


def _register_depth(depth):
    def unit():
        _at_depth(depth - FRAMES_BELOW)

    workload(kind="stack", depth=depth, name=f"stack_{depth}")(unit)


for _depth in (10, 30, 100, 1000):
    _register_depth(_depth)


# ---- large heaps, for memory ----------------------------------------------------------------


@workload(loops=1, kind="heap")
def heap_small():
    """About 150 MB of small objects, alive together, from few sites."""
    rows = []
    for i in range(400_000):
        rows.append({"id": i, "pair": (i, i + 1), "name": f"row {i}"})
    return len(rows)


@workload(loops=1, kind="heap")
def heap_medium():
    """About 250 MB of blocks of 100 bytes to 4 KB."""
    return len([bytes(100 + (i * 37) % 4000) for i in range(120_000)])


def _many_lines():
    """500 functions of 40 lines, each of which makes a pair and a float: 40,000 sites."""
    functions = []
    for f in range(500):
        lines = [f"    keep((i, i + {k}.5))" for k in range(40)]
        scope = {}
        exec(compile("def fill(keep, i):\n" + "\n".join(lines), f"<lines {f}>", "exec"), scope)
        functions.append(scope["fill"])
    return functions


@workload(prepare=_many_lines, loops=1, kind="heap")
def heap_40k_sites(functions):
    """About 65 MB, evenly from 40,000 sites (the interpreter's and the imports' come on top)."""
    held = []
    for i in range(32):
        for fill in functions:
            fill(held.append, i)
    return len(held)


def _quicksort(values):
    if len(values) <= 1:
        return values
    pivot = values[0]
    less = [v for v in values[1:] if v < pivot]
    more = [v for v in values[1:] if v >= pivot]
    return [*_quicksort(less), pivot, *_quicksort(more)]


def _million_floats():
    import random

    source = random.Random(1)
    return [source.random() for _ in range(1_000_000)]


@workload(prepare=_million_floats, loops=1, kind="heap", depth=50, rounds=2)
def quicksort(values):
    """Recursion that gives millions of distinct stacks: the table budget's row."""
    return len(_quicksort(values))
