"""The bytes of objects in a snapshot equal what the allocators gave for them, for some 190 shapes.

size_shapes.py makes them with tests/targets/lib/blocks.c in front of the allocators.  An object's
own blocks are those that were handed out while its shape was made: each must belong to an object of
the snapshot, and the sums must be equal, per shape.
"""

from __future__ import annotations

import bisect
import json
from pathlib import Path

import pytest
from native import target_environment
from runner import plain
from snapshots import rows

SHAPES = Path(__file__).with_name("size_shapes.py")

# Blocks of modules in C that nothing tells of from outside, and by which the snapshot is short.
UNTOLD = {
    "string_io_empty": "its buffer: the class has no __sizeof__",
    "string_io_written": "its buffer: the class has no __sizeof__",
    "simple_queue": "its ring of items: the class's __sizeof__ leaves it out",
    "itertools_permutations": "two blocks, told as the sum of what was asked for",
}


def glibc(requested: int) -> int:
    """Of a block of the C library; it may be 16 bytes more if a free one's rest is too short for a block."""
    if requested >= 128 << 10:
        return (requested + 16 + 4095) & ~4095
    return max(32, (requested + 8 + 15) & ~15)


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Shape -> what is wrong with it, "" if nothing."""
    directory = tmp_path_factory.mktemp("sizes")
    snapshot, report = directory / "sizes.barrow", directory / "blocks.json"
    done = plain("-W", "ignore", SHAPES, snapshot, report, env=target_environment())
    assert done.status == 0, done.stderr
    objects = sorted(
        (row["address"], row["bytes"], row["class"])
        for row in rows(snapshot, "select address, bytes, class from objects")
    )
    starts = [address for address, _, _ in objects]
    shapes = json.loads(report.read_text())
    return {name: _compare(blocks, objects, starts) for name, blocks in shapes.items()}


def _compare(
    blocks: list[tuple[int, int, int, int]], objects: list[tuple[int, int, str]], starts: list[int]
) -> str:
    real = sum(size for _, _, size, _ in blocks)
    exact = sum(size if pooled else glibc(asked) for _, asked, size, pooled in blocks)
    owned, said, names = 0, 0, []
    for address, _, size, _ in blocks:
        # An object begins behind at most two pairs of words that the interpreter puts before it.
        first = bisect.bisect_left(starts, address)
        if first < len(starts) and starts[first] < address + min(size, 33):
            owned += 1
            said += objects[first][1]
            names.append(objects[first][2])
    if said in (real, exact):
        return ""
    kinds = ", ".join(f"{names.count(name)} {name}" for name in sorted(set(names)))
    return f"{len(blocks)} blocks of {real} bytes, {owned} objects of {said} bytes: {kinds}"


def test_sizes_are_the_allocators(sizes: dict[str, str]) -> None:
    wrong = [f"{name}: {text}" for name, text in sizes.items() if text and name not in UNTOLD]
    assert not wrong, "\n" + "\n".join(wrong)


def test_there_are_enough_shapes(sizes: dict[str, str]) -> None:
    assert len(sizes.keys() - UNTOLD.keys()) >= 60
    assert UNTOLD.keys() <= sizes.keys()
