"""What golden files can't show: files, pipes, terminals, speed, JSON against truth."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest
from harness import Barrow, environment, one_line

VIEWS = ("summary", "table", "tree", "leaks", "temporary", "timeline")
LEDGERS = ("etl.barrow", "hostile.barrow", "deep.barrow", "many.barrow", "empty.barrow", "family")


def load(barrow: Barrow, *words: str):
    done = barrow(*words, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout)


@pytest.mark.parametrize("ledger", LEDGERS)
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_unprintable_reaches_the_terminal(barrow: Barrow, view: str, ledger: str) -> None:
    for locale in ("C.UTF-8", "C"):
        done = barrow(view, ledger, env={"LC_ALL": locale})
        assert (done.returncode, done.stderr) == (0, b"")
        text = done.stdout.decode("utf-8" if locale == "C.UTF-8" else "ascii")
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", text)
        assert not re.search(r" $", text, re.M)


@pytest.mark.parametrize("ledger", LEDGERS)
@pytest.mark.parametrize("format", ["folded", "json", "csv"])
def test_exports_are_valid_utf8(barrow: Barrow, ledger: str, format: str) -> None:
    done = barrow("export", "--format", format, ledger)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "\x1b" not in done.stdout.decode()


def test_rows_fit_the_window(barrow: Barrow) -> None:
    for columns in (72, 80, 100, 140, 200):
        for view in VIEWS:
            done = barrow(view, "etl.barrow", env={"COLUMNS": str(columns)})
            widest = max(done.stdout.decode().split("\n")[1:], key=len)
            assert len(widest) <= columns, (view, columns, widest)


def test_metrics_add_up_in_every_grouping(barrow: Barrow) -> None:
    summary = load(barrow, "summary", "etl.barrow")
    wanted = {"peak": summary["peak_bytes"], "leaked": summary["live_bytes"],
              "total": summary["total_bytes"], "temporary": summary["temporary_bytes"]}
    for metric, total in wanted.items():
        for by in ("line", "function", "file", "module", "domain", "thread", "stack"):
            table = load(barrow, "table", "--metric", metric, "--by", by, "etl.barrow")
            sizes = [row["bytes"] for row in table["rows"]]
            assert sum(sizes) == total == table["total_bytes"]
            assert sizes == sorted(sizes, reverse=True)
        tree = load(barrow, "tree", "--metric", metric, "etl.barrow")
        assert tree["bytes"] == total == sum(child["bytes"] for child in tree["children"])
        folded = barrow("export", "-F", "folded", "-m", metric, "etl.barrow").stdout.decode()
        assert sum(int(line.rsplit(" ", 1)[1]) for line in folded.splitlines()) == total
        rows = list(csv.DictReader(io.StringIO(
            barrow("export", "-F", "csv", "-m", metric, "etl.barrow").stdout.decode(), newline="")))
        assert sum(int(row["bytes"]) for row in rows) == total
        sites = json.loads(barrow("export", "-F", "json", "etl.barrow").stdout)["sites"]
        assert sum(site[metric]["bytes"] for site in sites) == total
    findings = load(barrow, "leaks", "etl.barrow")["findings"]
    assert sum(finding["bytes"] for finding in findings) == summary["live_bytes"]
    rows = load(barrow, "temporary", "etl.barrow")["rows"]
    assert sum(row["blocks"] for row in rows) == summary["temporary_allocations"] == 20_000


def walk(children: list):
    for child in children:
        yield child
        yield from walk(child["children"])


@pytest.mark.parametrize("options", [(), ("--full",), ("--threads",)])
def test_tree_totals_are_own_plus_children(barrow: Barrow, options: tuple) -> None:
    tree = load(barrow, "tree", *options, "etl.barrow")
    nodes = list(walk(tree["children"]))
    assert sum(node["own_bytes"] for node in nodes) == tree["bytes"] > 0
    for node in nodes:
        inside = sum(child["bytes"] for child in node["children"])
        assert node["bytes"] == node["own_bytes"] + inside
    assert any("thread" in node for node in nodes) == ("--threads" in options)


def test_recursion_is_folded_unless_full(barrow: Barrow) -> None:
    def depth(node) -> int:
        deepest = 0
        stack = [(node, 1)]
        while stack:
            node, level = stack.pop()
            deepest = max(deepest, level)
            stack += [(child, level + 1) for child in node["children"]]
        return deepest

    folded = load(barrow, "tree", "deep.barrow")["children"]
    assert depth(folded[0]) == 2
    assert [node["recursion"] for node in walk(folded)] == [1500, 1500]
    full = barrow("tree", "--full", "--json", "deep.barrow").stdout
    assert full.count(b'"own_bytes": 10,') == 3000  # nested deeper than json.loads goes
    assert full.count(b"[") == full.count(b"]") == 3001


def test_output_file_is_whole_or_absent(barrow: Barrow, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("old")
    assert barrow("export", "-F", "csv", "-o", str(out), "etl.barrow").returncode == 0
    assert out.read_bytes() == barrow("export", "-F", "csv", "etl.barrow").stdout
    assert out.stat().st_mode & 0o777 == 0o666 & ~current_umask()
    link = tmp_path / "link.csv"
    link.symlink_to("out.csv")
    assert barrow("export", "-F", "csv", "-o", str(link), "many.barrow").returncode == 0
    assert link.is_symlink()
    assert b"many.py" in out.read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["link.csv", "out.csv"]


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_full_file_leaves_the_old_one(barrow: Barrow, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("old")

    def limit() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    done = barrow("export", "-F", "json", "-o", str(out), "etl.barrow", preexec_fn=limit)
    assert done.returncode == 2
    assert "can't write" in one_line(done.stderr)
    assert out.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.json"]


def test_full_or_closed_standard_output_is_an_error(barrow: Barrow) -> None:
    with open("/dev/full", "wb") as full:
        done = barrow("table", "etl.barrow", stdout=full)
    assert done.returncode == 2
    assert "No space left" in one_line(done.stderr)
    # Large blocks pass the stream's buffer by: nothing is left that the last flush could fail at.
    with open("/dev/full", "wb") as full:
        done = barrow("export", "-F", "pprof", "deep.barrow", stdout=full)
    assert done.returncode == 2
    assert "standard output: No space left" in one_line(done.stderr)
    done = barrow("export", "-F", "pprof", "-o", "/dev/full", "deep.barrow")
    assert "/dev/full: No space left" in one_line(done.stderr)
    done = barrow("table", "etl.barrow", stdout=None, preexec_fn=lambda: os.close(1))
    assert done.returncode == 2
    one_line(done.stderr)


@pytest.mark.parametrize("restore", [True, False])
def test_reader_that_goes_away_is_no_error(exe: str, shelf: Path, restore: bool) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([exe, "export", "-F", "json", "etl.barrow"], cwd=shelf, stdout=writer,
                          env=environment(), stderr=subprocess.PIPE, restore_signals=restore,
                          check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def on_terminal(exe: str, shelf: Path, *words: str, columns: int = 90, **env: str) -> str:
    """What a command writes to a terminal of that width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    variables = environment(**env)
    del variables["COLUMNS"]
    child = subprocess.Popen([exe, *words], cwd=shelf, stdout=slave, stderr=slave, env=variables)
    os.close(slave)
    output = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        output += part
    os.close(master)
    assert child.wait() == 0
    return output.decode().replace("\r\n", "\n")


def test_colours_only_on_terminals(exe: str, shelf: Path, barrow: Barrow) -> None:
    assert "\x1b[" in on_terminal(exe, shelf, "table", "etl.barrow")
    assert "\x1b[" not in on_terminal(exe, shelf, "table", "etl.barrow", NO_COLOR="1")
    assert "\x1b[" not in on_terminal(exe, shelf, "table", "etl.barrow", TERM="dumb")
    assert "\x1b[" not in on_terminal(exe, shelf, "table", "--color=never", "etl.barrow")
    assert b"\x1b[" not in barrow("table", "etl.barrow").stdout
    always = barrow("table", "--color=always", "etl.barrow", env={"NO_COLOR": "1"}).stdout
    assert b"\x1b[" in always
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", always)
    assert plain == barrow("table", "etl.barrow").stdout


def test_width_comes_from_the_window(exe: str, shelf: Path) -> None:
    for columns in (90, 130):
        text = on_terminal(exe, shelf, "timeline", "--color=never", "etl.barrow", columns=columns)
        axis = next(line for line in text.split("\n") if line.startswith("        0 "))
        assert len(axis) == columns - 1


def test_source_is_not_shown_when_it_changed(barrow: Barrow, shelf: Path) -> None:
    source = shelf / "etl.py"
    before = source.stat()
    assert b"record[" in barrow("table", "etl.barrow").stdout
    try:
        os.utime(source)
        assert b"record[" not in barrow("table", "etl.barrow").stdout
    finally:
        os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_starts_fast(exe: str) -> None:
    def once() -> float:
        start = time.perf_counter()
        subprocess.run([exe, "--version"], stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start

    assert min(once() for _ in range(10)) < 0.010 or "ASAN_OPTIONS" in os.environ


def test_manual_page_tells_every_command_and_option(barrow: Barrow) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/man/barrow.1").read_text()
    sections = dict(re.findall(r"^\.SS barrow (\w+)\n(.*?)(?=^\.S[SH] |\Z)", page, re.M | re.S))
    listed = barrow("help").stdout.decode().split("commands:")[1].split("examples:")[0]
    names = re.findall(r"^  (\w+) ", listed, re.M)
    assert list(sections) == names
    for name in names:
        parts = re.findall(rf"^  barrow {name} (?:\w+ \| )+\w+", barrow("help", name).stdout.decode(), re.M)
        if parts:  # each with options of its own; the page may tell one of several at once
            words = {"run", *parts[0].split()} - {"barrow", name, "|"}
            texts = [barrow(name, word, "--help").stdout.decode() for word in sorted(words)]
            every = {option for text in texts for option in re.findall(r"^  (?:-\w, |    )(--[\w-]+)", text, re.M)}
            told = re.findall(r"^\.BR? .*?(\\-\\-[\w\\-]+)", sections[name], re.M)
            assert {option.replace("\\", "") for option in told} == every, name
            continue
        help_text = barrow("help", name).stdout.decode()
        in_help = re.findall(r"^  (?:-\w, |    )(--[\w-]+)", help_text, re.M)
        in_page = re.findall(r"^\.TP\n\.BR? .*?(\\-\\-[\w\\-]+)", sections[name], re.M)
        assert sorted(option.replace("\\", "") for option in in_page) == sorted(in_help), name
