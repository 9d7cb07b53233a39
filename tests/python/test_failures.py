"""A program under `barrow run` behaves as without it, whatever goes wrong; the ledger is valid.

Each case runs a program both ways and compares exit status or signal, standard output, and
standard error less barrow's closing line.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from native import target_environment
from runner import (
    Result,
    barrow_exe,
    clean_environment,
    execute,
    ledger,
    ledgers_in,
    plain,
    record,
    run_words,
    without_closing_line,
)
from truth import consistency

ALLOCATE = "kept = [bytes(1000) for _ in range(1000)]\n"


@pytest.fixture
def script(tmp_path: Path):
    def write(text: str, name: str = "program.py") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def _comparable(text: str) -> str:
    """Without what differs between any two runs, or names the modules that are loaded."""
    lines = [
        line
        for line in text.splitlines(keepends=True)
        if not line.startswith(("import time:", "Extension modules: barrow._core"))
    ]
    return re.sub(r"0x[0-9a-f]+", "0x", "".join(lines)).rstrip("\n")


def same(recorded: Result, alone: Result, closing_lines: int = 1) -> None:
    """The two ended alike; barrow said `closing_lines` lines."""
    stderr, own = without_closing_line(recorded.stderr)
    assert recorded.status == alone.status, recorded.stderr
    assert _comparable(recorded.stdout) == _comparable(alone.stdout)
    assert _comparable(stderr) == _comparable(alone.stderr)
    assert len(own) == closing_lines, own


def valid(path: Path, complete: bool, least: int = 1000033) -> None:
    book = ledger(path)
    assert consistency(book) == []
    assert book.summary["complete"] is complete
    assert book.summary["total_bytes"] >= least


# ---- ends of a program ----

ENDS = {
    "returns": ("", 0, True),
    "sys_exit_0": ("import sys; sys.exit()", 0, True),
    "sys_exit_7": ("import sys; sys.exit(7)", 7, True),
    "sys_exit_text": ("import sys; sys.exit('that was it')", 1, True),
    "system_exit_none": ("raise SystemExit", 0, True),
    "os_exit_0": ("import os; os._exit(0)", 0, True),
    "os_exit_9": ("import os; os._exit(9)", 9, True),
    "raises": ("def f():\n    raise ValueError('bad')\nf()", 1, True),
    "raises_chained": (
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e",
        1,
        True,
    ),
    "syntax_error": ("def (:\n", 1, True),
    "interrupt": ("raise KeyboardInterrupt", -signal.SIGINT, True),
    "thread_raises": (
        "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='T')\n"
        "t.start(); t.join()",
        0,
        True,
    ),
    "excepthook": (
        "import sys\nsys.excepthook = lambda *a: print('hook', a[0].__name__)\n1 / 0",
        1,
        True,
    ),
    "atexit_raises": ("import atexit\n@atexit.register\ndef f(): 1 / 0", 0, True),
    "unraisable": ("class A:\n    def __del__(self): 1 / 0\nA()", 0, True),
    "recursion": ("def f(): f()\nf()", 1, True),
    "out_of_memory": ("x = bytes(1 << 60)", 1, True),
    "abort": ("import os; os.abort()", -signal.SIGABRT, False),
    "crash": ("import known; known.crash()", -signal.SIGSEGV, False),
    "sigterm": ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, False),
    "sighup": ("import os, signal; os.kill(os.getpid(), signal.SIGHUP)", -signal.SIGHUP, False),
    "faulthandler": (
        "import faulthandler, signal\nfaulthandler.enable()\nsignal.raise_signal(signal.SIGABRT)",
        -signal.SIGABRT,
        False,
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_end(name: str, script, tmp_path: Path) -> None:
    ending, status, complete = ENDS[name]
    path = script(ALLOCATE + ending)
    output = tmp_path / "out.barrow"
    env = target_environment()
    recorded, alone = record(output, path, env=env), plain(path, env=env)
    assert alone.status == status
    # Nobody is left to say the closing line after a fatal signal.
    closing = 0 if status < 0 and status != -signal.SIGINT else 1
    if name.startswith("os_exit"):
        closing = len(without_closing_line(recorded.stderr)[1])
        assert closing <= 1
    same(recorded, alone, closing)
    valid(output, complete, 0 if name == "syntax_error" else 1000033)


def test_missing_script(tmp_path: Path) -> None:
    recorded = record(tmp_path / "out.barrow", tmp_path / "nothing.py")
    alone = plain(tmp_path / "nothing.py")
    assert recorded.status == alone.status == 2
    assert recorded.stdout == ""
    assert "nothing.py" in recorded.stderr


def test_missing_module(tmp_path: Path) -> None:
    recorded = record(tmp_path / "out.barrow", "-m", "no_such_module_here")
    alone = plain("-m", "no_such_module_here")
    assert recorded.status == alone.status == 1
    assert without_closing_line(recorded.stderr)[0] == alone.stderr


def test_interrupted_by_the_terminal(script, tmp_path: Path) -> None:
    """SIGINT from outside while the program sleeps: KeyboardInterrupt, and its traceback."""
    path = script(ALLOCATE + "print('ready', flush=True)\nimport time\ntime.sleep(60)\n")
    outcomes = []
    for words in (run_words(tmp_path / "out.barrow"), [sys.executable]):
        process = subprocess.Popen(
            [*words, str(path)],
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        outcomes.append(Result(process.returncode, out.decode(), err.decode()))
    same(*outcomes)
    assert outcomes[1].status == -signal.SIGINT
    valid(tmp_path / "out.barrow", complete=True)


def test_terminated_from_outside(script, tmp_path: Path) -> None:
    path = script(ALLOCATE + "print('ready', flush=True)\nimport time\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [*run_words(tmp_path / "out.barrow"), str(path)],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"ready\n"
    process.terminate()
    assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == -signal.SIGTERM
    valid(tmp_path / "out.barrow", complete=False)


def test_signal_handlers_are_the_programs(script, tmp_path: Path) -> None:
    """What handlers are set, and what signals are blocked, is as without barrow."""
    path = script(
        "import signal\n"
        "for s in sorted(signal.valid_signals()):\n"
        "    print(int(s), signal.getsignal(s))\n"
        "print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))\n"
    )
    same(record(tmp_path / "out.barrow", path), plain(path))


# ---- the program's surroundings ----

PROBE = """
import os, sys, warnings, threading, gc, locale, resource
print(sys.argv, ''.join(sys.orig_argv[1:]), sys.executable, sys.prefix)
print(sys.flags, sys._xoptions, sys.warnoptions)
print(warnings.filters)
print(sys.path)
print(__name__, __file__, __spec__ and __spec__.name, sorted(k for k in globals()))
print(os.getcwd(), threading.active_count(), gc.get_threshold(), gc.isenabled())
print(sorted(n for n in sys.modules if n.partition('.')[0] not in ('barrow', 'atexit', 'gc')))
print(sys.gettrace(), sys.getprofile(), sys.getswitchinterval(), sys.getrecursionlimit())
print(sys.stdin.encoding, sys.stdout.encoding, sys.stdout.line_buffering, locale.getlocale())
print(resource.getrlimit(resource.RLIMIT_FSIZE), os.getppid() == int(sys.argv[1]))
print(sorted(os.listdir('/proc/self/fd'))[:3], os.environ.get('PYTHONHASHSEED'))
print(len(gc.callbacks) if '--callbacks' in sys.argv else '')
"""

FLAGS = [
    (),
    ("-O",),
    ("-OO", "-B"),
    ("-W", "error"),
    ("-X", "dev"),
    ("-X", "utf8", "-u"),
    ("-X", "importtime"),
    ("-I",),
    ("-X", "tracemalloc"),
    ("-X", "faulthandler"),
    ("-P",),
    ("-s", "-E"),
    ("-bb", "-X", "int_max_str_digits=0"),
]


@pytest.mark.parametrize("flags", FLAGS, ids=lambda flags: "".join(flags) or "none")
def test_surroundings(flags: tuple[str, ...], script, tmp_path: Path) -> None:
    path = script(PROBE)
    words = (path, os.getpid(), "--an-option", "an argument")
    recorded = record(tmp_path / "out.barrow", *words, options=flags, cwd=tmp_path)
    alone = plain(*flags, *words, cwd=tmp_path)
    assert alone.status == 0, alone.stderr
    same(recorded, alone)


@pytest.mark.parametrize("flags", [(), ("-X", "dev", "-W", "error"), ("-O",)], ids=str)
def test_python_dash_m_barrow(flags: tuple[str, ...], script, tmp_path: Path) -> None:
    """`python OPTIONS -m barrow run …` is `barrow run OPTIONS …`."""
    path = script(PROBE)
    words = [str(path), str(os.getpid()), "more"]
    run = ["-m", "barrow", "run", "-o", str(tmp_path / "out.barrow")]
    recorded = execute([sys.executable, *flags, *run, *words], cwd=tmp_path)
    alone = plain(*flags, *words, cwd=tmp_path)
    same(recorded, alone)


def test_module_and_command(script, tmp_path: Path) -> None:
    script(PROBE, "probe.py")
    words = (os.getpid(), "-x", "--", "y")
    for program in (("-m", "probe"), ("-c", PROBE.replace("__file__", "0"))):
        output = tmp_path / f"{program[0]}.barrow"
        recorded = record(output, *program, *words, cwd=tmp_path)
        same(recorded, plain(*program, *words, cwd=tmp_path))


def test_package_and_zip(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("import sys\nprint(sys.argv, __package__, __file__)\n")
    for program in (("-m", "package"), (package,)):
        output = tmp_path / f"{len(program)}.barrow"
        same(record(output, *program, 1, cwd=tmp_path), plain(*program, 1, cwd=tmp_path))


def test_input_and_output(script, tmp_path: Path) -> None:
    path = script("import sys\nfor line in sys.stdin: print(line[::-1].strip(), file=sys.stderr)\n")
    given = {"input": b"one\ntwo\n"}
    same(record(tmp_path / "out.barrow", path, **given), plain(path, **given))


def test_script_on_standard_input(tmp_path: Path) -> None:
    text = {"input": b"import sys\nprint(sys.argv, __name__)\n"}
    recorded, alone = record(tmp_path / "out.barrow", "-", "a", **text), plain("-", "a", **text)
    same(recorded, alone)


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
def test_closed_streams(closed: tuple[int, ...], script, tmp_path: Path) -> None:
    """A ledger must not land on descriptor 0, 1 or 2, nor a message in the program's file."""
    path = script(
        ALLOCATE + "import os, sys\n"
        "fds = [os.open(sys.argv[1] + str(n), os.O_CREAT | os.O_RDWR) for n in range(3)]\n"
        "for fd in fds: os.write(fd, b'mine')\n"
        "os._exit(0) if '_exit' in sys.argv else None\n"
    )
    for n, words in enumerate((run_words(tmp_path / "out.barrow"), [])):
        target = tmp_path / f"file{n}-"
        command = [*words, *([] if words else [sys.executable]), str(path), str(target)]
        shut = " ".join(f"{fd}{'<' if fd == 0 else '>'}&-" for fd in closed)
        done = execute(["/bin/sh", "-c", f"exec {shlex.join(command)} {shut}"])
        assert done.status == 0, done.stderr
        assert done.stdout == ""
        for k in range(3):
            assert Path(f"{target}{k}").read_bytes() == b"mine"
    valid(tmp_path / "out.barrow", complete=True)


def test_descriptors_are_not_leaked(script, tmp_path: Path) -> None:
    """The program's first descriptor is the same, and its children inherit none of barrow's."""
    path = script(
        "import os, subprocess\n"
        "print(os.open('/dev/null', os.O_RDONLY))\n"
        "print(subprocess.run(['ls', '/proc/self/fd'], close_fds=False,"
        " stdout=subprocess.PIPE).stdout)\n"
    )
    same(record(tmp_path / "out.barrow", path), plain(path))


def test_program_closes_all_descriptors(script, tmp_path: Path) -> None:
    path = script(
        "import os\nos.closerange(3, 1000)\n"
        "first = os.open(__file__, os.O_RDONLY)\n" + ALLOCATE + "print(os.read(first, 9))\n"
    )
    same(record(tmp_path / "out.barrow", path), plain(path))
    valid(tmp_path / "out.barrow", complete=True)


def test_daemon(script, tmp_path: Path) -> None:
    """Forks twice, leaves its session and closes everything: each process keeps its ledger."""
    path = script(
        "import os, sys\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid(); os.chdir('/')\n"
        "if os.fork(): os._exit(0)\n"
        "os.closerange(0, 1000)\n"
        "for _ in range(3): os.open(os.devnull, os.O_RDWR)\n"
        + ALLOCATE
        + "with open(sys.argv[1], 'w') as f: f.write('done')\n"
    )
    flag = tmp_path / "flag"
    assert record(tmp_path / "out.barrow", path, flag).status == 0
    deadline = time.monotonic() + 20
    while not flag.exists():
        assert time.monotonic() < deadline, "the daemon did not finish"
        time.sleep(0.02)
    time.sleep(0.5)
    files = ledgers_in(tmp_path)
    assert len(files) == 3
    for file in files:
        assert ledger(file).summary["complete"] is True, file
    totals = [ledger(file).value("total", "domain", domain="obj")[0] for file in files]
    assert sum(total > 1000000 for total in totals) == 1


# ---- messages ----


def test_closing_line(script, tmp_path: Path) -> None:
    path = script(ALLOCATE)
    done = record(tmp_path / "out.barrow", path)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("barrow: ")
    assert "out.barrow" in done.stderr


def test_quiet(script, tmp_path: Path) -> None:
    path = script(ALLOCATE)
    same(record(tmp_path / "out.barrow", path, options=("-q",)), plain(path), 0)


def test_only_the_root_speaks(script, tmp_path: Path) -> None:
    path = script(
        "import os, subprocess, sys\n"
        "pid = os.fork()\n"
        "if pid: os.waitpid(pid, 0); subprocess.run([sys.executable, '-c', 'print(1)'])\n"
    )
    same(record(tmp_path / "out.barrow", path), plain(path))


# ---- the ledger's file ----


def test_default_name(script, tmp_path: Path) -> None:
    path = script("import os\nprint(os.getpid())\n", "an app.py")
    python = ["--python", sys.executable]
    done = execute([barrow_exe(), "run", *python, str(path)], cwd=tmp_path)
    assert ledgers_in(tmp_path) == [tmp_path / f"an app.{int(done.stdout)}.barrow"]
    for program, stem in ((("-m", "this"), "this"), (("-c", "pass"), "c")):
        directory = tmp_path / stem
        directory.mkdir()
        execute([barrow_exe(), "run", *python, *program], cwd=directory)
        (only,) = ledgers_in(directory)
        assert re.fullmatch(rf"{stem}\.\d+\.barrow", only.name)


def test_mode(script, tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        path = script("import os\nif os.fork(): os.wait()\n")
        record(tmp_path / "out.barrow", path)
    finally:
        os.umask(previous)
    files = ledgers_in(tmp_path)
    assert len(files) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_existing_file(script, tmp_path: Path) -> None:
    path = script("print('ran')\n" + ALLOCATE)
    output = tmp_path / "out.barrow"
    output.write_text("precious")
    done = record(output, path)
    assert done.status == 2
    assert done.stdout == ""
    assert done.stderr.startswith("barrow: ")
    assert len(done.stderr.splitlines()) == 1
    assert output.read_text() == "precious"
    done = record(output, path, options=("-f",))
    assert (done.status, done.stdout) == (0, "ran\n")
    valid(output, complete=True)


@pytest.mark.parametrize("place", ["no/such/directory/out.barrow", "a_file/out.barrow", "."])
def test_unwritable_path(place: str, script, tmp_path: Path) -> None:
    """Said before the program starts."""
    path = script("print('ran')\n")
    (tmp_path / "a_file").write_text("")
    done = record(tmp_path / place, path)
    assert done.status == 2
    assert done.stdout == ""
    assert done.stderr.startswith("barrow: ")
    assert len(done.stderr.splitlines()) == 1


def test_output_is_a_device(script, tmp_path: Path) -> None:
    """What can't be mapped: a refusal, or a fallback; never a changed program."""
    path = script("print('ran')\n")
    done = record("/dev/null", path, options=("-f",))
    assert (done.status, done.stdout) in ((2, ""), (0, "ran\n"))
    assert Path("/dev/null").is_char_device()


def test_unrelated_working_directory(script, tmp_path: Path) -> None:
    """A relative FILE is one of the directory `barrow run` was started in."""
    path = script("import os\nos.chdir('/')\nif os.fork(): os.wait()\n" + ALLOCATE)
    execute([*run_words("rel.barrow"), str(path)], cwd=tmp_path)
    assert len(ledgers_in(tmp_path)) == 2
    valid(tmp_path / "rel.barrow", complete=True)


def test_ledger_is_removed_meanwhile(script, tmp_path: Path) -> None:
    path = script(f"import os\nos.unlink({str(tmp_path / 'out.barrow')!r})\n" + ALLOCATE)
    recorded = record(tmp_path / "out.barrow", path)
    path = script(ALLOCATE)
    same(recorded, plain(path))


# ---- no space ----

# Needs tables well beyond what a small file system or limit leaves: 40,000 stacks.
GROW = """
import sys
def tree(depth, out):
    if depth == 0:
        out.append(bytes(100))
        return
    tree(depth - 1, out)
    tree(depth - 1, out)
out = []
tree(15, out)
print(len(out), sum(map(len, out)))
"""


@contextlib.contextmanager
def small_disk(directory: Path, size: str) -> Iterator[Path]:
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "barrow-test", str(directory)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no right to mount: {mounted.stderr.decode().strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def ended_early(path: Path) -> None:
    summary = ledger(path).summary
    assert summary["complete"] is False
    assert summary["dropped"]["ended_early"] == 1
    assert consistency(ledger(path)) == []
    assert summary["allocations"] > 0


@pytest.mark.parametrize("size", ["2M", "3M", "4M"])
def test_disk_runs_full(size: str, script, tmp_path: Path) -> None:
    path = script(GROW)
    with small_disk(tmp_path / "disk", size) as disk:
        recorded = record(disk / "out.barrow", path)
        same(recorded, plain(path))
        ended_early(disk / "out.barrow")


@pytest.mark.parametrize("size", ["4K", "64K", "256K"])
def test_disk_is_full_from_the_start(size: str, script, tmp_path: Path) -> None:
    """Nothing can be recorded: said in one line, before or instead of the closing line."""
    path = script(GROW)
    with small_disk(tmp_path / "disk", size) as disk:
        done = record(disk / "out.barrow", path)
        assert len(without_closing_line(done.stderr)[1]) == 1
        assert (done.status, done.stdout) in ((2, ""), (0, plain(path).stdout))


@pytest.mark.parametrize("kilobytes", [300, 1000, 3000])
def test_file_size_limit(kilobytes: int, script, tmp_path: Path) -> None:
    """RLIMIT_FSIZE: no SIGXFSZ in the program, which may still write its own files."""
    path = script(
        "import resource, signal\n"
        f"limit = {kilobytes} * 1024\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        + GROW
        + "print(signal.getsignal(signal.SIGXFSZ), signal.sigpending())\n"
        + "import tempfile, os\nwith tempfile.TemporaryFile(buffering=0) as f:\n"
        + "    try:\n        f.write(bytes(limit - 1))\n        f.write(bytes(10000))\n"
        + "        print(f.write(bytes(2)))\n    except OSError as e: print(e)\n"
    )
    same(record(tmp_path / "out.barrow", path), plain(path))
    ended_early(tmp_path / "out.barrow")


def test_file_size_limit_from_the_start(script, tmp_path: Path) -> None:
    path = script(GROW)
    command = shlex.join([*run_words(tmp_path / "out.barrow"), str(path)])
    recorded = execute(["/bin/bash", "-c", f"ulimit -f 2000; exec {command}"])
    same(recorded, plain(path))
    ended_early(tmp_path / "out.barrow")


def test_address_space_limit(script, tmp_path: Path) -> None:
    """RLIMIT_AS: the recorder reserves less; the program runs as far as it does without barrow."""
    path = script(
        ALLOCATE + "kept = bytes(50 << 20)\nprint('fits')\n"
        "try:\n    bytes(4 << 30)\nexcept MemoryError:\n    print('too much')\n"
    )
    results = []
    for words in (
        run_words(tmp_path / "out.barrow"),
        [sys.executable],
    ):
        command = shlex.join([*words, str(path)])
        results.append(execute(["/bin/bash", "-c", f"ulimit -v 1000000; exec {command}"]))
    same(*results)
    assert results[0].stdout == "fits\ntoo much\n"
    valid(tmp_path / "out.barrow", complete=True)


def test_descriptor_limit(script, tmp_path: Path) -> None:
    """The program uses up its descriptors: barrow does without more of them."""
    path = script(
        "import os\nfds = []\ntry:\n    while True: fds.append(os.open('/dev/null', os.O_RDONLY))\n"
        "except OSError as e: print(e.errno)\nprint(len(fds))\n" + GROW + "pid = os.fork()\n"
        "if pid: print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    same(record(tmp_path / "out.barrow", path), plain(path))
    valid(tmp_path / "out.barrow", complete=True)
