"""`barrow bench`: programs of known allocations, measured many times.

These need an interpreter that has barrow: the one that runs the tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness import environment, one_line

MEMORY = ("peak_bytes", "live_bytes", "allocations", "total_bytes")
BYTES = sys.getsizeof(b"")  # of a bytes object, beside its contents


class Bench:
    """Calls `barrow bench` in a directory of its own; whatever happens, it leaves nothing behind."""

    def __init__(self, exe: str, work: Path, temporary: Path) -> None:
        self.exe, self.work, self.temporary = exe, work, temporary

    def environment(self, **more: str) -> dict[str, str]:
        return environment(TMPDIR=str(self.temporary), PYTHONHASHSEED="0", **more)

    def words(self, *words: str) -> list[str]:
        return [self.exe, "bench", "--python", sys.executable, *words]

    def __call__(self, *words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess:
        done = subprocess.run(self.words(*words), env=self.environment(**env), cwd=cwd or self.work,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=120, check=False)
        assert os.listdir(self.temporary) == []
        return done

    def json(self, *words: str, status: int = 0, **options) -> dict:
        done = self("--json", *words, **options)
        assert (done.returncode, done.stderr) == (status, b"")
        return json.loads(done.stdout)

    def text(self, *words: str, status: int = 0, **options) -> str:
        done = self(*words, **options)
        assert (done.returncode, done.stderr) == (status, b"")
        return done.stdout.decode()

    def refuses(self, *words: str, **options) -> str:
        done = self(*words, **options)
        assert (done.returncode, done.stdout) == (2, b"")
        return one_line(done.stderr)

    def write(self, name: str, text: str) -> str:
        (self.work / name).write_text(text)
        return name


@pytest.fixture
def bench(exe: str, tmp_path: Path) -> Bench:
    work, temporary = tmp_path / "work", tmp_path / "tmp"
    work.mkdir()
    temporary.mkdir()
    return Bench(exe, work, temporary)


def memory(side: dict) -> dict[str, list[float]]:
    return {key: side["metrics"][key]["values"] for key in MEMORY}


def always(**values: int) -> dict[str, list[float]]:
    return {key: [values[key]] * 3 for key in MEMORY}


# ---- statements ----


@pytest.mark.parametrize(("statement", "peak", "live", "allocations", "total"), [
    ("pass", 0, 0, 0, 0),
    ("x = bytes(100_000)", BYTES + 100_000, BYTES + 100_000, 1, BYTES + 100_000),
    ("bytes(100_000)", BYTES + 100_000, 0, 1, BYTES + 100_000),
    ("x = bytes(50_000); y = bytes(20_000); del x; z = bytes(10_000)", 2 * BYTES + 70_000,
     2 * BYTES + 30_000, 3, 3 * BYTES + 80_000),
    ("bytes(5000)\nbytes(6000)\nbytes(7000)", BYTES + 7000, 0, 3, 3 * BYTES + 18_000),
    ("def f():\n    return bytes(3000)\ndel f", None, 0, None, None),
    ("del setup", 0, -BYTES - 9000, 0, 0),
])
def test_statement_is_measured_to_the_byte(bench, statement, peak, live, allocations, total):
    result = bench.json("-n", "3", "-s", "setup = bytes(9000)", statement)
    figures = memory(result["subject"])
    expected = always(peak_bytes=peak, live_bytes=live, allocations=allocations, total_bytes=total)
    known = {key for key, values in expected.items() if values[0] is not None}
    assert {key: figures[key] for key in known} == {key: expected[key] for key in known}


def test_result_says_what_was_measured(bench):
    result = bench.json("-n", "4", "-s", "n = 10", "sum(range(n))")
    assert (result["barrow_bench"], result["runs"]) == (1, 4)
    assert (result["reference"], result["comparison"]) == (None, None)
    side = result["subject"]
    assert (side["name"], side["setup"], side["kind"]) == ("sum(range(n))", "n = 10", "statement")
    assert side["python"] == sys.version.split()[0]
    assert side["loops"] > 100  # too short to be timed once
    for metric in side["metrics"].values():
        assert len(metric["values"]) == 4
        assert metric["low"] <= metric["median"] <= metric["high"]
        assert metric["low"] in metric["values"] or metric["low"] > min(metric["values"])


def test_time_is_that_of_one_execution(bench):
    slow = bench.json("-n", "3", "-s", "import time", "time.sleep(0.05)")["subject"]
    assert slow["loops"] == 1
    assert 0.05 <= slow["metrics"]["time_s"]["median"] < 0.5
    short = bench.json("-n", "3", "--loops", "20", "-s", "import time", "time.sleep(0.002)")["subject"]
    assert short["loops"] == 20
    assert 0.002 <= short["metrics"]["time_s"]["median"] < 0.02


def test_statement_that_runs_only_once_is_executed_once(bench):
    result = bench.json("-n", "3", "-s", "x = 1", "del x")
    assert result["subject"]["loops"] == 1


def test_max_rss_is_that_of_the_process(bench):
    small = bench.json("-n", "3", "pass")["subject"]["metrics"]["max_rss_bytes"]["median"]
    large = bench.json("-n", "3", "x = b'x' * 50_000_000")["subject"]["metrics"]["max_rss_bytes"]["median"]
    # The smaller process has read some pages of files and libraries that the larger one had not, or the other way.
    assert abs(large - small - 50_000_000) < 2_000_000


def test_modules_of_the_standard_library_are_new_to_a_statement(bench):
    result = bench.json("-n", "3", "import sys; assert not {'typing', 'ast', 'collections'} & set(sys.modules)")
    assert result["runs"] == 3


# ---- programs ----


def test_program_is_measured_whole_with_its_children(bench):
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = bytes({})'], check=True)"
    bench.write("one.py", child.format("1_000_000"))
    bench.write("two.py", child.format("3_000_000"))
    result = bench.json("-n", "4", "--vs", "one.py", "two.py")
    for key in ("peak_bytes", "live_bytes", "total_bytes"):
        difference = result["comparison"][key]["difference"]
        assert difference == pytest.approx(2_000_000, abs=2000), key
    assert result["subject"]["kind"] == "program"


def test_program_gets_its_arguments_and_no_input(bench):
    bench.write("check.py", "import sys\nassert sys.argv == ['check.py', '-n', 'x', '--json'], sys.argv\n"
                            "assert sys.stdin.read() == ''\nprint('nobody reads this')\n"
                            "assert not [k for k in __import__('os').environ if k == 'BARROW_PYTHON']\n")
    done = bench("-n", "3", "check.py", "-n", "x", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"check.py -n x --json: 3 recorded runs")


def test_module(bench):
    bench.write("module.py", "import sys\nassert sys.argv[1:] == ['a']\nassert __name__ == '__main__'\n")
    assert bench.json("-n", "3", "-m", "module", "a")["subject"]["name"] == "-m module a"


def test_options_behind_a_script_are_its_own(bench):
    bench.write("script.py", "import sys\nassert sys.argv[1:] == ['--vs', 'x']\n")
    text = bench.text("-n", "3", "script.py", "--vs", "x")
    assert "--vs went to the program: options of barrow stand before it." in text


# ---- comparing ----


def test_two_statements(bench):
    result = bench.json("-n", "4", "x = bytes(20_000)", "--vs", "x = bytes(10_000)")
    assert result["reference"]["name"] == "x = bytes(10_000)"
    peak = result["comparison"]["peak_bytes"]
    assert peak["difference"] == 10_000
    share = 10_000 / (10_000 + BYTES) * 100
    assert peak["percent"] == peak["percent_low"] == peak["percent_high"] == pytest.approx(share)
    assert peak["p"] == pytest.approx(2 / 70) and peak["significant"]
    same = result["comparison"]["allocations"]
    assert (same["difference"], same["percent"], same["p"], same["significant"]) == (0, 0, 1, False)
    assert result["subject"]["loops"] == result["reference"]["loops"]


def test_sides_take_turns(bench):
    log = bench.work / "log"
    note = "open({!r}, 'a').write({!r})"
    bench.json("-n", "3", "--loops", "1", "--vs", note.format(str(log), "A"), note.format(str(log), "B"))
    assert log.read_text() == "BA" + "ABAB" + "BABA" + "ABAB"


def test_fail_over(bench):
    words = ("-n", "4", "x = bytes(20_000)", "--vs", "x = bytes(10_000)", "--fail-over")
    result = bench.json(*words, "90", status=1)
    over = {key for key, metric in result["comparison"].items() if metric["over"]}
    assert over - {"time_s", "max_rss_bytes"} == {"peak_bytes", "live_bytes", "total_bytes"}
    assert "More by over 90 %: peak, live after, allocated" in bench.text(*words, "90", status=1)
    less = bench.json("-n", "4", "bytes(1)", "--vs", "x = bytes(200_000_000)", "--fail-over", "100")
    assert not any(metric["over"] for metric in less["comparison"].values())


def test_fail_over_needs_significance(bench):
    """Three runs of each can't show anything: p is 0.1 at least."""
    text = bench.text("-n", "3", "x = bytes(20_000)", "--vs", "x = bytes(10_000)", "--fail-over", "1")
    assert "With 3 runs nothing can be significant" in text
    assert re.search(r"^ peak .* ~ +\+99\.\d%", text, re.M)


def test_baseline(bench):
    saved = bench.json("-n", "4", "-o", "base.json", "x = bytes(10_000)")
    assert json.loads((bench.work / "base.json").read_text()) == saved
    result = bench.json("-n", "4", "--baseline", "base.json", "x = bytes(30_000)")
    assert result["reference"] == saved["subject"]
    assert result["subject"]["loops"] == saved["subject"]["loops"]
    assert result["comparison"]["live_bytes"]["difference"] == 20_000
    text = bench.text("-n", "4", "--baseline", "base.json", "x = bytes(30_000)")
    assert "The baseline is of something else." in text
    again = bench.text("-n", "4", "--baseline", "base.json", "x = bytes(10_000)")
    assert "something else" not in again
    bench.write("script.py", "")
    bench.json("-n", "3", "-o", "script.json", "script.py", "1")
    assert "something else" in bench.text("-n", "3", "--baseline", "script.json", "script.py", "2")
    # What was written with a comparison is a baseline too.
    bench.json("-n", "4", "--baseline", "base.json", "-o", "next.json", "x = bytes(30_000)")
    last = bench.json("-n", "4", "--baseline", "next.json", "x = bytes(30_000)")
    assert last["comparison"]["peak_bytes"]["difference"] == 0


def test_baseline_of_another_interpreter(bench):
    saved = bench.json("-n", "3", "pass")
    saved["subject"]["python"] = "3.2.1"
    bench.write("base.json", json.dumps(saved))
    assert "A ran on Python 3.2.1, B on " in bench.text("-n", "3", "--baseline", "base.json", "pass")


@pytest.mark.parametrize(("change", "complaint"), [
    (lambda d: d.clear(), "it is no result of barrow bench"),
    (lambda d: d.update(barrow_bench=2), "it was written by a newer barrow"),
    (lambda d: d["subject"].pop("python"), "the subject lacks its name"),
    (lambda d: d["subject"]["metrics"].pop("time_s"), "it has no values of time_s"),
    (lambda d: d["subject"]["metrics"]["peak_bytes"].update(values=[]), "it has no values of peak_bytes"),
    (lambda d: d["subject"]["metrics"]["peak_bytes"].update(values=["1"]), "a value is no number"),
    (lambda d: d["subject"]["metrics"]["time_s"].update(values=[1] * 10_001), "more values than there are runs"),
    (lambda d: d["subject"].update(kind="program"), "is of a script, not of a statement"),
])
def test_bad_baseline(bench, change, complaint):
    metrics = {key: {"values": [1, 2, 3]} for key in (*MEMORY, "max_rss_bytes", "time_s")}
    document = {"barrow_bench": 1, "subject": {"name": "x", "setup": "", "kind": "statement", "loops": 1,
                                               "python": "3", "metrics": metrics}}
    change(document)
    bench.write("base.json", json.dumps(document))
    assert complaint in bench.refuses("--baseline", "base.json", "pass")


# ---- revisions ----


def git(place: Path, *words: str) -> str:
    return subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *words], cwd=place, check=True,
                          capture_output=True, text=True, env=environment()).stdout


@pytest.fixture
def project(bench) -> Path:
    """A repository whose working tree has a change: `work` takes 5000 bytes, 2000 in `old`."""
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    place = bench.work / "project"
    (place / "src").mkdir(parents=True)
    (place / "scripts").mkdir()
    git(place, "init", "-q")
    (place / "src" / "package.py").write_text("def work():\n    return bytes(2000)\n")
    (place / "scripts" / "run.py").write_text("import package\nx = package.work()\n")
    git(place, "add", ".")
    git(place, "commit", "-q", "-m", "one")
    git(place, "tag", "old")
    hook = place / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {bench.work}/hook-ran\n")
    hook.chmod(0o755)
    (place / "src" / "package.py").write_text("def work():\n    return bytes(5000)\n")
    return place


def test_revision(bench, project):
    before = git(project, "status", "--porcelain"), sorted(os.listdir(project))
    result = bench.json("-n", "4", "--vs-rev", "old", "-s", "import package", "x = package.work()", cwd=project)
    assert memory(result["subject"])["peak_bytes"] == [BYTES + 5000] * 4
    assert memory(result["reference"])["peak_bytes"] == [BYTES + 2000] * 4
    assert re.fullmatch(r"old \([0-9a-f]{10}\)", result["reference"]["revision"])
    assert (git(project, "status", "--porcelain"), sorted(os.listdir(project))) == before
    assert len(git(project, "worktree", "list").splitlines()) == 1
    assert not (bench.work / "hook-ran").exists()


def test_script_of_a_revision_in_a_folder(bench, project):
    for script in ("run.py", str(project / "scripts" / "run.py")):
        result = bench.json("-n", "3", "--vs-rev", "old", script, cwd=project / "scripts")
        assert result["comparison"]["live_bytes"]["difference"] == pytest.approx(3000, abs=1500)
    text = bench.text("-n", "3", "--vs-rev", "old", "run.py", cwd=project / "scripts")
    assert re.search(r"^ A  run\.py  at old \([0-9a-f]{10}\)\n B  run\.py  at the tree as it is$", text, re.M)


def test_same_revision_shows_no_difference_in_memory(bench, project):
    git(project, "checkout", "-q", "--", ".")
    result = bench.json("-n", "4", "--vs-rev", "old", "-s", "import package", "x = package.work()", cwd=project)
    for key in MEMORY:
        assert result["comparison"][key]["difference"] == 0


def test_users_module_path_leads_into_the_revision(bench, project):
    """PYTHONPATH names a folder of the user's tree, as editors set it."""
    (project / "src").rename(project / "lib")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "two")
    (project / "lib" / "package.py").write_text("def work():\n    return bytes(7000)\n")
    result = bench.json("-n", "4", "--vs-rev", "HEAD", "-s", "import package", "x = package.work()",
                        cwd=project, PYTHONPATH=str(project / "lib"))
    assert result["comparison"]["peak_bytes"]["difference"] == 2000


def test_revision_that_is_none(bench, project):
    assert "--vs-rev nope: git ended with status 128" in bench.refuses("--vs-rev", "nope", "pass", cwd=project)
    assert "that is no revision" in bench.refuses("--vs-rev=--help", "pass", cwd=project)
    bench.write("project/new.py", "pass")
    assert "new.py isn't in old (" in bench.refuses("--vs-rev", "old", "new.py", cwd=project)
    (project / "later").mkdir()
    assert "has no folder later/" in bench.refuses("--vs-rev", "old", "pass", cwd=project / "later")
    assert "not a git repository" in bench.refuses("--vs-rev", "old", "pass", cwd=bench.work,
                                                   GIT_CEILING_DIRECTORIES=str(bench.work.parent))
    assert len(git(project, "worktree", "list").splitlines()) == 1


# ---- interruption ----


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interruption_leaves_nothing(bench, project, number):
    pid_file = bench.work / "pid"
    statement = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    process = subprocess.Popen(bench.words("--vs-rev", "old", statement), cwd=project, env=bench.environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(pid_file)
    assert len(git(project, "worktree", "list").splitlines()) == 2
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (-number, b"", b"")
    assert os.listdir(bench.temporary) == []
    assert len(git(project, "worktree", "list").splitlines()) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


# ---- errors ----


def test_program_that_fails(bench):
    error = bench.refuses("-s", "def f(n):\n    return [][n]", "f(0)")
    assert error == ('barrow: the statement (warming up) ended with status 1: Traceback (most recent call last): '
                     '| File "<statement>", line 1, in <module> | File "<setup>", line 2, in f '
                     '| IndexError: list index out of range\n')
    assert "SyntaxError" in bench.refuses("f((")
    assert "NameError" in bench.refuses("-s", "nope", "pass")
    bench.write("fails.py", "import sys\nprint('about to fail', file=sys.stderr)\nsys.exit(3)\n")
    assert bench.refuses("fails.py") == "barrow: fails.py (warming up) ended with status 3: about to fail\n"
    bench.write("killed.py", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    assert bench.refuses("killed.py") == "barrow: killed.py (warming up) was killed by signal 9 (Killed)\n"
    assert "the statement ended its process" in bench.refuses("import os; os._exit(0)")


def test_failure_when_recorded_only(bench):
    bench.write("shy.py", "import os, sys\nsys.exit('recorded' if 'BARROW_RUN' in os.environ else 0)\n")
    assert bench.refuses("shy.py") == "barrow: shy.py (recorded run) ended with status 1: recorded\n"


def test_message_of_a_failure_is_safe_and_short(bench):
    error = bench.refuses("raise ValueError('\\x1b[31m' + 'x' * 5000)")
    assert "\x1b" not in error and len(error) < 600


@pytest.mark.parametrize(("words", "complaint"), [
    ((), "bench what?"),
    (("",), "the statement is empty"),
    (("pass", "--vs", " "), "the statement is empty"),
    (("missing.py",), "there is no script missing.py"),
    (("pass", "more"), "'more' is one word too many"),
    (("-n", "2", "pass"), "--runs 2: expected 3 at least"),
    (("--fail-over", "5", "pass"), "--fail-over needs something to compare with"),
    (("--vs", "a", "--vs-rev", "b", "pass"), "exclude each other"),
    (("--vs", "script.py", "pass"), "a statement can't be compared with a script"),
    (("--setup", "pass", "script.py"), "--setup goes with a statement"),
    (("--baseline", "none.json", "pass"), "none.json"),
    (("-o", "none/base.json", "pass"), "can't write none/base.json"),
    (("--frob", "pass"), "there is no option --frob"),
])
def test_usage_errors(bench, words, complaint):
    bench.write("script.py", "pass\n")
    assert complaint in bench.refuses(*words)


# ---- text ----


def test_text_fits_the_terminal(bench):
    long = "x = 'a very long statement that no terminal of eighty columns has the room to show in one line'"
    for words in ((long,), (long, "--vs", "x = 1", "--fail-over", "5")):
        for env in ({}, {"LC_ALL": "C"}):
            done = bench("-n", "3", *words, **env)
            assert done.returncode == 0 and b"\x1b" not in done.stdout
            text = done.stdout.decode("ascii" if env else "utf-8")
            assert max(len(line) for line in text.splitlines()) <= 80
            assert not re.search(r"[ \t]$", text, re.M)


def test_text(bench):
    text = bench.text("-n", "3", "--color", "always", "x = bytes(200_000)", "--vs", "x = bytes(100_000)")
    assert "\x1b[" in text
    plain = bench.text("-n", "4", "x = bytes(200_000)", "--vs", "x = bytes(100_000)")
    lines = plain.splitlines()
    assert lines[:3] == ["B compared with A: 4 recorded runs and 4 plain ones of each",
                         " A  x = bytes(100_000)", " B  x = bytes(200_000)"]
    assert re.search(r"^ peak +97\.69 KiB  195\.3 KiB +\+100% +\+100% +0\.029$", plain, re.M)
    assert re.search(r"^ allocations +1 +1 +~ +0% +0% +1\.000$", plain, re.M)
