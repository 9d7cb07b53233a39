"""Compiles the libraries of tests/targets/lib once per interpreter and change of source."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from runner import TARGETS

SOURCES = TARGETS / "lib"
# Compilers know malloc and free, and drop pairs of them, unless told not to.
FLAGS = ["-shared", "-fPIC", "-O1", "-g", "-fno-builtin", "-Wall", "-Wextra"]


def _compile(source: str, output: Path, *flags: str) -> None:
    """Into place by rename: several test processes may do the same at once."""
    output.parent.mkdir(parents=True, exist_ok=True)
    draft = output.with_suffix(f".{os.getpid()}")
    compiler = os.environ.get("CC", "cc").split()
    subprocess.run(
        [*compiler, *FLAGS, str(SOURCES / source), "-o", str(draft), *flags], check=True
    )
    draft.rename(output)


@functools.cache
def libraries() -> Path:
    """The directory of the compiled libraries; it goes on the targets' PYTHONPATH."""
    digest = hashlib.sha256(f"{sys.version} {sys.base_prefix} {os.getuid()}".encode())
    for source in sorted(SOURCES.glob("*.c")):
        digest.update(source.read_bytes())
    directory = Path(tempfile.gettempdir()) / f"barrow-targets-{digest.hexdigest()[:16]}"
    if (directory / "complete").exists():
        return directory
    include = "-I" + sysconfig.get_path("include")
    for name in ("known", "keeper", "blocks"):
        _compile(f"{name}.c", directory / (name + sysconfig.get_config_var("EXT_SUFFIX")), include)
    for name in ("table", "early"):
        _compile(f"{name}.c", directory / f"lib{name}.so")
    _compile("inner.c", directory / "inner" / "libinner.so")
    _compile("inner.c", directory / "liblate.so")
    runpath = ["-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN/inner", "-ldl"]
    _compile("opener.c", directory / "libopener.so", *runpath)
    (directory / "complete").touch()
    return directory


def target_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """For a target: it finds the libraries by KNOWN and imports `known` by PYTHONPATH."""
    directory = str(libraries())
    return {"PYTHONPATH": directory, "KNOWN": directory, **(extra or {})}
