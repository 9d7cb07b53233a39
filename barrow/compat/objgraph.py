"""Stands in for objgraph 3.6: the same functions and printed layout, on barrow's walk of the heap.

What differs is told in barrow's guide: chains of referrers come from one walk of the heap instead of
one scan of it a step, and edges carry the names of attributes.
"""

from barrow.compat._objgraph.chains import (
    at,
    at_addrs,
    find_backref_chain,
    find_ref_chain,
    get_leaking_objects,
    is_proper_module,
)
from barrow.compat._objgraph.counts import (
    by_type,
    count,
    get_new_ids,
    growth,
    most_common_types,
    show_growth,
    show_most_common_types,
    typestats,
)
from barrow.compat._objgraph.graphs import show_backrefs, show_chain, show_refs

__version__ = "3.6.2"
__all__ = [
    "at",
    "at_addrs",
    "by_type",
    "count",
    "find_backref_chain",
    "find_ref_chain",
    "get_leaking_objects",
    "get_new_ids",
    "growth",
    "is_proper_module",
    "most_common_types",
    "show_backrefs",
    "show_chain",
    "show_growth",
    "show_most_common_types",
    "show_refs",
    "typestats",
]
