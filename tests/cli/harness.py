"""What the tests of the command line share: the executable and how to call it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def find_executable() -> str:
    exe = os.environ.get("BARROW_EXE") or str(Path(sys.executable).parent / "barrow")
    if not os.access(exe, os.X_OK):
        raise FileNotFoundError(f"no barrow executable at {exe}: install barrow or set BARROW_EXE")
    return os.path.abspath(exe)


def environment(**more: str) -> dict[str, str]:
    """Everything that decides how a view looks, and nothing of the caller's."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "ASAN_OPTIONS") if key in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "COLUMNS": "80", "TERM": "xterm", **more}


class Barrow:
    def __init__(self, exe: str, directory: Path) -> None:
        self.exe, self.directory = exe, directory

    def __call__(self, *words: str, **options) -> subprocess.CompletedProcess:
        env = environment(**options.pop("env", {}))
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("cwd", self.directory)
        return subprocess.run([self.exe, *words], env=env, timeout=60, check=False, **options)


def one_line(stderr: bytes) -> str:
    """The error that a usage or input error must be: one line that begins `barrow: `."""
    text = stderr.decode()
    assert text.startswith("barrow: ") and text.endswith("\n") and text.count("\n") == 1, text
    return text
