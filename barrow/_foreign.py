"""pyarrow's memory: C++ objects that arrays, their slices and tables share, which only pyarrow can tell.

A buffer is charged once, whole, however many arrays look at parts of it.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import Any


def buffer_class() -> type | None:
    """Give the base class of the objects that hold buffers, if their library is loaded."""
    library = sys.modules.get("pyarrow.lib")
    found = getattr(library, "_Weakrefable", None)
    return found if isinstance(found, type) else None


def buffer_bytes(owners: list[Any]) -> int:
    """Add up the memory that objects hold together."""
    sizes: dict[int, int] = {}
    for buffer in _buffers(owners):
        top = buffer
        while top.parent is not None:
            top = top.parent
        sizes[top.address] = max(top.size, sizes.get(top.address, 0))
    return sum(sizes.values())


def _buffers(owners: Iterable[Any]) -> Iterator[Any]:
    for owner in owners:
        if hasattr(owner, "buffers"):  # an array
            yield from (buffer for buffer in owner.buffers() if buffer is not None)
            yield from _buffers([owner.dictionary] if hasattr(owner, "dictionary") else ())
        elif hasattr(owner, "chunks"):  # a chunked array
            yield from _buffers(owner.chunks)
        elif hasattr(owner, "itercolumns"):  # a table, a batch
            yield from _buffers(owner.itercolumns())
        elif hasattr(owner, "address") and hasattr(owner, "parent"):  # a buffer
            yield owner
