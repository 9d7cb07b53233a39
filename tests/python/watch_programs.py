"""What tests of watched programs share: a configuration and programs that see what is logged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runner import Result, plain

# Keeps what reaches the logger; `quick` makes the beat of a test: configurations have ten seconds at least.
PRELUDE = """\
import gc, json, logging, os, sys, threading, time
import barrow
from barrow import _core, _watch
records = []
class Keep(logging.Handler):
    def emit(self, record): records.append(record)
logger = logging.getLogger("memory_profiler")
logger.addHandler(Keep()); logger.setLevel(logging.INFO); logger.propagate = False
def quick(seconds=0.02): _core.watch_start(seconds, _watch._on_time)
def wait(enough, limit=20):
    end = time.monotonic() + limit
    while not enough() and time.monotonic() < end: time.sleep(0.01)
    return enough()
def threads(): return len(os.listdir("/proc/self/task"))
CONFIG = {"general": {"monitoring": {"memory_profiling": {"enabled": True}}}}
def say(**facts): print(json.dumps(facts))
"""


def config(path: Path, **settings: object) -> Path:
    """An app.yaml with these settings, switched on unless they say otherwise."""
    lines = [f"      {key}: {value}\n" for key, value in ({"enabled": "true"} | settings).items()]
    path.write_text("general:\n  monitoring:\n    memory_profiling:\n" + "".join(lines))
    return path


def run(tmp_path: Path, program: str, *flags: str, **options: Any) -> Result:
    file = tmp_path / "service.py"
    file.write_text(PRELUDE + program)
    return plain("-W", "error", *flags, file, cwd=tmp_path, **options)


def facts(tmp_path: Path, program: str, *flags: str, **options: Any) -> dict[str, Any]:
    """What a program says at its end, which must be good."""
    result = run(tmp_path, program, *flags, **options)
    assert (result.status, result.stderr) == (0, ""), result.stdout + result.stderr
    said: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return said
