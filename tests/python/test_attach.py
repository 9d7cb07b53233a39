"""`barrow census PID` and `barrow dig PID`: other processes, from outside."""

from __future__ import annotations

import glob
import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from runner import Result, barrow_exe, clean_environment, execute, run_words

TARGET = Path(__file__).resolve().parent / "attach_target.py"


class Target:
    """A running attach_target.py, and what it said first."""

    def __init__(self, mode: str, *, words: list[str] | None = None, **env: str) -> None:
        argv = [*(words or [sys.executable]), str(TARGET), mode]
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(env),
        )
        self.pid = self.process.pid
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr and self.process.stderr.read()
        self.said = json.loads(line)

    def settle(self) -> None:
        """Until it waits for its input to end."""
        deadline = time.monotonic() + 20
        while Path(f"/proc/{self.pid}/wchan").exists() and time.monotonic() < deadline:
            if Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S":
                time.sleep(0.05)
                return
            time.sleep(0.01)

    def end(self) -> tuple[str, str]:
        """Lets it end if its state lets it: what it wrote."""
        try:
            return self.process.communicate(timeout=20)
        finally:
            self.kill()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    @property
    def lives(self) -> bool:
        return self.process.poll() is None


@pytest.fixture
def start() -> Iterator[Callable[..., Target]]:
    targets: list[Target] = []

    def start_one(mode: str, **options: Any) -> Target:
        targets.append(Target(mode, **options))
        return targets[-1]

    yield start_one
    for target in targets:
        target.kill()


def may_look() -> bool:
    """Whether one of our own processes can be read here."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    done = execute([barrow_exe(), "census", str(child.pid)])
    child.communicate()
    return "forbids" not in done.stderr


pytestmark = pytest.mark.skipif(not may_look(), reason="the kernel forbids looking into processes here")


def census(pid: int, *words: str) -> dict[str, Any]:
    done = execute([barrow_exe(), "census", str(pid), "--json", *words])
    assert (done.status, done.stderr) == (0, "")
    return json.loads(done.stdout)


def by_class(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["class"]: row for row in answer["rows"]}


def refused(*words: object) -> str:
    """Standard error of a command that fails, one line."""
    done = execute([barrow_exe(), *map(str, words)])
    assert done.status == 2
    assert done.stdout == ""
    assert done.stderr.startswith("barrow: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


# ---- the census ----


def test_layout_is_that_of_the_headers(repository: Path) -> None:
    include = sysconfig.get_paths()["include"]
    if not (Path(include) / "Python.h").exists():
        pytest.skip("no headers of this Python")
    done = execute([sys.executable, str(repository / "scripts" / "offsets"), "--check", include])
    assert (done.status, done.stderr) == (0, "")


@pytest.mark.parametrize("mode", ["census", "frozen"])
def test_census_finds_what_is_there(start: Callable[..., Target], mode: str) -> None:
    target = start(mode)
    target.settle()
    answer = census(target.pid)
    rows = by_class(answer)
    assert answer["pid"] == target.pid
    assert answer["python"] == sys.version.split()[0]
    assert answer["complete"] is True
    assert {name: rows[name]["objects"] for name in target.said["classes"]} == target.said["classes"]
    # Between the target's own count and ours it made and freed a few.
    assert abs(answer["tracked"] - target.said["tracked"]) < 40
    assert answer["objects"] == sum(row["objects"] for row in answer["rows"])
    assert answer["bytes"] == sum(row["bytes"] for row in answer["rows"])
    assert [row["bytes"] for row in answer["rows"]] == sorted((row["bytes"] for row in answer["rows"]), reverse=True)
    assert rows["bytearray"]["bytes"] + rows["bytes"]["bytes"] > 500 * 1000
    assert rows["complex"]["objects"] >= 1000
    assert census(target.pid)["objects"] == answer["objects"]


def test_census_sizes_are_the_allocators(start: Callable[..., Target]) -> None:
    target = start("shapes")
    rows = by_class(census(target.pid))
    found = {name: rows[name]["bytes"] / rows[name]["objects"] for name in target.said["sizes"]}
    # Instances of a subclass may have a dict's or weak references' words before them: none here.
    assert found == target.said["sizes"]


def test_census_of_a_busy_process(start: Callable[..., Target]) -> None:
    target = start("busy")
    for _ in range(8):
        answer = census(target.pid)
        steady = by_class(answer)["__main__.Steady"]["objects"]
        assert steady <= 20_000
        if answer["complete"]:
            assert steady == 20_000
        assert target.lives


def test_census_of_a_stopped_moment(start: Callable[..., Target]) -> None:
    target = start("busy")
    for _ in range(4):
        answer = census(target.pid, "--stop")
        assert answer["complete"] is True
        assert answer["pause_s"] > 0
        assert by_class(answer)["__main__.Steady"]["objects"] == 20_000
    status = Path(f"/proc/{target.pid}/status").read_text()
    assert "TracerPid:\t0" in status
    assert target.lives


def test_census_of_a_process_that_job_control_stopped(start: Callable[..., Target]) -> None:
    target = start("census")
    os.kill(target.pid, signal.SIGSTOP)
    for words in ([], ["--stop"]):
        rows = by_class(census(target.pid, *words))
        assert rows["__main__.Plain"]["objects"] == target.said["classes"]["__main__.Plain"]
    time.sleep(0.1)
    assert "State:\tT" in Path(f"/proc/{target.pid}/status").read_text()
    os.kill(target.pid, signal.SIGCONT)


def test_census_changes_nothing(start: Callable[..., Target]) -> None:
    target = start("census")
    target.settle()

    def anonymous_kib() -> int:
        status = Path(f"/proc/{target.pid}/status").read_text()
        return int(status.partition("RssAnon:")[2].split()[0])

    before = anonymous_kib()
    for words in ([], ["--stop"], []):
        census(target.pid, *words)
    assert abs(anonymous_kib() - before) <= 16


def test_census_as_text(start: Callable[..., Target]) -> None:
    target = start("census")
    done = execute([barrow_exe(), "census", str(target.pid), "--top", "3"])
    lines = done.stdout.splitlines()
    assert done.status == 0
    assert lines[0].startswith(f"classes of process {target.pid} (")
    assert lines[1].startswith("Counted: ")
    assert lines[-1].endswith("more classes; --limit 0 shows all")
    assert (
        sum(line.rstrip().endswith(("str", "dict", "function", "type", "code", "bytearray", "bytes")) for line in lines)
        >= 1
    )


def test_census_with_the_program_file_gone(start: Callable[..., Target], tmp_path: Path) -> None:
    program = tmp_path / "python"
    real = Path(sys.executable).resolve()
    program.write_bytes(real.read_bytes())
    program.chmod(0o755)
    target = start(
        "census", words=[str(program)], PYTHONHOME=sys.base_prefix, LD_LIBRARY_PATH=str(Path(sys.base_prefix) / "lib")
    )
    program.unlink()
    assert by_class(census(target.pid))["__main__.Bare"]["objects"] == 500


def test_census_errors(start: Callable[..., Target]) -> None:
    sleeper = subprocess.Popen(["sleep", "30"])
    try:
        time.sleep(0.1)
        assert "(sleep) runs no Python" in refused("census", sleeper.pid)
    finally:
        sleeper.kill()
        sleeper.wait()
    assert f"there is no process {sleeper.pid}" in refused("census", sleeper.pid)
    assert "there is no process" in refused("census", "99999999999999999999")
    assert "one process" in refused("census", os.getpid(), os.getpid())
    if Path("/proc/2/comm").exists() and Path("/proc/2/comm").read_text() == "kthreadd\n":
        assert "kernel" in refused("census", 2)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be somebody else")
def test_others_processes_are_refused(start: Callable[..., Target], tmp_path: Path) -> None:
    copy = Path("/tmp") / f"barrow-test-{os.getpid()}"
    copy.write_bytes(Path(barrow_exe()).read_bytes())
    copy.chmod(0o755)
    try:
        target = start("census")
        for command in ("census", "dig"):
            done = execute([str(copy), command, str(target.pid)], user=65534, group=65534, cwd="/")
            assert done.status == 2
            assert done.stderr.startswith(f"barrow: process {target.pid} is another user's (0)")
            assert done.stderr.count("\n") == 1
    finally:
        copy.unlink()


# ---- the snapshot ----


def dig(pid: int, *words: object) -> dict[str, Any]:
    done = execute([barrow_exe(), "dig", str(pid), "--json", *map(str, words)])
    assert (done.status, done.stderr) == (0, "")
    return json.loads(done.stdout)


def folders() -> set[str]:
    return set(glob.glob("/tmp/barrow-??????"))


@pytest.mark.parametrize("mode", ["spin", "sleep", "epoll", "lock", "join", "input"])
def test_dig_whatever_the_process_does(start: Callable[..., Target], tmp_path: Path, mode: str) -> None:
    before = folders()
    target = start(mode)
    for number in range(3):
        path = tmp_path / f"{number}.barrow"
        answer = dig(target.pid, "-o", path)
        assert answer["file"] == str(path)
        assert answer["pid"] == target.pid
        assert path.stat().st_size > 100_000
        assert path.stat().st_mode & 0o777 == 0o600
        assert target.lives
    assert folders() == before
    target.process.kill()
    assert target.end() == ("", "")


def test_dig_leaves_the_program_as_it_was(start: Callable[..., Target], tmp_path: Path) -> None:
    """A sleep is as long as it was to be, and neither names nor output are left behind."""
    target = start("nap")
    dig(target.pid, "-o", tmp_path / "nap.barrow")
    out, err = target.end()
    said = json.loads(out)
    assert err == ""
    assert said["left"] == []
    assert 2 <= said["slept"] < 3.5
    assert said["path"] == json.loads(
        execute(
            [sys.executable, "-c", "import json, sys; print(json.dumps(sys.path))"], cwd=TARGET.parent
        ).stdout.replace('""', json.dumps(str(TARGET.parent)))
    )


def test_dig_names_its_file_after_the_program(start: Callable[..., Target], tmp_path: Path) -> None:
    target = start("sleep")
    done = execute([barrow_exe(), "dig", str(target.pid)], cwd=tmp_path)
    path = tmp_path / f"attach_target.{target.pid}.barrow"
    assert done.status == 0
    assert done.stdout.startswith(f"{path}: the heap of process {target.pid}, ")
    assert path.exists()
    again = execute([barrow_exe(), "dig", str(target.pid)], cwd=tmp_path)
    assert again.status == 2
    assert "exists; -f overwrites it" in again.stderr
    assert execute([barrow_exe(), "dig", "-f", str(target.pid)], cwd=tmp_path).status == 0


def test_dig_by_fork(start: Callable[..., Target], tmp_path: Path) -> None:
    target = start("sleep")
    dig(target.pid, "--fork", "-o", tmp_path / "fork.barrow")
    assert (tmp_path / "fork.barrow").stat().st_size > 100_000
    assert target.lives


def test_dig_goes_into_the_recording(start: Callable[..., Target], tmp_path: Path) -> None:
    ledger = tmp_path / "run.barrow"
    target = start("input", words=run_words(ledger))
    assert dig(target.pid)["file"] == str(ledger)
    assert dig(target.pid, "-o", tmp_path / "own.barrow")["file"] == str(tmp_path / "own.barrow")
    assert target.end()[0] == ""
    assert target.process.returncode == 0
    summary = json.loads(execute([barrow_exe(), "summary", "--json", str(ledger)]).stdout)
    assert summary["complete"] is True


def test_dig_errors(start: Callable[..., Target], tmp_path: Path) -> None:
    before = folders()
    lacks = start("no-barrow")
    assert "can't import barrow" in refused("dig", lacks.pid, "-o", tmp_path / "x.barrow")
    assert "install barrow for its Python" in refused("dig", lacks.pid, "-o", tmp_path / "x.barrow")
    sleeps = start("sleep")
    missing = tmp_path / "no" / "where.barrow"
    assert f"process {sleeps.pid}: " in refused("dig", sleeps.pid, "-o", missing)
    assert "there is no process" in refused("dig", 2**31 - 2)
    assert "no number" in refused("dig", "app")
    assert lacks.lives
    assert sleeps.lives
    assert folders() == before


def test_dig_gives_up_on_c_code_without_a_trace(start: Callable[..., Target], tmp_path: Path) -> None:
    before = folders()
    target = start("c")
    time.sleep(0.5)  # it says so before it is in C
    for _ in range(2):
        begin = time.monotonic()
        assert "ran no Python code for 1 s" in refused("dig", target.pid, "-o", tmp_path / "x.barrow", "--timeout", "1")
        assert time.monotonic() - begin < 10
        assert target.lives
    assert folders() == before
    # The census needs nothing of the process.
    assert census(target.pid)["objects"] > 1000


@pytest.mark.skipif(sys.version_info < (3, 14), reason="before 3.14 there is nothing to disable")
def test_dig_respects_what_was_disabled(start: Callable[..., Target], tmp_path: Path) -> None:
    target = start("sleep", PYTHON_DISABLE_REMOTE_DEBUG="1")
    assert "remote debugging disabled" in refused("dig", target.pid, "-o", tmp_path / "x.barrow")


def test_dig_of_a_process_that_ends(start: Callable[..., Target], tmp_path: Path) -> None:
    target = start("c")
    time.sleep(0.5)  # it says so before it is in C
    waiting = subprocess.Popen(
        [barrow_exe(), "dig", str(target.pid), "-o", str(tmp_path / "x.barrow")], stderr=subprocess.PIPE, text=True
    )
    time.sleep(0.5)
    target.kill()
    _, err = waiting.communicate(timeout=20)
    assert (waiting.returncode, err) == (2, f"barrow: process {target.pid} ended meanwhile\n")


def test_dig_that_is_given_up_leaves_nothing(start: Callable[..., Target], tmp_path: Path) -> None:
    before = folders()
    target = start("c")
    time.sleep(0.5)
    waiting = subprocess.Popen([barrow_exe(), "dig", str(target.pid), "-o", str(tmp_path / "x.barrow")])
    while folders() == before:
        time.sleep(0.01)
    time.sleep(0.3)
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(timeout=20) == -signal.SIGINT
    assert folders() == before
    assert target.lives


def test_help_names_both() -> None:
    for command in ("census", "dig"):
        done: Result = execute([barrow_exe(), "help", command])
        assert done.status == 0
        assert f"barrow {command} 4242" in done.stdout
