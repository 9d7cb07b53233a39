"""pympler.summary, on barrow's walk of the heap."""

from barrow.compat._pympler.summary import format_, get_diff, print_, summarize

__all__ = [
    "format_",
    "get_diff",
    "print_",
    "summarize",
]
