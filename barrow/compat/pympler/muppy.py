"""pympler.muppy, on barrow's walk of the heap."""

from barrow.compat._pympler.muppy import (
    filter,
    get_diff,
    get_objects,
    get_referents,
    get_size,
    ignore_object,
    print_summary,
    sort,
)

__all__ = [
    "filter",
    "get_diff",
    "get_objects",
    "get_referents",
    "get_size",
    "ignore_object",
    "print_summary",
    "sort",
]
