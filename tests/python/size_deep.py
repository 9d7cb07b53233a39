"""Nested objects, the blocks that making them took, and what barrow.size() says they cost.

    python size_deep.py REPORT

REPORT becomes {name: [[[address, requested bytes, real bytes, …], …], deep bytes, exclusive bytes]}.  The blocks
are those that the allocators gave while a structure was made (size_shapes.py tells how).
"""

from __future__ import annotations

import array
import collections
import gc
import json
import sys
from collections.abc import Callable
from typing import Any

import blocks
from size_shapes import drain

import barrow


class Node:
    def __init__(self, depth: int) -> None:
        self.children = [Node(depth - 1) for _ in range(3)] if depth else []
        self.parent: Node | None = None
        for child in self.children:
            child.parent = self
        self.label = f"{id(self)} at depth {depth}"


class Slotted:
    __slots__ = ("left", "right", "weight")

    def __init__(self, depth: int) -> None:
        self.left = Slotted(depth - 1) if depth else None
        self.right = Slotted(depth - 1) if depth else None
        self.weight = depth + 0.5


def table() -> Any:
    return {f"row {i}": [(f"cell {i} {k}", i * 1000 + k + 10**6) for k in range(7)] for i in range(40)}


def mixed() -> Any:
    return collections.deque({f"{i}-{k}" for k in range(i)} for i in range(30))


def cyclic() -> Any:
    first: list[Any] = [bytearray(100)]
    second = {f"first of {len(first) + 1}": first}
    first += [second, first]
    return first


def shared() -> Any:
    common = [f"shared {i}" for i in range(100)]
    return [common, common, (common, {f"the {1}st": common})]


def closures() -> Any:
    def make(text: str) -> Callable[[], str]:
        return lambda: text

    return [make(f"kept {i}") for i in range(20)]


def buffers() -> Any:
    memory = bytearray(3000)
    return [array.array("d", [0.5] * 400), memory, memoryview(memory), memoryview(memory)[10:20]]


def generators() -> Any:
    def count(text: str) -> Any:
        yield text

    made = [count(f"of {i}") for i in range(10)]
    for one in made:
        next(one)
    return made


MAKERS = {
    "table": table,
    "mixed": mixed,
    "cyclic": cyclic,
    "shared": shared,
    "closures": closures,
    "buffers": buffers,
    "generators": generators,
    "ordered": lambda: collections.OrderedDict((f"key {i}", [i + 10**9]) for i in range(30)),
    "counter": lambda: collections.Counter(f"word {i % 7}" for i in range(100)),
    "tree": lambda: Node(4),
    "slotted": lambda: Slotted(6),
    "large": lambda: [bytes(200_000), [None] * 50_000, bytearray(70_000)],
    "numbers": lambda: [10 ** (i * 5) + 7 for i in range(2, 30)] + [i * 0.25 + 0.1 for i in range(50)],
    "text": lambda: ["é" * i + f"{i}" for i in range(1, 40)] + ["Ω" * i + f"{i}" for i in range(1, 40)],
}


def main(report: str) -> None:
    gc.disable()
    kept: dict[str, Any] = {}
    drained: list[list[Any]] = []
    # Code objects, classes' shared keys and inline caches find their shape; free lists stay empty.
    warm = [make() for make in MAKERS.values()]
    for number, (name, make) in enumerate(MAKERS.items(), 1):
        kept[name] = None
        drained.append(drain())
        blocks.open(number)
        kept[name] = make()
        blocks.close()
        drained.append(drain())
        for item in (drained[-1], *drained[-1]):
            blocks.disown(item)
    found = {name: blocks.live(number) for number, name in enumerate(MAKERS, 1)}
    blocks.restore()
    told = {}
    for name in MAKERS:
        size = barrow.size(kept[name])
        told[name] = [found[name], size.deep, size.exclusive]
    with open(report, "w") as out:
        json.dump(told, out)
    assert len(warm) == len(told)


if __name__ == "__main__":
    main(*sys.argv[1:])
