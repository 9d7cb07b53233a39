#!/usr/bin/env python3
"""Runs CPython's own test suite with and without barrow and compares every test's outcome.

    run.py [--python PYTHON] [--barrow EXE] [--json FILE] [--timeout SECONDS] [MODULE ...]

Modules are those of modules.txt unless named.  Each is run as `python -m test MODULE`, then as
`barrow run -m test MODULE`, one after the other, each in a new directory.  A module whose outcomes
differ is run again, both ways, as often as --again says: a difference that doesn't come each time,
or that shows up between two plain runs, is called unsteady.  explained.txt names the differences
that are known, with the reason.  Every ledger of a recorded run must open.

Status 1: there is a steady difference that is not explained, a ledger that does not open, or a
module without any test.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEDGERS_OPENED = 300  # of each module, at most


@dataclass
class Run:
    """One run of one module."""

    status: int | str
    seconds: float
    outcomes: dict[str, str]
    tail: str
    ledgers: int = 0
    unreadable: list[str] = field(default_factory=list)


@dataclass
class Difference:
    test: str
    plain: str
    recorded: str
    steady: bool = True
    reason: str = ""


def listed(name: str) -> Iterator[str]:
    for line in (HERE / name).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            yield line


def outcome(case: ElementTree.Element) -> str:
    for tag, word in (("error", "ERROR"), ("failure", "FAIL"), ("skipped", "skipped")):
        if case.find(tag) is not None:
            return word
    return "ok"


def read_outcomes(report: Path) -> dict[str, str]:
    """Outcomes by test; a test that ran several times (subclasses of one name) has the worst."""
    rank = ["skipped", "ok", "FAIL", "ERROR"]
    outcomes: dict[str, str] = {}
    if not report.exists():
        return outcomes
    try:
        cases = ElementTree.parse(report).iter("testcase")
    except ElementTree.ParseError:
        return outcomes
    for case in cases:
        name = f"{case.get('classname', '')} {case.get('name', '')}".strip()
        name = re.sub(r"0x[0-9a-f]+|pid=\d+|@test_\d+\w*", "…", name)
        word = outcome(case)
        outcomes[name] = max(outcomes.get(name, word), word, key=rank.index)
    return outcomes


def environment() -> dict[str, str]:
    dropped = ("PYTHON", "BARROW_", "LD_PRELOAD")
    return {key: value for key, value in os.environ.items() if not key.startswith(dropped)}


def execute(words: list[str], directory: Path, timeout: float) -> tuple[int | str, str]:
    """In a session of its own, so that what it leaves behind can be ended with it."""
    with open(directory / "log", "wb+") as log:
        process = subprocess.Popen(
            words,
            cwd=directory,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status: int | str = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = "timed out"
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.seek(0)
        return status, log.read()[-6000:].decode("utf-8", "replace")


def check_ledgers(barrow: str, directory: Path, run: Run) -> None:
    for path in sorted(directory.glob("*.barrow")):
        run.ledgers += 1
        if run.ledgers > LEDGERS_OPENED:
            continue
        done = subprocess.run(
            [barrow, "summary", "--json", str(path)], capture_output=True, check=False
        )
        if done.returncode:
            run.unreadable.append(f"{path.name}: {done.stderr.decode().strip()}")


def run_module(module: str, python: str, barrow: str | None, timeout: float) -> Run:
    directory = Path(tempfile.mkdtemp(prefix="suite-"))
    ledgers = directory / "ledgers"
    ledgers.mkdir()
    report = directory / "report.xml"
    words = ["-m", "test", "-r", "--randseed=1", "--junit-xml", str(report), module]
    if barrow:
        output = ["-q", "-o", str(ledgers / "suite.barrow"), "--python", python]
        words = [barrow, "run", *output, *words]
    else:
        words = [python, *words]
    try:
        start = time.monotonic()
        status, tail = execute(words, directory, timeout)
        run = Run(status, time.monotonic() - start, read_outcomes(report), tail)
        if barrow:
            check_ledgers(barrow, ledgers, run)
        return run
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def differences(plain: Run, recorded: Run) -> dict[str, tuple[str, str]]:
    found = {}
    for test in plain.outcomes.keys() | recorded.outcomes.keys():
        pair = plain.outcomes.get(test, "absent"), recorded.outcomes.get(test, "absent")
        if pair[0] != pair[1]:
            found[test] = pair
    if plain.status != recorded.status:
        found["(exit status)"] = str(plain.status), str(recorded.status)
    return found


def explain(test: str, version: str, pair: tuple[str, str]) -> str:
    for line in listed("explained.txt"):
        pattern, versions, before, _, after, reason = line.split(None, 5)
        if (
            fnmatch.fnmatchcase(test.replace(" ", "_"), pattern)
            and (versions == "all" or version in versions.split(","))
            and (before, after) == pair
        ):
            return reason
    return ""


def compare(module: str, args: argparse.Namespace, version: str) -> dict[str, object]:
    plain = run_module(module, args.python, None, args.timeout)
    recorded = run_module(module, args.python, args.barrow, args.timeout * 2)
    found = {
        test: Difference(test, *pair, reason=explain(test, version, pair))
        for test, pair in differences(plain, recorded).items()
    }
    for _ in range(args.again if any(not d.reason for d in found.values()) else 0):
        again = run_module(module, args.python, None, args.timeout)
        recorded_again = run_module(module, args.python, args.barrow, args.timeout * 2)
        second = differences(again, recorded_again)
        unsteady = differences(plain, again)
        for test, difference in found.items():
            pair = (difference.plain, difference.recorded)
            difference.steady &= second.get(test) == pair and test not in unsteady
    return {
        "module": module,
        "status": [plain.status, recorded.status],
        "seconds": [round(plain.seconds, 1), round(recorded.seconds, 1)],
        "tests": len(plain.outcomes),
        "outcomes": {
            word: sum(value == word for value in plain.outcomes.values())
            for word in ("ok", "FAIL", "ERROR", "skipped")
        },
        "ledgers": recorded.ledgers,
        "unreadable": recorded.unreadable,
        "differences": [asdict(d) for d in sorted(found.values(), key=lambda d: d.test)],
        "tail": recorded.tail if found else "",
    }


def show(result: dict) -> None:
    plain, recorded = result["seconds"]
    print(
        f"{result['module']:36} {result['tests']:6} tests {result['ledgers']:5} ledgers"
        f" {plain:7.1f} s {recorded:7.1f} s  status {result['status'][0]} {result['status'][1]}",
        flush=True,
    )
    for d in result["differences"]:
        kind = "explained" if d["reason"] else "STEADY" if d["steady"] else "unsteady"
        print(f"    {kind}: {d['test']}: {d['plain']} > {d['recorded']} {d['reason']}", flush=True)
    for line in result["unreadable"]:
        print(f"    UNREADABLE: {line}", flush=True)


def ask(python: str, program: str) -> str:
    return subprocess.check_output([python, "-c", program], text=True).strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--barrow", help="default: $BARROW_EXE, else the one beside PYTHON")
    parser.add_argument("--json", type=Path, help="write all results to this file")
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--again", type=int, default=1, help="repetitions where outcomes differ")
    parser.add_argument("modules", nargs="*")
    args = parser.parse_args()
    if not args.barrow:
        beside = str(Path(args.python).absolute().parent / "barrow")
        args.barrow = os.environ.get("BARROW_EXE", beside)
    version = ask(args.python, "import sys; print('%d.%d' % sys.version_info[:2])")
    find = "import test, pkgutil; print(*(m.name for m in pkgutil.iter_modules(test.__path__)))"
    present = ask(args.python, find).split()

    results = []
    wanted = args.modules or list(listed("modules.txt"))
    absent = [m for m in wanted if m not in present]
    for module in [m for m in wanted if m in present]:
        results.append(compare(module, args, version))
        show(results[-1])
        if args.json:
            args.json.write_text(json.dumps({"version": version, "modules": results}, indent=1))
    bad = [
        d for r in results for d in r["differences"] if d["steady"] and not d["reason"]
    ] + [line for r in results for line in r["unreadable"]]
    bad += [r["module"] for r in results if not r["tests"]]
    if absent:
        print(f"not in this installation: {' '.join(absent)}")
    tests = sum(r["tests"] for r in results)
    bad += [] if results else ["no module was run"]
    print(f"Python {version}: {len(results)} modules, {tests} tests, {len(bad)} to be looked at")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
