"""Runs programs with and without barrow, and reads ledgers through `barrow … --json`.

The interpreter is the one that runs the tests; the `barrow` executable is $BARROW_EXE, else the
one beside it.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TARGETS = Path(__file__).resolve().parent.parent / "targets"
TIMEOUT = float(os.environ.get("BARROW_TEST_TIMEOUT", "120"))
METRICS = ("peak", "leaked", "total", "temporary")


@functools.cache
def barrow_exe() -> str:
    exe = os.environ.get("BARROW_EXE") or str(Path(sys.executable).parent / "barrow")
    if not os.access(exe, os.X_OK):
        raise FileNotFoundError(f"no barrow executable at {exe}: install barrow or set BARROW_EXE")
    return exe


def clean_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what would change a program's behaviour."""
    env = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("BARROW_", "PYTHON", "COV_", "PYTEST_"))
    }
    env["PYTHONHASHSEED"] = "0"
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    env.update(extra or {})
    return env


@dataclass
class Result:
    """How a program ended: `status` as subprocess says it, -N for signal N."""

    status: int
    stdout: str
    stderr: str


def execute(argv: list[str], **options: Any) -> Result:
    """subprocess.run with decoded output, a time limit and the clean environment."""
    options.setdefault("timeout", TIMEOUT)
    options.setdefault("stdin", subprocess.DEVNULL)
    if "input" in options:
        del options["stdin"]
    env = clean_environment(options.pop("env", None))
    done = subprocess.run(argv, capture_output=True, env=env, check=False, **options)
    return Result(
        done.returncode,
        done.stdout.decode("utf-8", "backslashreplace"),
        done.stderr.decode("utf-8", "backslashreplace"),
    )


def plain(*program: object, python: str = sys.executable, **options: Any) -> Result:
    return execute([python, *map(str, program)], **options)


def run_words(ledger: Path | str, python: str = sys.executable) -> list[str]:
    """The beginning of a `barrow run` command; options and the program follow."""
    return [barrow_exe(), "run", "-o", str(ledger), "--python", python]


def record(
    ledger: Path | str, *program: object, options: tuple[str, ...] = (), **rest: Any
) -> Result:
    """`barrow run -o LEDGER OPTIONS PROGRAM…`, PROGRAM being a script or -m … or -c …"""
    python = rest.pop("python", sys.executable)
    words = [*run_words(ledger, python), *options]
    return execute([*words, *map(str, program)], **rest)


@dataclass
class Ledger:
    """What the views say of one ledger, or of several merged on view."""

    paths: list[Path]
    _cache: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def view(self, command: str, *words: str) -> Any:
        key = (command, *words)
        if key not in self._cache:
            argv = [barrow_exe(), command, *map(str, self.paths), "--json", *words]
            done = execute(argv)
            assert done.status == 0, f"{' '.join(argv)}: status {done.status}: {done.stderr}"
            self._cache[key] = json.loads(done.stdout)
        return self._cache[key]

    @property
    def summary(self) -> dict[str, Any]:
        return self.view("summary")

    def rows(self, metric: str, by: str = "line", *words: str) -> list[dict[str, Any]]:
        return self.view("table", "--metric", metric, "--by", by, *words)["rows"]

    def value(self, metric: str, by: str = "line", **where: Any) -> tuple[int, int]:
        """Bytes and blocks of the rows whose columns are as given."""
        found = [
            row
            for row in self.rows(metric, by)
            if all(row[column] == value for column, value in where.items())
        ]
        return sum(row["bytes"] for row in found), sum(row["blocks"] for row in found)


def ledger(*paths: Path | str) -> Ledger:
    return Ledger([Path(path) for path in paths])


def ledgers_in(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.barrow"))


def frame_text(frame: Any) -> tuple[str, str, int]:
    """(function, file, line) of a frame in a stack row, an object or `function (file:line)`."""
    if isinstance(frame, dict):
        return frame["function"], frame["file"], frame["line"]
    function, _, place = frame.rpartition(" (")
    file, _, line = place.rstrip(")").rpartition(":")
    return function, file, int(line or 0)


def without_closing_line(stderr: str) -> tuple[str, list[str]]:
    """Standard error without barrow's own lines, and those."""
    own = [line for line in stderr.splitlines(keepends=True) if line.startswith("barrow: ")]
    rest = [line for line in stderr.splitlines(keepends=True) if not line.startswith("barrow: ")]
    return "".join(rest), own


def which(name: str) -> str | None:
    return shutil.which(name)
