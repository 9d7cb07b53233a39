"""`barrow at`, `diff` and `merge` on programs that are really recorded."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from runner import barrow_exe, clean_environment, execute, ledger, record, run_words

MEGA = 1_000_000

PHASES = """\
import json, time
times = []
def keep(size):
    return bytearray(size)
def pause():
    begin = time.clock_gettime(time.CLOCK_MONOTONIC)
    time.sleep(0.9)
    times.append((begin, time.clock_gettime(time.CLOCK_MONOTONIC)))
first = keep(5_000_000)
pause()
second = [bytearray(1_000_000) for _ in range(3)]
del first
pause()
del second[1:]
third = keep(7_000_000)
pause()
print(json.dumps(times))
"""
KEEP, SECOND = 4, 11  # lines


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[float, float]]]:
    """The recording, and begin and end of each pause in seconds since its start."""
    directory = tmp_path_factory.mktemp("phases")
    script, path = directory / "phases.py", directory / "phases.barrow"
    script.write_text(PHASES)
    done = record(path, script, options=("-q",))
    assert (done.status, done.stderr) == (0, "")
    start = struct.unpack_from("<Q", path.read_bytes(), 56)[0] / 1e9
    return path, [(begin - start, end - start) for begin, end in json.loads(done.stdout)]


def lines(rows: list[dict[str, Any]], name: str = "phases.py") -> dict[int, tuple[int, int]]:
    """Bytes in whole megabytes and blocks by line of the script; what is smaller is left out."""
    found: dict[int, tuple[int, int]] = {}
    for row in rows:
        if row["file"].endswith(name) and abs(row["bytes"]) >= MEGA // 2:
            size, blocks = found.get(row["line"], (0, 0))
            found[row["line"]] = (size + row["bytes"] // MEGA, blocks + row["blocks"])
    return found


def test_what_lived_at_a_time(phases: tuple[Path, list[tuple[float, float]]]) -> None:
    path, pauses = phases
    wanted = [{KEEP: 5}, {SECOND: 3}, {KEEP: 7, SECOND: 1}]
    for (begin, end), sizes in zip(pauses, wanted, strict=True):
        shown = ledger(path).view("at", "--time", f"{end - 0.01:.6f}")
        assert shown["by"] == "line"
        assert begin < shown["as_of_s"] <= shown["time_s"] <= end, "no checkpoint in a pause of 0.9 s"
        found = lines(shown["rows"])
        assert {line: size for line, (size, _) in found.items()} == sizes
        assert shown["total_bytes"] == sum(row["bytes"] for row in shown["rows"])


def test_growth_between_two_times(phases: tuple[Path, list[tuple[float, float]]]) -> None:
    path, pauses = phases
    ends = [f"{end - 0.01:.6f}" for _, end in pauses]
    shown = ledger(path).view("at", "--from", ends[0], "--to", ends[1])
    assert {line: size for line, (size, _) in lines(shown["rows"]).items()} == {SECOND: 3}
    shown = ledger(path).view("at", "--from", ends[1], "--to", ends[2])
    assert {line: size for line, (size, _) in lines(shown["rows"]).items()} == {KEEP: 7}
    shown = ledger(path).view("at", "--from", ends[0], "--to", ends[2])
    # keep()'s two lines of stack are sites of their own: 7 MB grew, 5 MB went.
    assert {line: size for line, (size, _) in lines(shown["rows"]).items()} == {KEEP: 7, SECOND: 1}


@pytest.mark.parametrize("by", ["line", "function", "file", "domain", "thread", "stack"])
def test_peak_and_end_are_those_of_table(phases: tuple[Path, Any], by: str) -> None:
    view = ledger(phases[0])
    assert view.view("at", "--time", "end", "--by", by)["rows"] == view.rows("leaked", by)
    assert view.view("at", "--time", "peak", "--by", by)["rows"] == view.rows("peak", by)
    assert view.view("at", "--from", "0", "--to", "end", "--by", by)["rows"] == view.rows("leaked", by)


def test_before_anything_is_known(phases: tuple[Path, Any]) -> None:
    shown = ledger(phases[0]).view("at", "--time", "0")
    assert (shown["as_of_s"], shown["rows"]) == (None, [])
    done = execute([barrow_exe(), "at", "--time", "0", str(phases[0])])
    assert (done.status, done.stderr) == (0, "")
    assert "nothing is known of the time before 0 ns" in done.stdout


# ---- diff ----

BEFORE = """\
import json
CONSTANT = [bytes(1000 + i) for i in range(50)]
TABLE = {i: str(i) for i in range(1000)}
def load():
    data = [bytes(2000) for _ in range(100)]
    index = {i: [i] for i in range(500)}
    return data, index
class Shop:
    def fill(self):
        self.goods = [bytearray(300) for _ in range(200)]
        self.key = lambda: bytes(5000)
        self.value = self.key()
shop = Shop()
shop.fill()
loaded = load()
"""
# Ten lines more at the head, the class before the function, and a line more in each of them.
MOVED = """\
\"\"\"Sells things.

Of
all
sorts.
\"\"\"
import json


# what is known
CONSTANT = [bytes(1000 + i) for i in range(50)]
TABLE = {i: str(i) for i in range(1000)}
class Shop:
    def fill(self):
        # the goods
        self.goods = [bytearray(300) for _ in range(200)]
        self.key = lambda: bytes(5000)
        self.value = self.key()
def load():
    data = [bytes(2000) for _ in range(100)]

    index = {i: [i] for i in range(500)}
    return data, index
shop = Shop()
shop.fill()
loaded = load()
"""


def diff(before: Path, after: Path, *words: str) -> dict[str, Any]:
    done = execute([barrow_exe(), "diff", "--json", *words, str(before), str(after)])
    assert (done.status, done.stderr) == (0, "")
    return json.loads(done.stdout)


def record_source(directory: Path, name: str, source: str) -> Path:
    """Always as shop.py of that directory, which is what is edited."""
    script, path = directory / "shop.py", directory / f"{name}.barrow"
    script.write_text(source)
    done = record(path, script, options=("-q",), cwd=directory)
    assert (done.status, done.stderr) == (0, "")
    return path


@pytest.mark.parametrize("metric", ["leaked", "total"])
@pytest.mark.parametrize("by", ["line", "function", "stack"])
def test_moved_code_is_no_change(tmp_path: Path, metric: str, by: str) -> None:
    before = record_source(tmp_path, "before", BEFORE)
    after = record_source(tmp_path, "after", MOVED)
    words = ("--metric", metric, "--by", by, "--filter", "file=*/shop.py")
    assert len(ledger(before).rows(metric, by, "--filter", "file=*/shop.py")) >= 6
    # The text of the docstring and the annotations' dict are the module's own.
    rows = [row for row in diff(before, after, *words)["rows"] if abs(row["bytes"]) > 1000]
    assert rows == []


def test_what_grew_in_moved_code(tmp_path: Path) -> None:
    before = record_source(tmp_path, "before", BEFORE)
    grown = MOVED.replace("range(200)", "range(900)").replace("bytes(5000)", "bytes(1000)")
    after = record_source(tmp_path, "after", grown + "new = bytes(70_000)\n")
    shown = diff(before, after, "--metric", "leaked", "--filter", "file=*/shop.py")
    assert shown["metric"] == "leaked"
    change = shown["after"]["bytes"] - shown["before"]["bytes"]
    assert sum(row["bytes"] for row in shown["rows"]) == change
    rows = [row for row in shown["rows"] if abs(row["bytes"]) > 3000]
    assert {row["line"] for row in rows} == {16, 17, 27}
    goods = [row for row in rows if row["line"] == 16]  # in two domains, depending on the version
    assert {(row["status"], row["moved_from"]) for row in goods} == {("grown", 10)}
    assert 700 * 300 <= sum(row["bytes"] for row in goods) <= 700 * 400
    assert sum(row["blocks"] for row in goods) >= 700
    for row in goods:
        assert row["blocks"] == row["after_blocks"] - row["before_blocks"]
        assert row["bytes"] == row["after_bytes"] - row["before_bytes"]
    [new] = [row for row in rows if row["line"] == 27]
    assert (new["status"], new["before_bytes"], "moved_from" in new) == ("new", 0, False)
    [value] = [row for row in rows if row["line"] == 17]
    assert (value["status"], value["moved_from"], value["bytes"]) == ("shrunk", 11, -4000)


def test_moved_directory_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    before = record_source(tmp_path / "old", "before", BEFORE)
    shutil.move(tmp_path / "old", tmp_path / "new")
    after = record_source(tmp_path / "new", "after", MOVED)
    rows = diff(tmp_path / "new" / before.name, after, "--metric", "leaked", "--filter", "file=*/shop.py")
    assert [row for row in rows["rows"] if abs(row["bytes"]) > 1000] == []


# ---- merge ----

FAMILY = """\
import subprocess, sys, time
kept = bytearray(4_000_000)
code = "import sys; b = bytearray(3_000_000); print(len(b), flush=True); sys.stdin.read()"
child = subprocess.Popen([sys.executable, "-c", code],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
print(child.stdout.readline(), flush=True)
sys.stdin.readline()
more = [bytearray(1_000_000) for _ in range(6)]
child.communicate("")
"""


def merge(out: Path, *paths: Path) -> None:
    done = execute([barrow_exe(), "merge", "-f", "-o", str(out), *map(str, paths)])
    assert (done.status, done.stderr) == (0, "")


def test_merge_while_the_program_runs_and_after(tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "all.barrow"
    run.mkdir()
    (tmp_path / "family.py").write_text(FAMILY)
    words = [*run_words(run / "app.barrow"), "-q", str(tmp_path / "family.py")]
    program = subprocess.Popen(words, env=clean_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "3000000\n"
        merge(out, run)
        live = ledger(out)
        summary = live.summary
        assert not summary["complete"]
        assert 7 * MEGA < summary["live_bytes"] < 13 * MEGA
        assert summary["peak_bytes"] > 4 * MEGA
        program.communicate("\n", timeout=60)
    finally:
        program.kill()
        program.wait()
    assert ledger(out).summary == summary, "the copy doesn't change"
    for _ in range(100):  # the child's own end
        if ledger(run).summary["complete"]:
            break
        time.sleep(0.1)
    merge(out, run)
    bundle, parts = ledger(out), ledger(run)
    assert bundle.summary["complete"]
    assert bundle.summary["live_bytes"] > 13 * MEGA
    for process in (*bundle.summary["processes"], *parts.summary["processes"]):
        process["file"] = Path(process["file"]).name
    assert bundle.summary == parts.summary
    for metric in ("peak", "leaked", "total"):
        assert bundle.rows(metric, "stack") == parts.rows(metric, "stack")
    assert bundle.view("at", "--time", "50%") == parts.view("at", "--time", "50%")
    assert out.stat().st_size < sum(path.stat().st_size for path in run.iterdir())
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            textwrap.dedent("""
            import sys, barrow
            recording = barrow.open(sys.argv[1])
            print(recording.summary()["total_bytes"], len(recording.table(metric="leaked")))
        """),
            out,
        ],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout
    assert shown.split() == [str(parts.summary["total_bytes"]), str(len(parts.rows("leaked")))]
