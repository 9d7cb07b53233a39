"""Brackets around functions in a file of memory over time: what `barrow mem run` draws."""

import os
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from barrow._wrap import wrap

P = ParamSpec("P")
R = TypeVar("R")

_calls = threading.local()  # .begun: (time, MiB) of the calls under way in this thread


def _resident() -> float:
    """Give this process's resident memory in MiB."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") / (1 << 20)


def bracket(function: Callable[P, R], path: str) -> Callable[P, R]:
    """Give the function with each of its calls noted in the file at `path`, as mprof's files have it."""
    name = f"{function.__module__}.{function.__qualname__}".replace(" ", "_")

    def before() -> None:
        if not hasattr(_calls, "begun"):
            _calls.begun = []
        _calls.begun.append((time.time(), _resident()))

    def after() -> None:
        start, memory = _calls.begun.pop()
        level = len(_calls.begun)
        line = f"FUNC {name} {memory:.4f} {start:.4f} {_resident():.4f} {time.time():.4f} {level}\n"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                os.write(descriptor, line.encode("utf-8", "replace"))
            finally:
                os.close(descriptor)
        except OSError:
            pass  # the file is gone: the program goes on

    return wrap(function, before, after)
