"""SIGKILL at random instants: nothing is lost but the event in flight of each thread.

The target (tests/targets/oracle.py) keeps an account in a shared file: of each thread the
allocations and frees begun, bumped before the call into the allocator, and those done, bumped
after it.  What the ledger says must lie between the two.

BARROW_TEST_KILLS is the number of kills, 40 if not set; the full run uses 200.
"""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest
from native import target_environment
from runner import TARGETS, clean_environment, ledger, run_words
from truth import consistency, read_truth

KILLS = int(os.environ.get("BARROW_TEST_KILLS", "40"))
FIELDS = [
    f"{step}_{what}"
    for whats in (("allocs", "bytes"), ("frees", "freed_bytes"))
    for what in whats
    for step in ("begun", "done")
]
FAMILIES = {0: "malloc", 1: "obj", 2: "mem"}
BATCHES = 8  # test cases that the kills are spread over


def _accounts(file: Path, threads: int) -> list[dict[str, int]]:
    size = 8 * len(FIELDS)
    data = file.read_bytes()
    return [
        dict(zip(FIELDS, struct.unpack_from(f"<{len(FIELDS)}Q", data, index * size), strict=True))
        for index in range(threads)
    ]


def _start(directory: Path, threads: int, family: int, seed: int) -> subprocess.Popen[bytes]:
    account = directory / "account"
    account.write_bytes(bytes(4096))
    words = [*run_words(directory / "killed.barrow"), "-q", str(TARGETS / "oracle.py"), str(account)]
    words += map(str, (threads, family, seed, 50 if family else 2000))
    env = clean_environment(target_environment())
    return subprocess.Popen(words, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _kill(directory: Path, process: subprocess.Popen[bytes], delay: float, early: bool) -> None:
    """After `delay` seconds of work, or, if `early`, of the whole process's life."""
    deadline = time.monotonic() + 30
    while not early and not any((directory / "account").read_bytes()):
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline, "the target did not start to work"
        time.sleep(0.002)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    process.stderr.close()
    assert process.returncode == -signal.SIGKILL


def _between(name: str, low: int, value: int, high: int) -> str | None:
    return None if low <= value <= high else f"{name}: {value} is not in [{low}, {high}]"


def _check(directory: Path, threads: int, family: int) -> list[str]:
    accounts = _accounts(directory / "account", threads)
    whole = {field: sum(account[field] for account in accounts) for field in FIELDS}
    assert all(
        0 <= account[f"begun_{kind}"] - account[f"done_{kind}"] <= 1
        for account in accounts
        for kind in ("allocs", "frees")
    ), "the oracle is wrong"
    file = directory / "killed.barrow"
    if not whole["begun_allocs"] and (not file.exists() or file.stat().st_size == 0):
        return []  # killed before the recording began
    book = ledger(file)
    line = read_truth(TARGETS / "oracle.py").marks["a"]
    where = {"function": "work", "file": str(TARGETS / "oracle.py"), "line": line}
    total = book.value("total", domain=FAMILIES[family], **where)
    live = book.value("leaked", domain=FAMILIES[family], **where)
    checks = [
        _between("allocations", whole["done_allocs"], total[1], whole["begun_allocs"]),
        _between("bytes", whole["done_bytes"], total[0], whole["begun_bytes"]),
        _between(
            "live blocks",
            whole["done_allocs"] - whole["begun_frees"],
            live[1],
            whole["begun_allocs"] - whole["done_frees"],
        ),
        _between(
            "live bytes",
            whole["done_bytes"] - whole["begun_freed_bytes"],
            live[0],
            whole["begun_bytes"] - whole["done_freed_bytes"],
        ),
    ]
    if book.summary["complete"]:
        checks.append("a killed ledger calls itself complete")
    return [check for check in checks if check]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_killed_at_random(batch: int, tmp_path: Path) -> None:
    chance = random.Random(2026 + batch)
    for turn in range(batch, KILLS, BATCHES):
        directory = tmp_path / str(turn)
        directory.mkdir()
        threads = 1 if turn % 2 else 4
        family = chance.choice((0, 0, 1, 2))
        early = turn % 5 == 4
        delay = chance.uniform(0, 0.25)
        process = _start(directory, threads, family, turn + 1)
        try:
            _kill(directory, process, delay, early)
        finally:
            process.kill()
        wrong = _check(directory, threads, family)
        assert not wrong, f"kill {turn}, {threads} threads, {FAMILIES[family]}: {wrong}"


def test_live_ledger_is_readable(tmp_path: Path) -> None:
    """The same, read while the program is at work: no kill, but a pause."""
    process = _start(tmp_path, 1, 0, 7)
    try:
        while not any((tmp_path / "account").read_bytes()):
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.002)
        for _ in range(5):
            time.sleep(0.05)
            process.send_signal(signal.SIGSTOP)
            os.waitpid(process.pid, os.WUNTRACED)
            assert _check(tmp_path, 1, 0) == []
            book = ledger(tmp_path / "killed.barrow")
            assert consistency(book) == []
            process.send_signal(signal.SIGCONT)
    finally:
        process.kill()
        process.wait(30)
        process.stderr.close()


def test_killed_group(tmp_path: Path) -> None:
    """A tree of processes is killed at once: each has its own ledger, and all open."""
    program = (
        "import multiprocessing, time\n"
        "def work(n):\n"
        "    kept = bytes(2000000)\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('fork')\n"
        "    [context.Process(target=work, args=(n,)).start() for n in range(3)]\n"
        "    time.sleep(60)\n"
    )
    script = tmp_path / "tree.py"
    script.write_text(program)
    process = subprocess.Popen(
        [*run_words(tmp_path / "tree.barrow"), "-q", str(script)],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        for _ in range(3):
            assert process.stdout.readline() == b"ready\n"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        process.stdout.close()
    files = sorted(tmp_path.glob("*.barrow"))
    assert len(files) == 4
    children = 0
    for file in files:
        book = ledger(file)
        assert book.summary["complete"] is False
        children += book.value("leaked", by="function", function="work", domain="obj")[0] > 1000000
    assert children == 3
