"""pympler.asizeof, on barrow's walk of the heap."""

from barrow.compat._pympler.asizeof import (
    Asized,
    Asizer,
    adict,
    amapped,
    asized,
    asizeof,
    asizesof,
    basicsize,
    flatsize,
    itemsize,
    leng,
    named_refs,
    refs,
)

__all__ = [
    "Asized",
    "Asizer",
    "adict",
    "amapped",
    "asized",
    "asizeof",
    "asizesof",
    "basicsize",
    "flatsize",
    "itemsize",
    "leng",
    "named_refs",
    "refs",
]
