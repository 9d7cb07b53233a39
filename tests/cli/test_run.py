"""`barrow run` up to the moment when the interpreter takes over.

A script stands in for the interpreter and tells what it was given, so these tests need no
recorder.  What the recorder makes of it is tested in tests/python.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from harness import environment, one_line

STAND_IN = f"""#!{sys.executable} -IS
import json, os, sys
given = {{key: value for key, value in os.environ.items() if key.startswith("BARROW")}}
print(json.dumps({{"argv": sys.argv, "env": given, "pid": os.getpid(), "files": os.listdir(".")}}))
sys.exit(7)
"""


class Runner:
    """Calls `barrow run` with the stand-in beside a copy of the executable."""

    def __init__(self, exe: str, place: Path, work: Path) -> None:
        (place / "bin").mkdir()
        self.exe = place / "bin" / "barrow"
        shutil.copy(exe, self.exe)
        self.python = place / "bin" / "python3"
        self.write_program(self.python, STAND_IN)
        self.site = place / "lib" / "python3.11" / "site-packages"
        self.site.mkdir(parents=True)
        self.place, self.work = place, work

    @staticmethod
    def write_program(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def make_venv(self) -> None:
        """Lets the place look like a virtual environment that has barrow."""
        (self.place / "pyvenv.cfg").touch()
        self.python.rename(self.place / "bin" / "python3.11")
        self.python.symlink_to("python3.11")
        (self.site / "barrow.pth").touch()

    def __call__(self, *words: str, **options) -> subprocess.CompletedProcess:
        env = environment(**options.pop("env", {}))
        options.setdefault("cwd", self.work)
        return subprocess.run([self.exe, "run", *words], env=env, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=60, check=False, **options)

    def given(self, *words: str, **options) -> dict:
        done = self(*words, **options)
        assert (done.returncode, done.stderr) == (7, b"")
        return json.loads(done.stdout)

    def refuses(self, *words: str, **options) -> str:
        before = sorted(os.listdir(self.work))
        done = self(*words, **options)
        assert (done.returncode, done.stdout) == (2, b"")
        assert sorted(os.listdir(self.work)) == before
        return one_line(done.stderr)


@pytest.fixture
def run(exe: str, tmp_path: Path) -> Runner:
    place, work = tmp_path / "place", tmp_path / "work"
    place.mkdir()
    work.mkdir()
    runner = Runner(exe, place, work)
    runner.make_venv()
    return runner


def test_what_the_recorder_is_told(run: Runner) -> None:
    given = run.given("app.py", "a", "-o", "b", "--json")
    python = str(run.python)
    assert given["argv"] == [python, "app.py", "a", "-o", "b", "--json"]
    env = given["env"]
    assert set(env) == {"BARROW_RUN", "BARROW_OUT", "BARROW_ROOT", "BARROW_OPTIONS"}
    assert len(env["BARROW_RUN"]) == 32 and int(env["BARROW_RUN"], 16) >= 0
    assert env["BARROW_ROOT"] == str(given["pid"])
    assert env["BARROW_OUT"] == str(run.work / f"app.{given['pid']}.barrow")
    options = dict(pair.split("=") for pair in env["BARROW_OPTIONS"].split(","))
    assert options == {"mode": "count", "scope": "all", "children": "1", "quiet": "0", "check": "0"}
    assert given["files"] == []  # the ledger is the recorder's to make
    assert run.given("app.py")["env"]["BARROW_RUN"] != env["BARROW_RUN"]


def test_options(run: Runner) -> None:
    env = run.given("--scope=system", "--max-table", "1.5M", "--no-children", "-q", "--check-stacks",
                    "-ox.barrow", "app.py")["env"]
    options = dict(pair.split("=") for pair in env["BARROW_OPTIONS"].split(","))
    assert options == {"mode": "count", "scope": "system", "children": "0", "quiet": "1",
                       "check": "1", "max_table": str(3 << 19)}
    assert env["BARROW_OUT"] == str(run.work / "x.barrow")


@pytest.mark.parametrize(
    ("words", "argv", "name"),
    [
        (["-X", "dev", "-W", "error", "app.py", "-X"], None, "app"),
        (["-Xdev", "-Werror", "-bb", "-OO", "dir/app.tar.py"], None, "app.tar"),
        (["-m", "pkg.mod", "-m", "x"], None, "pkg.mod"),
        (["-Im", "pkg", "a"], None, "pkg"),
        (["-mpkg", "a"], None, "pkg"),
        (["-c", "import sys", "-c"], None, "c"),
        (["-Bcprint()"], None, "c"),
        (["--check-hash-based-pycs", "always", "app.py"], None, "app"),
        (["-u", "-q", "-v", "app.py"], ["-u", "-v", "app.py"], "app"),
        (["-f", "-BX", "dev", "app"], ["-BX", "dev", "app"], "app"),
        (["--", "app.py", "--", "x"], ["app.py", "--", "x"], "app"),
        (["-B", "--", "-odd.py"], ["-B", "--", "-odd.py"], "-odd"),
        (["-"], None, "stdin"),
        (["-", "-m"], None, "stdin"),
        (["./"], None, "work"),
        (["dir/sub/"], None, "sub"),
        ([".hidden"], None, ".hidden"),
        (["a.b.c"], None, "a.b"),
    ],
)
def test_python_options(run: Runner, words: list, argv: list | None, name: str) -> None:
    given = run.given(*words)
    assert given["argv"][1:] == (argv or words)
    assert given["env"]["BARROW_OUT"] == str(run.work / f"{name}.{given['pid']}.barrow")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ([], "run what?"),
        (["-X", "dev"], "run what?"),
        (["--"], "run what?"),
        (["-m"], "-m needs a value"),
        (["-c"], "-c needs a value"),
        (["-W"], "-W needs a value"),
        (["-o"], "-o needs a value"),
        (["-Z", "app.py"], "-Z is no option"),
        (["--qiet", "app.py"], "did you mean --quiet"),
        (["--scope", "sistem", "app.py"], "did you mean system"),
        (["--max-table", "many", "app.py"], "a size like 64M"),
        (["-S", "app.py"], "-S can't be recorded"),
        (["-IS", "app.py"], "-S can't be recorded"),
        (["-o", "no/such/x.barrow", "app.py"], "No such file or directory"),
        (["-o", ".", "app.py"], "is a directory"),
        (["-f", "-o", "/dev/null", "app.py"], "no plain file"),
        (["-o", "/proc/x.barrow", "app.py"], "can't write a ledger in /proc"),
        (["-o", "n" * 300, "app.py"], "File name too long"),
        (["--python", "/no/such/python", "app.py"], "there is no such program"),
    ],
)
def test_refusals(run: Runner, words: list, what: str) -> None:
    assert what in run.refuses(*words)


def test_existing_ledger_is_kept_unless_forced(run: Runner) -> None:
    ledger = run.work / "x.barrow"
    ledger.write_text("old")
    assert "x.barrow exists; -f overwrites it" in run.refuses("-o", "x.barrow", "app.py")
    assert ledger.read_text() == "old"
    given = run.given("-fo", "x.barrow", "app.py")
    assert given["files"] == []


def test_script_is_never_overwritten(run: Runner) -> None:
    script = run.work / "app.py"
    script.write_text("pass")
    assert "is the script" in run.refuses("-f", "-o", "./app.py", "app.py")
    assert script.read_text() == "pass"


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write")
def test_unwritable_directory(exe: str) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # not pytest's: others can't enter that
        place, work = Path(name, "place"), Path(name, "work")
        place.mkdir()
        work.mkdir(mode=0o555)
        Path(name).chmod(0o755)
        words = [str(Runner(exe, place, work).exe), "run", "app.py"]
        if os.geteuid() == 0:
            words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *words]
        done = subprocess.run(words, env=environment(), cwd=work, capture_output=True, check=False)
        assert done.returncode == 2
        assert "Permission denied" in one_line(done.stderr)


def test_interpreter_of_python_m_barrow(run: Runner) -> None:
    other = run.place / "other"
    run.write_program(other, STAND_IN)
    env = {"BARROW_PYTHON": str(other), "BARROW_PYTHON_OPTIONS": "-I\n-Xdev\n-W\nerror\n-O"}
    given = run.given("-B", "app.py", env=env)
    assert given["argv"] == [str(other), "-I", "-Xdev", "-W", "error", "-O", "-B", "app.py"]
    assert "BARROW_PYTHON" not in given["env"]
    assert "BARROW_PYTHON_OPTIONS" not in given["env"]
    text = run.refuses("app.py", env={"BARROW_PYTHON": str(other), "BARROW_PYTHON_OPTIONS": "-S"})
    assert "-S can't be recorded" in text


def test_interpreter_without_barrow(run: Runner) -> None:
    (run.site / "barrow.pth").unlink()
    run.write_program(run.place / "bin" / "python3.11", "#!/bin/sh\nexit 1\n")
    assert "bin/python3 has no barrow; install it there" in run.refuses("app.py")


def test_interpreter_on_path(exe: str, tmp_path: Path) -> None:
    """No interpreter beside the executable: the first on PATH that says it has barrow."""
    for name in ("alone", "without", "with", "work"):
        (tmp_path / name).mkdir()
    barrow = tmp_path / "alone" / "barrow"
    shutil.copy(exe, barrow)
    Runner.write_program(tmp_path / "without" / "python3", "#!/bin/sh\nexit 1\n")
    path = f"{tmp_path}/no-such:{tmp_path}/without:{tmp_path}/with"

    def run() -> subprocess.CompletedProcess:
        env = environment(PATH=path, BARROW_RUN="of an outer recording")
        return subprocess.run([barrow, "run", "app.py"], env=env, cwd=tmp_path / "work",
                              capture_output=True, check=False)

    done = run()
    assert done.returncode == 2
    assert "no python3 on PATH has barrow" in one_line(done.stderr)
    Runner.write_program(
        tmp_path / "with" / "python3",
        '#!/bin/sh\ncase "$1" in -c) test -z "$BARROW_RUN"; exit;; esac\necho "$0" "$@"\n',
    )
    done = run()
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == f"{tmp_path}/with/python3 app.py\n"


def test_interpreter_that_can_not_start(run: Runner) -> None:
    broken = run.place / "broken"
    run.write_program(broken, "#!/no/such/interpreter\n")
    text = run.refuses("app.py", env={"BARROW_PYTHON": str(broken)})
    assert f"can't start {broken}" in text
