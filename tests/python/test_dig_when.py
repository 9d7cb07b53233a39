"""When heap snapshots are taken: from the program, at exit, near the peak, at a mark, on a signal."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from runner import barrow_exe, execute, ledger

MIB = 1 << 20


def run(directory: Path, program: str, *options: str) -> tuple[Path, str]:
    """Run the program under barrow; its ledger, and what it and barrow wrote to standard error."""
    script, path = directory / "program.py", directory / "program.barrow"
    script.write_text(program)
    done = execute([barrow_exe(), "run", *options, "-o", str(path), "--python", sys.executable, str(script)])
    assert done.status == 0, done.stderr
    return path, done.stderr


def snapshots(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ledger(path).view("sql", "select * from snapshots order by id")["rows"]
    return rows


def count(path: Path, name: str, snapshot: int | None = None) -> int:
    where = f"class = '{name}'" + (f" and snapshot = {snapshot}" if snapshot else "")
    rows = ledger(path).view("sql", f"select count(*) n from objects where {where}")["rows"]
    return int(rows[0]["n"])


def test_at_exit(tmp_path: Path) -> None:
    path, _ = run(tmp_path, "class Kept: pass\nkept = [Kept() for _ in range(123)]\n", "--dig")
    assert len(snapshots(path)) == 1
    assert count(path, "__main__.Kept") == 123


def test_near_the_peak_the_last_is_kept(tmp_path: Path) -> None:
    program = """
import time
class Early: pass
class High: pass
early = [Early() for _ in range(10)]
time.sleep(0.1)
high = [(High(), bytearray(1000)) for _ in range(20000)]
for _ in range(30): time.sleep(0.01)
del high
more = [bytearray(1000) for _ in range(3000)]
time.sleep(0.1)
"""
    path, said = run(tmp_path, program, "--dig-at-peak")
    assert len(snapshots(path)) == 1
    assert count(path, "__main__.High") == 20000
    assert "the heap snapshot was taken at" in said and "below the peak" in said


def test_at_a_mark(tmp_path: Path) -> None:
    program = f"""
kept = []
for i in range(64):
    kept.append(bytearray({MIB}))
"""
    path, _ = run(tmp_path, program, "--dig-at", "20M")
    assert len(snapshots(path)) == 1
    assert 15 <= count(path, "bytearray") <= 21


def test_on_a_signal(tmp_path: Path) -> None:
    program = """
import os, signal, time
class A: pass
kept = [A()]
for _ in range(2):
    os.kill(os.getpid(), signal.SIGUSR2)
    for _ in range(100):
        time.sleep(0.01)
    kept.append(A())
"""
    path, _ = run(tmp_path, program, "--dig-on", "USR2")
    taken = snapshots(path)
    assert len(taken) == 2
    assert [count(path, "__main__.A", row["id"]) for row in taken] == [1, 2]


def test_from_the_program_into_its_recording(tmp_path: Path) -> None:
    program = """
import barrow
class A: pass
kept = A()
path = barrow.dig(label="first")
kept = [kept, A()]
assert barrow.dig(label="second") == path
"""
    path, _ = run(tmp_path, program)
    taken = snapshots(path)
    assert [row["label"] for row in taken] == ["first", "second"]
    query = "select birth_line from objects where class = '__main__.A' and snapshot = 1"
    assert [row["birth_line"] for row in ledger(path).view("sql", query)["rows"]] == [4]


@pytest.mark.parametrize("recorded", [False, True])
def test_forked(tmp_path: Path, recorded: bool) -> None:
    program = f"""
import barrow, os, signal, threading
seen = []
signal.signal(signal.SIGCHLD, lambda *unused: seen.append(1))
class A: pass
kept = [A() for _ in range(50)]
running = threading.Event()
thread = threading.Thread(target=running.wait, name="waiting")
thread.start()
path = barrow.dig({str(tmp_path / "forked.barrow")!r}, fork=True)
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    seen.append("no children")
running.set()
assert seen == ["no children"], seen
"""
    if recorded:
        run(tmp_path, program)
    else:
        done = execute([sys.executable, "-c", program], cwd="/")
        assert done.status == 0, done.stderr
    path = tmp_path / "forked.barrow"
    assert count(path, "__main__.A") == 50
    assert (os.stat(path).st_mode & 0o777) == 0o600
    names = ledger(path).view("sql", "select name from roots where kind = 'thread'")["rows"]
    assert {"MainThread", "waiting"} <= {row["name"] for row in names}


def test_errors(tmp_path: Path) -> None:
    program = f"""
import barrow
for path, fork in [(None, False), (None, True), ({str(tmp_path)!r}, False), ("/nonexistent/x", True)]:
    try:
        barrow.dig(path, fork=fork)
    except (ValueError, barrow.LedgerError) as error:
        print(type(error).__name__, error)
"""
    done = execute([sys.executable, "-c", program], cwd="/")
    assert done.status == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ValueError", "ValueError", "LedgerError", "LedgerError"]
    assert not list(tmp_path.iterdir())


def test_a_full_disk_costs_the_snapshot_only(tmp_path: Path) -> None:
    program = f"""
import os, random, resource
import barrow
import barrow._core
dig = barrow.dig
kept = [[str(random.random())] for i in range(400000)]
random.shuffle(kept)
limit = os.path.getsize(barrow._core.record_path()) + {MIB}
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    dig()
except barrow.LedgerError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
dig(label="later")
"""
    script = tmp_path / "program.py"
    script.write_text(program)
    path = tmp_path / "program.barrow"
    done = execute([barrow_exe(), "run", "-o", str(path), "--python", sys.executable, str(script)])
    assert done.status == 0, done.stderr
    assert "the heap snapshot can't be written" in done.stdout and "File too large" in done.stdout
    assert [row["label"] for row in snapshots(path)] == ["later"]
    assert ledger(path).summary["complete"] is True
