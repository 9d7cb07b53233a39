"""`barrow top`: what it finds, what it says, and its screen, under tmux.

The target is a process that keeps a ledger of known content (live_target.py), so nothing here waits
for anything but the next look.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Barrow, environment, one_line

HERE = Path(__file__).resolve().parent
DEADLINE = 20.0  # seconds; only a failing test waits so long


class Target:
    """A process that writes a ledger."""

    def __init__(self, ledger: Path) -> None:
        self.ledger = ledger
        self.process = subprocess.Popen([sys.executable, str(HERE / "live_target.py"), str(ledger)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ok\n"

    def __call__(self, *lines: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        for line in lines:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            assert self.process.stdout.readline() == "ok\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    made = Target(tmp_path / "live.barrow")
    made("alloc load 1048576", "alloc parse 524288")
    yield made
    made.kill()


def look(barrow: Barrow, *words: str) -> dict:
    done = barrow("top", "--once", "--json", *words)
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout)


# ---- what is found ----


def test_process_is_found_by_its_id(barrow: Barrow, target: Target) -> None:
    for operand in (str(target.pid), str(target.ledger)):
        state = look(barrow, operand)
        assert state["state"] == "running"
        assert state["pid"] == target.pid
        assert [row["bytes"] for row in state["rows"][:2]] == [1048576, 524288]
        assert state["rows"][1]["function"] == "Parser.parse"
        assert state["rss_bytes"] == 10 << 20
    target("end")
    assert look(barrow, str(target.pid))["state"] == "ended"


def test_ledger_is_found_after_its_file_was_removed(barrow: Barrow, target: Target) -> None:
    target.ledger.unlink()
    if os.geteuid() != 0:
        # Only root may open what another process has mapped but not open.
        assert "as root" in one_line(barrow("top", "--once", str(target.pid)).stderr)
    else:
        assert look(barrow, str(target.pid))["live_bytes"] > 1048576


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no /dev/shm")
def test_ledger_in_shared_memory_is_found(barrow: Barrow) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="barrow-test-") as folder:
        made = Target(Path(folder) / "live.barrow")
        try:
            made("alloc load 1048576")
            assert look(barrow, str(made.pid))["live_bytes"] > 1048576
        finally:
            made.kill()


def test_killed_process_is_lost(barrow: Barrow, target: Target) -> None:
    target.kill()
    assert look(barrow, str(target.ledger))["state"] == "lost"
    assert b"(killed?)" in barrow("top", "--once", str(target.ledger)).stdout
    assert "there is no process" in one_line(barrow("top", str(target.pid)).stderr)


@pytest.mark.parametrize("operands, words", [
    ((), "which recording?"),
    (("999999999",), "there is no process 999999999"),
    (("no-such.barrow",), "No such file"),
    (("etl.py",), "not a barrow ledger"),
    (("--interval", "0", "etl.barrow"), "--interval 0"),
    (("--interval", "soon", "etl.barrow"), "--interval soon"),
])
def test_errors_are_one_line(barrow: Barrow, operands: tuple[str, ...], words: str) -> None:
    done = barrow("top", *operands)
    assert done.returncode == 2
    assert words in one_line(done.stderr)


def test_process_without_a_recording(barrow: Barrow) -> None:
    done = barrow("top", str(os.getpid()))
    assert done.returncode == 2
    assert "is not being recorded" in one_line(done.stderr)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_process_of_another_user(exe: str, target: Target, tmp_path: Path) -> None:
    copy = Path("/tmp") / f"barrow-{os.getpid()}"  # where the other user may run it
    shutil.copy(exe, copy)
    copy.chmod(0o755)
    try:
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, "top", str(target.pid)],
            env=environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    finally:
        copy.unlink()
    assert done.returncode == 2
    assert "Permission denied" in one_line(done.stderr)


@pytest.mark.parametrize("ledger", ["etl.barrow", "hostile.barrow", "deep.barrow", "empty.barrow", "family"])
@pytest.mark.parametrize("by", ["line", "function", "file", "module"])
def test_rows_are_those_of_the_table(barrow: Barrow, ledger: str, by: str) -> None:
    top = look(barrow, "--by", by, ledger)
    table = json.loads(barrow("table", "--json", "--metric", "leaked", "--by", by, ledger).stdout)
    wanted = [row for row in table["rows"] if row["bytes"]]
    own = ("growth_bytes", "bytes_per_s", "allocations_per_s")
    got = [{key: value for key, value in row.items() if key not in own} for row in top["rows"] if row["bytes"]]
    assert sorted(map(json.dumps, got)) == sorted(map(json.dumps, wanted))
    sizes = [row["bytes"] for row in top["rows"]]
    assert sizes == sorted(sizes, reverse=True)


# ---- without a screen ----


def stream(exe: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([exe, "top", "--interval", "0.1", *words], env=environment(), text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_growth_and_rates_are_differences(exe: str, target: Target) -> None:
    reader = stream(exe, "--json", str(target.pid))
    assert reader.stdout is not None
    first = json.loads(reader.stdout.readline())
    assert first["growth_bytes"] == 0
    target("alloc parse 3000000", "free parse 1000000")
    grown = bytes_seen = 0
    while grown != 2000000:
        state = json.loads(reader.stdout.readline())
        grown = state["growth_bytes"]
        bytes_seen += state["bytes_per_s"] * state["rates_over_s"]
    assert abs(bytes_seen - 3000000) < 100  # rates are rounded down to bytes
    row = next(row for row in state["rows"] if row["function"] == "Parser.parse")
    assert row["growth_bytes"] == 2000000
    assert row["bytes"] == 524288 + 2000000
    assert all(row["growth_bytes"] == 0 for row in state["rows"] if row["function"] == "load")
    target("end")
    *_, last = reader.stdout.read().splitlines()
    assert json.loads(last)["state"] == "ended"
    assert reader.wait(DEADLINE) == 0


def test_plain_blocks_until_the_end(exe: str, target: Target) -> None:
    reader = stream(exe, "--limit", "2", str(target.pid))
    assert reader.stdout is not None
    block = [reader.stdout.readline() for _ in range(7)]
    assert block[0] == f"pid {target.pid}, running for 1.0 s \u00b7 python3 app.py --live\n"
    assert block[1].startswith("RSS 10 MiB, max 10 MiB   heap 1.7 MiB, 62 blocks")
    assert block[4] == " 1.0 MiB          1003 KiB/s            load          /srv/app/load.py:12\n"
    target.kill()
    rest = reader.stdout.read()
    assert f"pid {target.pid}, gone after" in rest
    assert reader.wait(DEADLINE) == 0


def test_reader_that_goes_away_ends_it(exe: str, target: Target) -> None:
    reader = stream(exe, str(target.pid))
    assert reader.stdout is not None
    reader.stdout.readline()
    reader.stdout.close()
    assert reader.wait(DEADLINE) == 0


# ---- the screen ----


class Terminal:
    """A window of tmux with one command in it."""

    def __init__(self, place: Path, width: int, height: int, *command: str, **env: str) -> None:
        self.socket = str(place / "tmux")
        variables = environment(**env)
        del variables["TERM"], variables["COLUMNS"]
        words = ["env", *(f"{key}={value}" for key, value in env.items()), *command]
        # tmux itself does not always learn how a command ended.
        words = ["sh", "-c", '"$@"; echo $? >ending; exec cat', "sh", *words]
        self.place, self.ending = place, place / "ending"
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height), *words, env=variables)

    def tmux(self, *words: str, **options) -> str:
        return subprocess.run(["tmux", "-u", "-S", self.socket, "-f", "/dev/null", *words], check=True,
                              stdout=subprocess.PIPE, text=True, cwd=self.place, timeout=60, **options).stdout

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def lines(self) -> list[str]:
        return self.tmux("capture-pane", "-p").split("\n")[:-1]

    def wait(self, condition: Callable[[list[str]], object]) -> list[str]:
        end = time.monotonic() + DEADLINE
        while True:
            lines = self.lines()
            if condition(lines):
                return lines
            assert time.monotonic() < end, "\n".join(lines)
            time.sleep(0.03)

    def wait_for_end(self) -> int:
        """The command's exit status."""
        end = time.monotonic() + DEADLINE
        while not self.ending.exists() or not self.ending.read_text():
            assert time.monotonic() < end, "\n".join(self.lines())
            time.sleep(0.03)
        return int(self.ending.read_text())

    def pid(self) -> int:
        shell = self.tmux("display-message", "-p", "#{pane_pid}").strip()
        return int(Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])

    def close(self) -> None:
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False, stderr=subprocess.DEVNULL)


@pytest.fixture
def screen(exe: str, tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens `barrow top` in a window; skips where there is no tmux or no ncurses."""
    if not shutil.which("tmux"):
        pytest.skip("no tmux")
    opened: list[Terminal] = []

    def start(*words: str, width: int = 80, height: int = 24, **env: str) -> Terminal:
        opened.append(Terminal(tmp_path, width, height, exe, "top", "--interval", "0.1", *words, **env))
        opened[0].wait(lambda lines: any(re.match(r"q quit|.*more rows", line) for line in lines))
        if "without ncurses" in opened[0].tmux("capture-pane", "-p", "-S", "-"):
            pytest.skip("built without ncurses")
        return opened[0]

    yield start
    for terminal in opened:
        terminal.close()


def table(lines: list[str]) -> list[str]:
    title = next(i for i, line in enumerate(lines) if re.match(r" +live", line))
    return lines[title:-1]


def names(lines: list[str]) -> list[str]:
    """The functions of the rows, from above."""
    return [re.split(r" {2,}", line.strip())[-2] for line in table(lines)[1:] if line.strip()]


def test_screen_shows_what_lives(screen: Callable[..., Terminal], target: Target) -> None:
    terminal = screen(str(target.pid))
    lines = terminal.wait(lambda lines: lines[-1].startswith("q quit"))
    assert len(lines) == 24
    assert lines[0].startswith(f"python3 app.py --live \u00b7 pid {target.pid}, running for 1.0 s")
    assert lines[0].endswith("every 100 ms")
    assert lines[1].startswith("RSS 10 MiB, max 10 MiB   heap 1.7 MiB, 62 blocks")
    assert re.match(r"RSS \u2588+ 10 MiB$", lines[3])
    assert names(lines)[:3] == ["load", "Parser.parse", "f00"]
    assert lines[-1].endswith("1-18/62")
    target("alloc load 1048576", "rss 41943040")
    lines = terminal.wait(lambda lines: "  2.0 MiB  +1.0 MiB" in table(lines)[1])
    assert lines[1].startswith("RSS 40 MiB, max 40 MiB")
    assert re.match(r"RSS [\u2581\u2582]+\u2588+ 40 MiB$", lines[3])
    terminal.keys("q")
    assert terminal.wait_for_end() == 0


def test_sorting_grouping_scrolling(screen: Callable[..., Terminal], target: Target) -> None:
    terminal = screen(str(target.pid))
    target("alloc parse 1000")
    terminal.wait(lambda lines: "+1000 B" in "".join(lines))
    terminal.keys("s")
    lines = terminal.wait(lambda lines: "growth\u25be" in table(lines)[0])
    assert names(lines)[0] == "Parser.parse"
    terminal.keys("s", "s")
    lines = terminal.wait(lambda lines: "function\u25be" in table(lines)[0])
    assert names(lines)[:2] == ["Parser.parse", "f00"]
    terminal.keys("NPage")
    terminal.wait(lambda lines: names(lines)[0] == "f17")
    terminal.keys("Down", "Down", "Up")
    terminal.wait(lambda lines: names(lines)[0] == "f18")
    terminal.keys("End")
    terminal.wait(lambda lines: names(lines)[-1] == "load" and "45-62/62" in lines[-1])
    terminal.keys("Home", "g")
    lines = terminal.wait(lambda lines: "by: function" in lines[-1])
    assert "file" in table(lines)[0]
    terminal.keys("g")
    lines = terminal.wait(lambda lines: "by: file" in lines[-1])
    assert table(lines)[1].endswith("/srv/app/fill.py")
    terminal.keys("g", "s")
    lines = terminal.wait(lambda lines: "by: module" in lines[-1] and "live\u25be" in table(lines)[0])
    assert [line.split()[-1] for line in table(lines)[1:4]] == ["load", "parse", "fill"]
    assert lines[-1].endswith("baseline")


def test_filter_is_edited_live(screen: Callable[..., Terminal], target: Target) -> None:
    target("alloc hostile 7777777")
    terminal = screen(str(target.pid))
    terminal.keys("/", "F", "1")
    lines = terminal.wait(lambda lines: lines[-1].startswith("/F1  Enter"))
    terminal.wait(lambda lines: names(lines) == [f"f1{i}" for i in range(10)])
    terminal.keys("q")  # a letter like others
    terminal.wait(lambda lines: "no row holds 'F1q'" in "".join(lines))
    terminal.keys("BSpace", "5", "Enter")
    lines = terminal.wait(lambda lines: lines[-1].startswith("/F15  / changes"))
    assert names(lines) == ["f15"]
    terminal.keys("Escape")
    terminal.wait(lambda lines: lines[-1].startswith("q quit"))
    terminal.keys("/", "\u6570", "\u636e")
    terminal.wait(lambda lines: "/\u6570\u636e" in lines[-1])
    lines = terminal.wait(lambda lines: len(names(lines)) == 1)
    assert names(lines) == ["evil\\x1b[2J\u89e3\u6790"]
    terminal.keys("BSpace", "Escape")
    terminal.wait(lambda lines: lines[-1].startswith("q quit"))


def test_freeze_and_baseline(screen: Callable[..., Terminal], target: Target) -> None:
    terminal = screen(str(target.pid))
    terminal.keys("f")
    terminal.wait(lambda lines: lines[0].endswith("FROZEN"))
    target("alloc load 1048576")
    terminal.keys("s", "s", "s", "s")  # keys work, the state stays
    time.sleep(0.4)
    assert table(terminal.lines())[1].split()[:2] == ["1.0", "MiB"]
    terminal.keys("Space")
    terminal.wait(lambda lines: "  2.0 MiB  +1.0 MiB" in table(lines)[1])
    terminal.keys("b")
    lines = terminal.wait(lambda lines: "+1.0 MiB" not in table(lines)[1])
    assert "heap +0 B in the last" in lines[2]
    target("free load 524288")
    lines = terminal.wait(lambda lines: "  1.5 MiB  -512 KiB" in table(lines)[1])
    assert "heap -512 KiB in the last" in lines[2]
    terminal.keys("r")
    terminal.wait(lambda lines: "  1.5 MiB  +512 KiB" in table(lines)[1])


def test_help_and_resizing(screen: Callable[..., Terminal], target: Target) -> None:
    terminal = screen(str(target.pid))
    terminal.keys("h")
    terminal.wait(lambda lines: any("growth counts from now" in line for line in lines))
    terminal.keys("q")  # closes the help only
    terminal.wait(lambda lines: not any("growth counts from now" in line for line in lines))
    for width, height in ((120, 40), (200, 50), (60, 14), (30, 6), (80, 24)):
        terminal.tmux("resize-window", "-x", str(width), "-y", str(height))
        lines = terminal.wait(
            lambda lines, height=height: len(lines) == height and re.match(r"q quit.*\d/62$", lines[-1]))
        assert all(len(line) <= width for line in lines)
        assert ("domain" in table(lines)[0]) == (width >= 100)
        assert len(table(lines)) >= (height - 5) * 2 // 3
        assert not terminal.ending.exists()


@pytest.mark.parametrize("width, height", [(20, 5), (30, 3), (10, 2), (20, 1)])
def test_low_and_narrow_windows(screen: Callable[..., Terminal], target: Target, width: int, height: int) -> None:
    terminal = screen(str(target.pid))
    terminal.tmux("resize-window", "-x", str(width), "-y", str(height))
    keys = r"q quit +(h help +)?(\d-\d/62)?|1-1/62" if width > 10 else r" *1-1/62"
    lines = terminal.wait(lambda lines: len(lines) == height and re.fullmatch(keys, lines[-1]))
    if height > 1:
        assert lines[0].startswith("python3")
    if height > 4:
        assert lines[2].split()[:2] == ["1.0", "MiB"]
    terminal.keys("h")
    terminal.keys("q", "q")
    assert terminal.wait_for_end() == 0


def test_screen_stays_when_the_target_ends(screen: Callable[..., Terminal], target: Target) -> None:
    terminal = screen(str(target.pid))
    target("alloc load 1048576", "end")
    lines = terminal.wait(lambda lines: "ended after" in lines[0])
    assert "the program ended" in lines[0]
    assert lines[0].endswith("last state")
    target.kill()
    time.sleep(0.3)
    lines = terminal.lines()
    assert "ended after" in lines[0]
    assert table(lines)[1].split()[:2] == ["2.0", "MiB"]
    terminal.keys("s")
    terminal.wait(lambda lines: "growth\u25be" in table(lines)[0])
    terminal.keys("q")
    assert terminal.wait_for_end() == 0


def test_screen_tells_that_the_target_was_killed(screen: Callable[..., Terminal], target: Target) -> None:
    terminal = screen(str(target.ledger))
    target.kill()
    lines = terminal.wait(lambda lines: "gone after" in lines[0])
    assert "(killed?)" in lines[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_leave_a_usable_terminal(exe: str, screen: Callable[..., Terminal], target: Target,
                                         number: int) -> None:
    terminal = screen(str(target.pid))
    os.kill(terminal.pid(), number)
    assert terminal.wait_for_end() == 0
    assert terminal.tmux("display-message", "-p", "#{alternate_on}").strip() == "0"


def test_ascii_and_no_colors(screen: Callable[..., Terminal], target: Target) -> None:
    target("alloc hostile 7777777")
    terminal = screen(str(target.pid), LC_ALL="C", NO_COLOR="1")
    lines = terminal.wait(lambda lines: lines[-1].startswith("q quit"))
    assert "".join(lines).isascii()
    assert "live*" in table(lines)[0]
    assert re.match(r"RSS #+ 10 MiB$", lines[3])
    colored = terminal.tmux("capture-pane", "-pe")
    assert not re.search(r"\x1b\[3[1-6]m", colored)


def test_unknown_terminal_gets_lines(exe: str, tmp_path: Path, target: Target) -> None:
    if not shutil.which("tmux"):
        pytest.skip("no tmux")
    terminal = Terminal(tmp_path, 80, 24, "sh", "-c",
                        f"TERM=no-such-terminal exec {exe} top --interval 0.1 --limit 1 {target.pid}")
    try:
        lines = terminal.wait(lambda lines: sum("running for" in line for line in lines) >= 2)
        assert any(line.startswith("barrow: ") for line in lines)
        target("end")
        assert terminal.wait_for_end() == 0
    finally:
        terminal.close()


# ---- a real recording ----


def has_recorder() -> bool:
    return importlib.util.find_spec("barrow") is not None and \
        importlib.util.find_spec("barrow._core") is not None


PROGRAM = """
import sys
keep = []
print("ready", flush=True)
for line in sys.stdin:
    keep.append(bytearray(int(line)))
    print("ok", flush=True)
"""


@pytest.mark.skipif(not has_recorder(), reason="barrow's recorder is not installed")
@pytest.mark.parametrize("in_memory", [False, True])
def test_real_recording(exe: str, barrow: Barrow, tmp_path: Path, in_memory: bool) -> None:
    program = tmp_path / "grow.py"
    begin, end = ("import barrow\nrecording = barrow.record()\nrecording.start()\n", "recording.stop()\n")
    program.write_text(begin + PROGRAM + end if in_memory else PROGRAM)
    command = [sys.executable, str(program)]
    if not in_memory:
        command = [sys.executable, "-m", "barrow", "run", "-q", "-o", str(tmp_path / "real.barrow"), str(program)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        reader = stream(exe, "--json", "--by", "file", str(process.pid))
        assert reader.stdout is not None
        grown = json.loads(reader.stdout.readline())["growth_bytes"]
        for _ in range(5):
            process.stdin.write("1000000\n")
            process.stdin.flush()
            assert process.stdout.readline() == "ok\n"
        while grown < 5_000_000:
            state = json.loads(reader.stdout.readline())
            grown = max(row["growth_bytes"] for row in state["rows"])
        assert grown < 5_010_000
        assert state["state"] == "running"
        process.stdin.close()
        assert process.wait(DEADLINE) == 0
        last = json.loads(reader.stdout.read().splitlines()[-1])
        assert last["state"] == "ended"
        assert last["live_bytes"] > 5_000_000
        assert reader.wait(DEADLINE) == 0
    finally:
        process.kill()
