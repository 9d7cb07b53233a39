"""The memory of processes, now and over time: `memory_usage()`.

Sizes are in MiB, as memory_profiler gives them.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from barrow import _core

_TWO_20 = float(2**20)
_PAGE = os.sysconf("SC_PAGE_SIZE")
_FLUSH_EVERY = 50  # lines written to a stream

# What each of memory_profiler's backends measures.
_METRICS = {
    "psutil": "rss",
    "psutil_pss": "pss",
    "psutil_uss": "uss",
    "posix": "rss",
    "tracemalloc": "rss",
}
_ROLLED_UP = {
    "pss": (b"Pss:",),
    "uss": (b"Private_Clean:", b"Private_Dirty:", b"Private_Hugetlb:"),
}


class TextStream(Protocol):
    def write(self, text: str, /) -> object: ...


def choose_backend(new_backend: str | None = None) -> str:
    """Give the name of a backend.  Raises KeyError for one that memory_profiler doesn't have."""
    if new_backend is not None and new_backend not in _METRICS:
        raise KeyError(new_backend)
    return new_backend or "psutil"


# ---- now ----


def _process_bytes(pid: int, metric: str) -> int:
    """Give what a process has; 0 for one that has ended.  Raises ProcessLookupError."""
    try:
        if metric == "rss":
            with open(f"/proc/{pid}/statm", "rb") as file:
                return int(file.read().split()[1]) * _PAGE
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            lines = [line.split() for line in file]
    except FileNotFoundError:
        raise ProcessLookupError(f"there is no process {pid}") from None
    except ProcessLookupError:
        return 0  # a zombie
    return sum(int(words[1]) << 10 for words in lines if words[0] in _ROLLED_UP[metric])


def _descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            parent = int(file.read().rpartition(b")")[2].split()[1])
            parents.setdefault(parent, []).append(int(name))
    found: list[int] = []
    rest = [pid]
    while rest:
        children = parents.get(rest.pop(), [])
        found += children
        rest += children
    return found


def _children_bytes(pid: int, metric: str = "rss") -> Iterator[tuple[int, int]]:
    for child in _descendants(pid):
        with contextlib.suppress(OSError):
            yield child, _process_bytes(child, metric)


def _get_memory(
    pid: int,
    backend: str,
    timestamps: bool = False,
    include_children: bool = False,
    filename: str | None = None,
) -> Any:
    """Give what a process uses in MiB, with timestamps (MiB, Unix time).  pid -1: this one."""
    pid = os.getpid() if pid == -1 else pid
    metric = _METRICS[backend]
    size = _process_bytes(pid, metric)
    if include_children:
        size += sum(bytes for _, bytes in _children_bytes(pid, metric))
    return (size / _TWO_20, time.time()) if timestamps else size / _TWO_20


# ---- over time ----


def _function_usage(
    call: Callable[[], Any],
    interval: float,
    backend: str,
    include_children: bool,
) -> tuple[list[tuple[float, float]], float, Any]:
    """Run it once; give [(MiB, time)], the peak in MiB and what it returned.

    The peak is the highest sample, or the kernel's own figure where that tells of a higher one.
    """
    sampler = _core.Sampler(os.getpid(), interval, include_children, _METRICS[backend])
    first = _get_memory(-1, backend, True, include_children)
    sampler.start()
    try:
        returned = call()
        last = _get_memory(-1, backend, True, include_children)
    finally:
        samples = sampler.stop()
    between = [(size / _TWO_20, at) for at, size in samples if first[1] < at < last[1]]
    usage = [first, *between, last]
    return usage, max(sampler.peak / _TWO_20, *(size for size, _ in usage)), returned


def _watch(
    pid: int,
    is_over: Callable[[], bool],
    interval: float,
    measure: Callable[[int], Any],
) -> Iterator[Any]:
    """Measure a process until it ends, or `is_over` says so after a measurement."""
    while True:
        try:
            yield measure(pid)
        except ProcessLookupError:
            return
        if is_over():
            return
        time.sleep(interval)


class _Lines:
    """Writes measurements to a stream, as mprof's files have them."""

    def __init__(self, stream: TextStream) -> None:
        self._stream = stream
        self._count = 0

    def add(self, memory: tuple[float, float], children: Sequence[tuple[int, int]] = ()) -> None:
        self._stream.write(f"MEM {memory[0]:.6f} {memory[1]:.4f}\n")
        for number, (_, size) in enumerate(children):
            self._stream.write(f"CHLD {number} {size / _TWO_20:.6f} {time.time():.4f}\n")
        self._count += 1
        if self._count % _FLUSH_EVERY == 0 and hasattr(self._stream, "flush"):
            self._stream.flush()


def _parts_of_call(proc: Any) -> tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]:
    if callable(proc):
        return proc, (), {}
    if not 1 <= len(proc) <= 3:
        raise ValueError(f"proc: (function, args, kw) is needed, not {len(proc)} values")
    return proc[0], proc[1] if len(proc) > 1 else (), proc[2] if len(proc) > 2 else {}


def _external_usage(
    proc: Any,
    interval: float,
    timeout: float | None,
    timestamps: bool,
    include_children: bool,
    multiprocess: bool,
    max_usage: bool,
    stream: TextStream | None,
    backend: str,
) -> Any:
    popen = proc if isinstance(proc, subprocess.Popen) else None
    pid = os.getpid() if proc == -1 else popen.pid if popen else int(proc)
    left = None if timeout is None else max(1, round(timeout / interval))
    if popen is None and left is None:
        left = 1
    lines = _Lines(stream) if stream is not None else None

    def is_over() -> bool:
        nonlocal left
        if left is not None:
            left -= 1
        return left == 0 or (popen is not None and popen.poll() is not None)

    def measure(pid: int) -> Any:
        memory = _get_memory(pid, backend, timestamps or lines is not None, include_children)
        children = list(_children_bytes(pid)) if multiprocess else []
        if lines is not None:
            lines.add(memory, children)
        return [memory, *(size / _TWO_20 for _, size in children)] if multiprocess else memory

    if popen is None:
        os.stat(f"/proc/{pid}")  # a process that never was is an error
    if lines is not None:
        for _ in _watch(pid, is_over, interval, measure):
            pass
        return None
    if not max_usage:
        return list(_watch(pid, is_over, interval, measure))

    def size(pid: int) -> Any:
        return _get_memory(pid, backend, timestamps, include_children)

    return max(_watch(pid, is_over, interval, size), default=-1)


def memory_usage(
    proc: Any = -1,
    interval: float = 0.1,
    timeout: float | None = None,
    timestamps: bool = False,
    include_children: bool = False,
    multiprocess: bool = False,
    max_usage: bool = False,
    retval: bool = False,
    stream: TextStream | None = None,
    backend: str | None = None,
    max_iterations: int | None = None,
) -> Any:
    """Give the memory that a process uses, or a function while it runs, in MiB.

    proc: a function, a tuple (function, args, kw), a process' number, a subprocess.Popen; -1: this
        process.
    interval: seconds between measurements.
    timeout: seconds after which to stop measuring a process; None: one measurement, of a Popen all
        until it ends.  A function is measured until it returns.
    timestamps: give (MiB, Unix time) for each measurement.
    include_children: add the memory of all descendants.
    multiprocess: of processes, give a list for each measurement, with the descendants after it.
    max_usage: give the highest value alone.
    retval: of functions, give (memory, what the function returned).
    stream: write lines as mprof's files have them there, and give None.
    backend: "psutil_pss" and "psutil_uss" measure PSS and USS, the others RSS.
    max_iterations: has no meaning here, as a function is run once, whatever it takes.
    """
    backend = choose_backend(backend)
    if not (callable(proc) or isinstance(proc, list | tuple)):
        return _external_usage(
            proc,
            interval,
            timeout,
            timestamps,
            include_children,
            multiprocess,
            max_usage,
            stream,
            backend,
        )
    function, args, keywords = _parts_of_call(proc)
    samples, peak, returned = _function_usage(
        lambda: function(*args, **keywords), interval, backend, include_children
    )
    if stream is not None:
        lines = _Lines(stream)
        for sample in samples:
            lines.add(sample)
        return None
    usage: Any
    if max_usage:
        usage = (peak, max(samples)[1]) if timestamps else peak
    else:
        usage = samples if timestamps else [size for size, _ in samples]
    return (usage, returned) if retval else usage


def _func_exec(stmt: str, ns: dict[str, Any]) -> None:
    exec(stmt, ns)
