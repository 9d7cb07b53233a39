"""barrow.watch() in programs that fork, and censuses in ledgers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from runner import barrow_exe, execute, ledger, ledgers_in, plain, record
from watch_programs import config, facts


def census(*paths: Path) -> dict[str, Any]:
    done = execute([barrow_exe(), "census", "--json", *map(str, paths)])
    assert done.status == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def row_of(said: dict[str, Any], name: str) -> dict[str, Any]:
    (row,) = [row for row in said["rows"] if row["class"] == name]
    return dict(row)


# ---- forks ----


def test_fork_without_a_warning(tmp_path: Path) -> None:
    """Warnings are errors here: interpreters from 3.12 on warn of forking with threads."""
    said = facts(
        tmp_path,
        "import warnings; warnings.simplefilter('error')\n"
        "seen = []\n"
        "class Hook:\n"
        "    def __call__(self): seen.append(sum(i for i in range(1000)))\n"  # Python code within the call of fork
        "barrow.watch(CONFIG)\nos.register_at_fork(after_in_parent=Hook())\nquick(0.005)\n"
        "children = []\n"
        "for i in range(60):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        records.clear(); os._exit(0 if threads() == 2 and wait(lambda: len(records) >= 2) else 1)\n"
        "    children.append(pid)\n    time.sleep(0.001 * (i % 5))\n"
        "    if len(children) == 10:\n"
        "        for pid in children: assert os.waitpid(pid, 0)[1] == 0\n"
        "        children.clear()\n"
        "n = len(records); went_on = wait(lambda: len(records) > n + 5)\n"
        "say(n=n, went_on=went_on, threads=threads(), seen=len(seen))\n",
    )
    assert said["n"] > 5
    assert said["went_on"] is True
    assert said["threads"] == 2
    assert said["seen"] == 60


def test_forks_do_not_put_the_parents_beat_off(tmp_path: Path) -> None:
    """A master that forks more often than the interval still logs."""
    said = facts(
        tmp_path,
        "barrow.watch(CONFIG); quick(0.3); start = time.monotonic()\n"
        "while time.monotonic() - start < 2:\n"
        "    if os.fork() == 0: os._exit(0)\n"
        "    os.wait(); time.sleep(0.02)\n"
        "say(n=len(records))\n",
    )
    assert 4 <= said["n"] <= 7


def test_fork_from_another_thread(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "import warnings; warnings.simplefilter('ignore')\n"
        "barrow.watch(CONFIG); quick()\n"
        "def work():\n"
        "    pid = os.fork()\n"
        "    if pid == 0: records.clear(); os._exit(0 if wait(lambda: len(records) >= 2) else 1)\n"
        "    result.append(os.waitpid(pid, 0)[1])\n"
        "result = []; t = threading.Thread(target=work); t.start()\n"
        "t.join(); n = len(records); say(result=result, on=wait(lambda: len(records) > n + 2))\n",
    )
    assert said == {"result": [0], "on": True}


def test_fork_within_a_record(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "import warnings; warnings.simplefilter('ignore')\n"
        "class Fork(logging.Handler):\n"
        "    def emit(self, record):\n"
        "        if pids: return\n"
        "        pid = os.fork()\n"
        "        if pid == 0: os._exit(7)\n"
        "        pids.append(pid); result.append(os.waitpid(pid, 0)[1])\n"
        "pids, result = [], []\n"
        "logger.addHandler(Fork()); barrow.watch(CONFIG); quick()\n"
        "say(on=wait(lambda: result and len(records) >= 4), result=result)\n",
    )
    assert said == {"on": True, "result": [7 << 8]}


def test_a_handler_that_blocks_delays_a_fork_by_a_second_at_most(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "import warnings; warnings.simplefilter('ignore')\n"
        "gate = threading.Event()\n"
        "class Block(logging.Handler):\n    def emit(self, record): gate.wait()\n"
        "logger.addHandler(Block()); barrow.watch(CONFIG); quick(); wait(lambda: records)\n"
        "start = time.monotonic(); pid = os.fork()\n"
        "if pid == 0: os._exit(0)\n"
        "took = time.monotonic() - start; os.waitpid(pid, 0); gate.set()\n"
        "n = len(records); say(took=took, on=wait(lambda: len(records) > n + 2))\n",
    )
    assert said["took"] < 3
    assert said["on"] is True


def test_multiprocessing(tmp_path: Path) -> None:
    for method in ("fork", "spawn"):
        said = facts(
            tmp_path,
            "import multiprocessing, warnings; warnings.simplefilter('error')\n"
            "def work(i):\n"
            "    import barrow._watch as w\n    return w._current is not None and w._current.running, threads()\n"
            "if __name__ == '__main__':\n"
            f"    with multiprocessing.get_context('{method}').Pool(2) as pool: got = pool.map(work, range(2))\n"
            "    say(got=got)\n",
            env={"BARROW_CONFIG": str(config(tmp_path / "app.yaml"))},
        )
        assert all(running for running, _ in said["got"])


# Like a pre-fork server: it loads, forks workers, starts those anew that end, and ends on a signal.
PREFORK = """
import signal
def worker(n):
    class Session: pass
    sessions = [Session() for _ in range(1000 * n)]
    quick(0.05); records.clear()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    wait(lambda: len(records) >= 4)
    print(os.getpid(), n, records[-1].getMessage().count(f"Session: {1000 * n:,} objects"), flush=True)
    while True: time.sleep(0.05)
def start(n):
    pid = os.fork()
    if pid == 0:
        worker(n); os._exit(1)
    return pid
watch = barrow.watch(sys.argv[1]); quick(0.05)
workers = [start(n) for n in (1, 2, 3)]
wait(lambda: len(records) >= 6); time.sleep(1)
for pid in workers: os.kill(pid, signal.SIGTERM)
states = [os.waitpid(pid, 0)[1] for pid in workers]
say(states=states, running=watch.running, pid=os.getpid(), workers=workers)
"""


def test_prefork(tmp_path: Path) -> None:
    file = tmp_path / "server.py"
    from watch_programs import PRELUDE

    file.write_text(PRELUDE + PREFORK)
    path = config(tmp_path / "app.yaml", ledger=tmp_path / "app.barrow")
    result = plain("-W", "error", file, path, cwd=tmp_path)
    assert (result.status, result.stderr) == (0, ""), result.stderr
    *lines, last = result.stdout.splitlines()
    said = json.loads(last)
    assert said["states"] == [0, 0, 0]
    assert said["running"] is True
    assert sorted(line.split()[1:] for line in lines) == [["1", "1"], ["2", "1"], ["3", "1"]]
    # A ledger each, of one run.
    assert {p.name for p in ledgers_in(tmp_path)} == {"app.barrow"} | {f"app.{pid}.barrow" for pid in said["workers"]}
    book = census(*ledgers_in(tmp_path))
    assert book["processes"] == 4
    assert row_of(book, "__main__.worker.<locals>.Session")["max_objects"] == 6000
    assert census(tmp_path / "app.barrow")["processes"] == 1


def test_fork_in_c(tmp_path: Path) -> None:
    """As servers in C do.  Until 3.12 they needn't have the hooks run that belong before a fork."""
    said = facts(
        tmp_path,
        "import ctypes; libc = ctypes.PyDLL(None)\n"
        "barrow.watch(CONFIG); quick(); wait(lambda: records)\n"
        "if sys.version_info >= (3, 13): ctypes.pythonapi.PyOS_BeforeFork()\n"
        "pid = libc.fork()\n"
        "if pid == 0:\n"
        "    ctypes.pythonapi.PyOS_AfterFork_Child(); records.clear()\n"
        "    os._exit(0 if wait(lambda: len(records) >= 3) else 1)\n"
        "if sys.version_info >= (3, 13): ctypes.pythonapi.PyOS_AfterFork_Parent()\n"
        "status = os.waitpid(pid, 0)[1]; n = len(records)\n"
        "say(status=status, on=wait(lambda: len(records) > n + 2))\n",
    )
    assert said == {"status": 0, "on": True}


# ---- ledgers ----

GROWING = (
    "class Leak:\n    def __init__(self, i): self.i = i\n"
    "leaks = []; watch = barrow.watch(CONFIG)\n"
    "for _ in range(5):\n    leaks += [Leak(i) for i in range(1000)]; watch.census(); time.sleep(0.05)\n"
    "say(ledger=watch.ledger)\n"
)


def test_ledger_of_its_own(tmp_path: Path) -> None:
    name = "CONFIG['general']['monitoring']['memory_profiling']['ledger'] = 'app.barrow'\n"
    said = facts(tmp_path, name + GROWING)
    path = tmp_path / "app.barrow"
    assert said["ledger"] == str(path)
    book = census(path)
    assert (book["censuses"], book["scope"]) == (5, "tracked")
    assert book["rows"][0]["class"] == "__main__.Leak"
    row = book["rows"][0]
    assert (row["first_objects"], row["last_objects"], row["max_objects"]) == (1000, 5000, 5000)
    assert row["last_bytes"] == pytest.approx(5 * row["first_bytes"], rel=0.1) and row["last_bytes"] > 400_000
    assert 0 < book["longest_pause_s"] < 1
    summary = ledger(path).summary
    assert summary["complete"] is True
    assert summary["command"].endswith("service.py")
    text = execute([barrow_exe(), "census", str(path)])
    assert re.search(r"^classes over time: 5 censuses in ", text.stdout)
    # A second run takes a name of its own, an ended watch leaves a whole ledger.
    again = facts(tmp_path, name + GROWING + "watch.stop()\n")
    assert re.fullmatch(r".*/app\.\d+\.barrow", again["ledger"])
    assert census(Path(again["ledger"]))["censuses"] == 5


def test_ledger_of_a_recording(tmp_path: Path) -> None:
    """Censuses go there by themselves; the recording's figures don't count what they need."""
    path = config(tmp_path / "app.yaml", interval_seconds=10)
    file = tmp_path / "app.py"
    file.write_text(
        "import os, sys, time, barrow._watch as w\n"
        "class Item:\n    def __init__(self): self.x = 1\n"
        "items = [Item() for _ in range(4000)]\n"
        "w._current.census(); pid = os.fork()\n"
        "if pid == 0:\n"
        "    del items[1000:]; w._current.census(); sys.exit(0)\n"
        "os.waitpid(pid, 0); items.clear(); w._current.census()\n"
    )
    output = tmp_path / "out.barrow"
    done = record(output, file, env={"BARROW_CONFIG": str(path)}, cwd=tmp_path)
    assert done.status == 0, done.stderr
    books = ledgers_in(tmp_path)
    assert len(books) == 2
    root = row_of(census(output), "__main__.Item")
    assert (root["first_objects"], root["last_objects"]) == (4000, 0)
    (child,) = [book for book in books if book != output]
    assert row_of(census(child), "__main__.Item")["last_objects"] == 1000
    both = census(tmp_path)
    assert both["processes"] == 2
    assert row_of(both, "__main__.Item")["max_objects"] == 5000
    for book in books:
        assert ledger(book).summary["complete"] is True


def test_both_ledgers(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "CONFIG['general']['monitoring']['memory_profiling']['ledger'] = 'own.barrow'\n"
        "recording = barrow.record('run.barrow'); recording.start(); watch = barrow.watch(CONFIG)\n"
        "watch.census(); watch.census(); recording.stop(); watch.census()\nsay(ok=True)\n",
    )
    assert said == {"ok": True}
    assert census(tmp_path / "run.barrow")["censuses"] == 2
    assert census(tmp_path / "own.barrow")["censuses"] == 3


def test_a_killed_service_keeps_its_censuses(tmp_path: Path) -> None:
    path = config(tmp_path / "app.yaml", ledger=tmp_path / "app.barrow")
    program = "import os, barrow._watch as w\nfor _ in range(4): w._current.census()\nos.kill(os.getpid(), 9)\n"
    result = plain("-c", program, env={"BARROW_CONFIG": str(path)}, cwd=tmp_path)
    assert result.status == -9
    assert census(tmp_path / "app.barrow")["censuses"] == 4


def test_recording_is_silent_about_watching(tmp_path: Path) -> None:
    """What the program owns is the same with censuses: what they need is given back, outside of the figures."""
    text = "blocks = [bytearray(1000) for _ in range(2000)]\n{}"
    totals = []
    for i, more in enumerate(("", "from barrow import _core\nfor _ in range(20): _core.watch_census(False, 0)\n")):
        file = tmp_path / "same.py"
        file.write_text(text.format(more))
        done = record(tmp_path / f"{i}.barrow", file)
        assert done.status == 0, done.stderr
        totals.append(ledger(tmp_path / f"{i}.barrow"))
    (plain_book, watched) = (
        book.value("leaked", by="function", function="<module>", file=str(tmp_path / "same.py")) for book in totals
    )
    assert watched[0] - plain_book[0] < 4096, (plain_book, watched)
    assert totals[1].summary["unknown_frees"] <= totals[0].summary["unknown_frees"] + 20
