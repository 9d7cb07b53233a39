"""barrow check: exit statuses, baselines as files, and figures against a real recording."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from harness import environment, one_line

BASELINE = {
    "barrow_baseline": 1,
    "figures": {"peak": 2_000_000, "leaked": 2_000_000},
    "functions": [{"module": "shop", "function": "load", "peak": 500_000, "leaked": 1}],
}


def verdicts(done):
    return {check["figure"]: check["ok"] for check in json.loads(done.stdout)["checks"]}


def test_exit_statuses(barrow):
    peak = json.loads(barrow("summary", "--json", "etl.barrow").stdout)["peak_bytes"]
    assert barrow("check", "-b", f"peak={peak}", "etl.barrow").returncode == 0
    assert barrow("check", "-b", f"peak={peak - 1}", "etl.barrow").returncode == 1
    assert barrow("check", "-b", f"peak={peak - 1}", "--json", "etl.barrow").returncode == 1
    failed = barrow("check", "-b", "peak=x", "etl.barrow")
    assert failed.returncode == 2 and failed.stdout == b""
    assert "expected a size like 64MB" in one_line(failed.stderr)


@pytest.mark.parametrize("text, size", [("1KB", 1024), ("1 kib", 1024), ("0.5MB", 524288), ("7", 7), ("2 GB", 2**31)])
def test_sizes(barrow, text, size):
    done = barrow("check", "-b", f"peak={text}", "--json", "etl.barrow")
    assert json.loads(done.stdout)["checks"][0]["limit"] == size


def test_a_baseline_is_written_and_holds(barrow, tmp_path):
    base = tmp_path / "base.json"
    done = barrow("check", "--write-baseline", str(base), "before.barrow")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines()[-1] == f"wrote {base}"
    content = json.loads(base.read_text())
    summary = json.loads(barrow("summary", "--json", "before.barrow").stdout)
    assert content["barrow_baseline"] == 1
    assert content["figures"]["peak"] == summary["peak_bytes"]
    assert content["figures"]["allocations"] == summary["allocations"]
    names = [(each["module"], each["function"]) for each in content["functions"]]
    assert names == sorted(set(names)) and ("shop", "load") in names
    same = barrow("check", "--baseline", str(base), "-t", "0%", "--json", "before.barrow")
    assert same.returncode == 0
    assert verdicts(same) == {"peak": True, "leaked": True, "total": True, "allocations": True}
    # A ledger as the baseline says the same as the file made of it.
    by_file = barrow("check", "--baseline", str(base), "--json", "after.barrow")
    by_ledger = barrow("check", "--baseline", "before.barrow", "--json", "after.barrow")
    assert by_file.returncode == by_ledger.returncode == 1
    assert by_file.stdout == by_ledger.stdout


def test_a_failed_check_leaves_the_baseline_alone(barrow, tmp_path):
    base = tmp_path / "base.json"
    barrow("check", "-w", str(base), "before.barrow")
    was = base.read_bytes()
    done = barrow("check", "--baseline", str(base), "-w", str(base), "after.barrow")
    assert done.returncode == 1 and base.read_bytes() == was
    assert b"is not written: the check failed" in done.stdout
    assert list(tmp_path.iterdir()) == [base]
    done = barrow("check", "--baseline", str(base), "-t", "200%", "-w", str(base), "after.barrow")
    assert done.returncode == 0 and base.read_bytes() != was


def test_what_grew_is_named(barrow, tmp_path):
    base = tmp_path / "base.json"
    base.write_text(json.dumps(BASELINE))
    done = barrow("check", "--baseline", str(base), "--json", "after.barrow")
    found = json.loads(done.stdout)
    assert done.returncode == 1 and found["ok"] is False
    assert [check["figure"] for check in found["checks"]] == ["peak", "leaked"]
    peak = found["checks"][0]
    assert (peak["before"], peak["limit"], peak["from"], peak["tolerance"]) == (2_000_000, 2_100_000, "baseline", "5%")
    load = next(each for each in peak["grown"] if each["function"] == "load")
    rows = json.loads(barrow("table", "--json", "--by", "function", "after.barrow").stdout)["rows"]
    assert load["before"] == 500_000
    assert load["after"] == sum(row["bytes"] for row in rows if row["function"] == "load")
    growth = [each["after"] - each["before"] for each in peak["grown"]]
    assert growth == sorted(growth, reverse=True) and growth[-1] > 0
    assert peak["sites"][0].keys() == {"function", "file", "line", "domain", "bytes", "blocks"}


def test_a_baseline_without_functions_tells_the_lines(barrow, tmp_path):
    base = tmp_path / "base.json"
    base.write_text('{"barrow_baseline": 1, "figures": {"peak": 7}}')
    done = barrow("check", "--baseline", str(base), "after.barrow")
    assert done.returncode == 1
    assert b"lines with most of it" in done.stdout and b"what grew" not in done.stdout


@pytest.mark.parametrize(
    "content, complaint",
    [
        ("{", "base.json:1: no valid JSON: a key in quotes is missing"),
        ("{}", "base.json:1: no baseline: the key `barrow_baseline` is missing"),
        ('{"barrow_baseline": "1"}', "the key `barrow_baseline` is missing"),
        ('{"barrow_baseline": 2}', "of version 2, this barrow knows 1"),
        ('{"barrow_baseline": 1}', "the object `figures` is missing"),
        ('{"barrow_baseline": 1, "figures": {"peak": -1}}', "a figure is no whole number"),
        ('{"barrow_baseline": 1, "figures": {},\n "functions": {}}', "base.json:2: no baseline: `functions` is no"),
        ('{"barrow_baseline": 1, "figures": {}, "functions": [{}]}', "a function lacks its `module`"),
        ("[" * 100, "no such ledger"),
    ],
)
def test_baselines_that_are_none(barrow, tmp_path, content, complaint):
    base = tmp_path / "base.json"
    base.write_text(content)
    done = barrow("check", "--baseline", str(base), "after.barrow")
    assert (done.returncode, done.stdout) == (2, b"")
    line = one_line(done.stderr)
    if content[0] == "[":
        assert "base.json" in line
    else:
        assert complaint in line


def test_a_recorded_program(exe, tmp_path):
    """Known bytes: the lines that own them are named."""
    script = tmp_path / "app.py"
    script.write_text("def load():\n    return bytearray(3_000_000)\n\nkept = load()\nbytearray(5_000_000)\n")
    ledger = tmp_path / "app.barrow"
    command = [exe, "run", "-q", "--python", sys.executable, "-o", ledger, script]
    done = subprocess.run(command, env=environment(), cwd=tmp_path, capture_output=True, timeout=60)
    if b"No module named" in done.stderr or b"has no barrow" in done.stderr:
        pytest.skip(f"{sys.executable} has no barrow")
    assert (done.returncode, done.stderr) == (0, b"")

    def check(*words):
        return subprocess.run([exe, "check", *words, ledger], env=environment(), cwd=tmp_path, capture_output=True)

    assert check("-b", "peak=9MB", "-b", "leaked=4MB").returncode == 0
    over = check("-b", "peak=7MB", "-b", "leaked=2MB", "-n", "1")
    text = over.stdout.decode()
    assert over.returncode == 1
    assert "load" in text and "app.py:2" in text and "return bytearray(3_000_000)" in text
    assert "app.py:5" in text and "bytearray(5_000_000)" in text
