"""Notes what a program can know of its own memory, before and after a walk.

    python quiet_program.py SNAPSHOT RESULT [fork]
"""

from __future__ import annotations

import array
import asyncio
import gc
import json
import os
import sys
import threading
import weakref
from typing import Any

import barrow

CALLS = [0]
INSTANCES = 5000


class Nosy:
    """Anything that looks at an instance by Python's means is noticed."""

    def __getattribute__(self, name: str) -> Any:
        CALLS[0] += 1
        return object.__getattribute__(self, name)

    def __repr__(self) -> str:
        CALLS[0] += 1
        return ""

    def __sizeof__(self) -> int:
        CALLS[0] += 1
        return 1

    def __hash__(self) -> int:
        CALLS[0] += 1
        return 1

    def __eq__(self, other: object) -> bool:
        CALLS[0] += 1
        return self is other

    def __len__(self) -> int:
        CALLS[0] += 1
        return 1

    def __dir__(self) -> list[str]:
        CALLS[0] += 1
        return []


class Plain:
    def __init__(self, n: int) -> None:
        self.a, self.b, self.c = n, str(n), None


class Slotted:
    __slots__ = ("__weakref__", "value")

    def __init__(self, value: object) -> None:
        self.value = value


def generate(items: list[Any]) -> Any:
    yield from items


def wait_for_ever(started: threading.Event, end: threading.Event) -> None:
    local = {"of": "a thread"}
    started.set()
    end.wait()
    local.clear()


def everything() -> list[Any]:
    """Objects of many kinds, whose reference counts and sizes are compared."""
    words = [f"wörd {n}" for n in range(500)]
    plain = [Plain(n) for n in range(INSTANCES)]
    generator = generate(words)
    next(generator)
    slotted = [Slotted(item) for item in plain[:200]]
    weak = [weakref.ref(item) for item in slotted]
    mixed: list[Any] = [1 << 70, 2.5, b"bytes", ("tuple", 1), {"a": 1}, {1, 2}, generator, lambda: words]
    mixed += [type("Made", (), {}), Plain, Plain.__init__, sys, len, property(len), weak[0]]
    return [*words, *plain, *slotted, *weak, *mixed, Nosy(), mixed, CALLS, wait_for_ever.__code__]


def resident_pages() -> int:
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) // 4
    raise RuntimeError("no RssAnon")


class Notes:
    """Numbers are kept in arrays that were made beforehand: noting them leaves no object behind."""

    def __init__(self, kept: list[Any]) -> None:
        self.kept = kept
        self.few = array.array("q", [0] * 20)
        self.references = array.array("q", [0] * len(kept))
        self.sizes = array.array("q", [0] * len(kept))

    def take(self) -> None:
        few, kept, references, sizes = self.few, self.kept, self.references, self.sizes
        few[0] = sys.getallocatedblocks()
        few[1], few[2], few[3] = gc.get_count()
        at = 4
        for generation in gc.get_stats():
            few[at], few[at + 1] = generation["collections"], generation["collected"]
            few[at + 2] = generation["uncollectable"]
            at += 3
        few[13] = len(gc.get_objects())
        few[14] = threading.active_count()
        few[15] = len(os.listdir("/proc/self/task"))
        few[16] = len(os.listdir("/proc/self/fd"))
        few[17] = CALLS[0]
        for n in range(len(kept)):
            references[n] = sys.getrefcount(kept[n])
            if type(kept[n]) is not Nosy:
                sizes[n] = sys.getsizeof(kept[n])

    def words(self) -> dict[str, Any]:
        few = list(self.few)
        return {
            "blocks": few[0],
            "count": few[1:4],
            "stats": few[4:13],
            "objects": few[13],
            "threads": few[14:16],
            "descriptors": few[16],
            "calls": few[17],
            "references": list(self.references),
            "sizes": list(self.sizes),
            "tasks": few[15],
        }


def dig(path: str) -> None:
    barrow.dig(path, fork="fork" in sys.argv)
    os.unlink(path)


def pages_of_walks(path: str) -> list[int]:
    found = []
    for _ in range(5):
        before = resident_pages()
        dig(path)
        found.append(resident_pages() - before)
    return found


async def main(snapshot: str, result: str) -> None:
    started, end = threading.Event(), threading.Event()
    threading.Thread(target=wait_for_ever, args=(started, end), daemon=True).start()
    started.wait()
    waiting = asyncio.get_running_loop().create_future()
    tasks = [asyncio.create_task(asyncio.wait_for(waiting, 100)) for _ in range(3)]
    await asyncio.sleep(0)
    kept = everything()
    before, control, after = Notes(kept), Notes(kept), Notes(kept)
    dig(snapshot)  # what the first use imports and makes isn't the walk's
    gc.collect()  # and empties free lists
    dig(snapshot)
    before.take()
    control.take()
    before.take()
    same = before.few == control.few
    before.take()
    dig(snapshot)
    after.take()
    assert same, "taking notes changes them"
    first, last = before.words(), after.words()
    seen = {name: [first[name], last[name]] for name in first}
    seen["calls"] = [first["calls"], last["calls"]]
    seen["pages"] = pages_of_walks(snapshot)
    blocks = sys.getallocatedblocks()
    dicts = [item.__dict__ for item in kept if type(item) is Plain]
    seen["dicts"] = [sys.getallocatedblocks() - blocks, len(dicts)]
    with open(result, "w") as out:
        json.dump(seen, out)
    end.set()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
