"""Walks, one after another, while the program does everything that moves memory.

    python load_program.py SNAPSHOT WALKS

Threads make and drop objects of many kinds, run the collector, import and forget modules, drive
generators and coroutines, raise errors, make classes, and start threads that end at once.  Prints
how many walks were made.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import functools
import gc
import importlib
import os
import random
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import barrow

MODULES = ("colorsys", "this_is_missing", "sched", "chunk_missing", "stringprep", "quopri", "netrc", "graphlib")
STOP = threading.Event()
FAILURES: list[BaseException] = []


class Node:
    def __init__(self, parent: Node | None) -> None:
        self.parent = parent
        self.children: list[Node] = []

    def __del__(self) -> None:
        self.children = []


class Growing:
    pass


def containers(chance: random.Random) -> None:
    kept: collections.deque[Any] = collections.deque(maxlen=200)
    for n in range(300):
        kept.append({f"key {n}": [n, str(n)], n: (n, {n, n + 1}, bytearray(n))})
        if chance.random() < 0.1:
            kept.append(collections.OrderedDict.fromkeys(range(n)))


def instances(chance: random.Random) -> None:
    for _ in range(100):
        made = Growing()
        for n in range(chance.randrange(40)):
            setattr(made, f"attribute{n}", n)
        if chance.random() < 0.3:
            _ = made.__dict__
        for n in range(chance.randrange(3)):
            with contextlib.suppress(AttributeError):
                delattr(made, f"attribute{n}")


def cycles(chance: random.Random) -> None:
    for _ in range(50):
        root = Node(None)
        root.children = [Node(root) for _ in range(10)]
        weakref.finalize(root, int)
    if chance.random() < 0.3:
        gc.collect(chance.randrange(3))


def classes(chance: random.Random) -> None:
    for n in range(5):
        made = type(f"Made{n}", (Node,), {"__slots__": ("slot",), "method": lambda self: self})
        made(None).method()
        functools.lru_cache(maxsize=4)(made)(None)


def imports(chance: random.Random) -> None:
    name = chance.choice(MODULES)
    sys.modules.pop(name, None)
    with contextlib.suppress(ImportError):
        importlib.import_module(name)


def numbers() -> Any:
    total = 0
    while True:
        total += yield total


def generators(chance: random.Random) -> None:
    running = [numbers() for _ in range(20)]
    for generator in running:
        next(generator)
    for n in range(50):
        running[n % 20].send(1 << n)
    sum(n for n in range(100))


def errors(chance: random.Random) -> None:
    def fail(depth: int) -> None:
        if not depth:
            raise ValueError("deep", [depth] * 10)
        try:
            fail(depth - 1)
        except ValueError as error:
            if depth % 3 == 0:
                raise RuntimeError("from") from error
            raise

    for _ in range(5):
        try:
            fail(12)
        except (ValueError, RuntimeError) as error:
            assert error.__traceback__


def threads(chance: random.Random) -> None:
    some = [threading.Thread(target=containers, args=(chance,)) for _ in range(2)]
    for thread in some:
        thread.start()
    for thread in some:
        thread.join()


async def coroutines() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue(5)

    async def produce() -> None:
        for n in range(20):
            await queue.put(n)

    async def consume() -> int:
        return sum([await queue.get() for _ in range(20)])

    await asyncio.gather(*(f() for f in [produce, consume] * 5))


def loops(chance: random.Random) -> None:
    asyncio.run(coroutines())


def keep_doing(work: Callable[[random.Random], None], seed: int) -> None:
    chance = random.Random(seed)
    try:
        while not STOP.is_set():
            work(chance)
            time.sleep(0)
    except BaseException as error:
        FAILURES.append(error)
        raise


def main(snapshot: str, walks: int) -> None:
    works = (containers, instances, cycles, classes, imports, generators, errors, threads, loops)
    started = [threading.Thread(target=keep_doing, args=pair) for pair in zip(works, range(99), strict=False)]
    sys.setswitchinterval(0.0005)
    for thread in started:
        thread.start()
    try:
        for number in range(walks):
            if number:
                os.unlink(snapshot)
            barrow.dig(snapshot, fork=number % 20 == 19)
    finally:
        STOP.set()
    for thread in started:
        thread.join()
    assert not FAILURES, FAILURES
    print(walks)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
