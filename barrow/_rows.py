"""The kinds of rows that tables have, one class each.

Sizes are in bytes as the program asked for them, times in seconds since recording started.
"""

from typing import NamedTuple


class LineRow(NamedTuple):
    """A line of a function, in one domain."""

    function: str
    """Qualified name; "" where no Python code ran."""
    file: str
    line: int
    """0: unknown."""
    domain: str
    """"obj", "mem", "malloc" or "mmap"."""
    bytes: int
    blocks: int


class FunctionRow(NamedTuple):
    """A function, in one domain."""

    function: str
    file: str
    domain: str
    bytes: int
    blocks: int


class FileRow(NamedTuple):
    file: str
    bytes: int
    blocks: int


class ModuleRow(NamedTuple):
    module: str
    bytes: int
    blocks: int


class DomainRow(NamedTuple):
    domain: str
    bytes: int
    blocks: int


class ThreadRow(NamedTuple):
    thread: str
    """Name of the thread, trailing digits as `*`."""
    bytes: int
    blocks: int


class Frame(NamedTuple):
    """One level of a stack."""

    function: str
    file: str
    line: int


class StackRow(NamedTuple):
    """A whole stack."""

    stack: list[Frame]
    """Leaf first; empty where no Python code ran."""
    bytes: int
    blocks: int


class Sample(NamedTuple):
    """What a process used at one time."""

    time_s: float
    pid: int
    rss_bytes: int
    pss_bytes: int
    """0: not measured."""
    heap_bytes: int
    """Live bytes, as counted."""
    minor_faults: int
    major_faults: int
    threads: int
    file_bytes: int
    """Of rss_bytes: pages of files and of shared memory, the ledger's among them; 0: not measured."""


class GcEvent(NamedTuple):
    """A run of the cyclic garbage collector; the longest ones are kept."""

    time_s: float
    pid: int
    pause_s: float
    generation: int
    collected: int
    uncollectable: int


class Mark(NamedTuple):
    """A point in time that the program gave a name; see `barrow.mark`."""

    time_s: float
    pid: int
    name: str


class ProfiledLine(NamedTuple):
    """A line of a function chosen for profiling; bytes, over all times it ran."""

    function: str
    file: str
    line: int
    occurrences: int
    """Times it was begun; 0: it never ran."""
    increment_bytes: int
    """Allocated minus freed while it ran, what it called included."""
    memory_bytes: int
    """The highest at its end: RSS at the call of the function + growth since."""
    peak_bytes: int
    """The most that lived above the function's start while it ran."""
    allocated_bytes: int
    """Allocated by it or what it called in all, and ..."""
    live_bytes: int
    """... what of that was never freed."""
