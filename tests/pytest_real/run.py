#!/usr/bin/env python3
"""Runs the test suites of real packages with and without `--barrow` and compares every test's outcome.

    run.py [--directory DIRECTORY] [PACKAGE ...]

Needs an interpreter whose environment has barrow and pytest, pip, and the package registry.  Run by hand:
build/venv/bin/python tests/pytest_real/run.py.  What is installed goes to DIRECTORY (build/pytest_real), not
into the environment.  Prints a table; status 1: an outcome differs, or a suite has no test.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Package:
    """A package with C code, and where its tests are."""

    name: str
    extension: str
    tests: str = "tests"


PACKAGES = [
    Package("markupsafe", "markupsafe._speedups"),
    Package("msgpack", "msgpack._cmsgpack", tests="test"),
    Package("wrapt", "wrapt._wrappers"),
]


def pip(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "-q", *words], check=True, stdin=subprocess.DEVNULL)


def prepare(package: Package, directory: Path) -> Path:
    """Install the package's wheel, and unpack the tests of the same version; give where they are."""
    shutil.rmtree(directory / package.name, ignore_errors=True)
    site = directory / package.name / "site"
    pip("install", "--upgrade", "--target", str(site), package.name)
    [record] = [path for path in site.glob("*.dist-info") if path.name.lower().startswith(package.name + "-")]
    version = record.name.removesuffix(".dist-info").split("-")[1]
    sources = directory / package.name / "source"
    pip("download", "--no-deps", "--no-binary", ":all:", "-d", str(sources), f"{package.name}=={version}")
    [archive] = sources.glob(f"*{version}.tar.gz")
    shutil.unpack_archive(archive, sources)
    # The package itself must come from the wheel.
    unpacked = sources / archive.name.removesuffix(".tar.gz")
    for own in (unpacked / package.name, unpacked / "src"):
        if own.exists():
            own.rename(own.with_name(f"{own.name}.unused"))
    return unpacked


def run(package: Package, where: Path, name: str, *more: str) -> tuple[dict[str, str], float, int]:
    """Run the suite; give each test's outcome, the seconds, and the exit status."""
    report = where / f"{name}.xml"
    report.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(where.parents[1] / "site"), "PYTHONHASHSEED": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}"]
    began = time.monotonic()
    with open(where / f"{name}.log", "wb") as log:
        done = subprocess.run(
            [*command, *more, package.tests],
            cwd=where,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=1200,
        )
    outcomes: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase") if report.exists() else []:
        key = f"{case.get('classname')}::{case.get('name')}"
        found = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        outcomes[key] = found[0] if found else "passed"
    return outcomes, time.monotonic() - began, done.returncode


def is_native(package: Package, where: Path) -> bool:
    code = f"import {package.extension} as m; assert m.__file__.endswith('.so')"
    environment = {**os.environ, "PYTHONPATH": str(where.parents[1] / "site")}
    return subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0


def compare(package: Package, directory: Path) -> bool:
    where = prepare(package, directory)
    if not is_native(package, where):
        print(f"{package.name}: its C code is not what would be tested")
        return False
    plain, plain_seconds, plain_status = run(package, where, "plain")
    barrow, barrow_seconds, barrow_status = run(package, where, "barrow", "--barrow")
    differing = sorted(key for key in plain.keys() | barrow.keys() if plain.get(key) != barrow.get(key))
    counts = {kind: list(plain.values()).count(kind) for kind in dict.fromkeys(plain.values())}
    print(
        f"{package.name:<12} {len(plain):>5} tests ({', '.join(f'{n} {kind}' for kind, n in counts.items())}); "
        f"status {plain_status} and {barrow_status}; {plain_seconds:.1f} s, with --barrow {barrow_seconds:.1f} s; "
        f"{len(differing)} differ"
    )
    for key in differing:
        print(f"    {key}: {plain.get(key)}, with --barrow {barrow.get(key)}")
    return bool(plain) and not differing and plain_status == barrow_status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--directory", type=Path, default=ROOT / "build" / "pytest_real")
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="of: " + ", ".join(p.name for p in PACKAGES))
    options = parser.parse_args()
    chosen = [package for package in PACKAGES if not options.packages or package.name in options.packages]
    return 0 if all([compare(package, options.directory.resolve()) for package in chosen]) else 1


if __name__ == "__main__":
    sys.exit(main())
