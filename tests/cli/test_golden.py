"""Runs the commands in golden/*.txt and compares what they print.

A line `$ [NAME=VALUE ...] barrow ARGUMENTS` is a command; what follows, up to the next one, is its
output, standard error included, and `[exit N]` unless it ended with 0.  With BARROW_GOLDEN=write
the files are written anew: look at the difference before you commit it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from harness import Barrow

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.txt"))


def commands(text: bytes) -> list[bytes]:
    return [line for line in text.split(b"\n") if line.startswith(b"$ ")]


def run(barrow: Barrow, command: bytes) -> bytes:
    words = shlex.split(command[2:].decode())
    env = {}
    while re.match(r"[A-Z_]+=", words[0]):
        name, value = words.pop(0).split("=", 1)
        env[name] = value
    assert words.pop(0) == "barrow", command
    done = barrow(*words, env=env, stderr=subprocess.STDOUT)
    ending = b"[exit %d]\n" % done.returncode if done.returncode else b""
    return command + b"\n" + done.stdout + ending


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(barrow: Barrow, path: Path) -> None:
    wanted = path.read_bytes()
    got = b"".join(run(barrow, command) for command in commands(wanted))
    if os.environ.get("BARROW_GOLDEN") == "write":
        path.write_bytes(got)
        return
    assert got.decode().splitlines() == wanted.decode().splitlines()
    assert got == wanted


def test_every_command_has_a_golden_file(barrow: Barrow) -> None:
    names = re.findall(r"^  (\w+) ", barrow("help").stdout.decode().split("commands:")[1], re.M)
    assert "summary" in names
    missing = set(names) - {"run", "barrow"} - {path.stem for path in GOLDEN}
    assert not missing
