"""Processes: fork, multiprocessing, exec, subprocess, posix_spawn; each has its own ledger."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from native import target_environment
from runner import (
    Ledger,
    Result,
    barrow_exe,
    execute,
    ledger,
    ledgers_in,
    plain,
    record,
    without_closing_line,
)
from truth import consistency


@pytest.fixture
def run(tmp_path: Path):
    """Records a program as tree.barrow, with warnings as errors, and compares with a plain run."""

    def go(
        text: str, *args: object, options: tuple[str, ...] = (), closing: int = 1, **rest: object
    ) -> Result:
        path = tmp_path / "tree.py"
        path.write_text(text)
        env = target_environment()
        flags = ("-W", "error", "-X", "dev")
        alone = plain(*flags, path, *args, env=env, **rest)
        output = tmp_path / "tree.barrow"
        recorded = record(output, path, *args, options=(*options, *flags), env=env, **rest)
        stderr, own = without_closing_line(recorded.stderr)
        pids = re.compile(r"pid=\d+")
        assert recorded.status == alone.status == 0, recorded.stderr
        assert stderr == alone.stderr
        assert len(own) == closing
        assert pids.sub("", recorded.stdout) == pids.sub("", alone.stdout)
        return recorded

    return go


def tree(tmp_path: Path) -> dict[str, Ledger]:
    """The ledgers by what is between `tree.` and `.barrow`; "" is the root's."""
    found = {}
    for path in ledgers_in(tmp_path):
        name = re.fullmatch(r"tree(?:\.(.+))?\.barrow", path.name)
        assert name, path
        found[name[1] or ""] = ledger(path)
    for book in found.values():
        assert consistency(book) == []
        assert book.summary["complete"] is True
    return found


def leaks(book: Ledger, function: str) -> tuple[int, int]:
    return book.value("leaked", by="function", function=function, domain="malloc")


def test_fork_once(run, tmp_path: Path) -> None:
    recorded = run(
        "import os, known\n"
        "def before():\n    for slot in range(100): known.malloc(slot, 1000)\n"
        "def child():\n    for slot in range(50): known.free(slot); known.leak(300)\n"
        "def parent():\n    for slot in range(10): known.free(slot); known.leak(70)\n"
        "before()\n"
        "pid = os.fork()\n"
        "if pid == 0:\n    child(); os._exit(0)\n"
        "os.waitpid(pid, 0)\nparent()\nprint(f'pid={pid}')\n"
    )
    books = tree(tmp_path)
    (pid,) = re.findall(r"pid=(\d+)", recorded.stdout)
    assert sorted(books) == ["", pid]
    root, child = books[""], books[pid]
    assert leaks(root, "before") == (90000, 90)
    assert leaks(root, "parent") == (700, 10)
    assert leaks(root, "child") == (0, 0)
    assert leaks(child, "child") == (15000, 50)
    assert leaks(child, "parent") == (0, 0)
    # What the parent had is a column of its own, left out of the child's rows.
    assert leaks(child, "before") == (0, 0)
    assert root.summary["pid"] != child.summary["pid"] == int(pid)
    merged = ledger(tmp_path)
    assert leaks(merged, "before") == (90000, 90)
    assert leaks(merged, "parent") == (700, 10)
    assert leaks(merged, "child") == (15000, 50)
    assert consistency(merged) == []


def test_merged_sums(run, tmp_path: Path) -> None:
    """Five children: merged totals are the sums, the peak is that of the summed series."""
    run(
        "import os, known\n"
        "def work(n):\n    known.malloc(0, n * 1000000)\n    known.free(0)\n    known.leak(n)\n"
        "for n in range(1, 6):\n"
        "    if not os.fork():\n        work(n)\n        os._exit(0)\n"
        "    os.wait()\n"
    )
    books = tree(tmp_path)
    assert len(books) == 6
    merged = ledger(tmp_path)
    for key in ("total_bytes", "allocations", "frees", "live_bytes", "live_blocks"):
        assert merged.summary[key] == sum(book.summary[key] for book in books.values()), key
    assert merged.value("total", by="function", function="work", domain="malloc")[0] == 15000015
    assert leaks(merged, "work") == (15, 5)
    peaks = [book.summary["peak_bytes"] for book in books.values()]
    assert max(peaks) <= merged.summary["peak_bytes"] <= sum(peaks)


def test_parent_goes_on_at_once(run, tmp_path: Path) -> None:
    """What the parent does after the fork is not in the child's ledger, however fast it is."""
    run(
        "import os, gc, known\n"
        "gc.disable()\n"
        "def fill():\n    for slot in range(1000): known.malloc(slot, 1000)\n"
        "def churn(turn):\n"
        "    for slot in range(1000): known.free(slot)\n"
        "    exec(compile('known.pairs(1, 10)\\n' * 300, f'<churn {turn}>', 'exec'))\n"
        "    fill()\n"
        "def child():\n    known.leak(5)\n    os._exit(0)\n"
        "fill()\n"
        "for turn in range(12):\n"
        "    pid = os.fork()\n"
        "    if pid == 0: child()\n"
        "    churn(turn)\n"
        "    os.waitpid(pid, 0)\n"
    )
    books = tree(tmp_path)
    children = [book for name, book in books.items() if name]
    assert len(children) == 12
    for book in children:
        assert {row["function"] for row in book.rows("total")} <= {"child", "<module>", ""}
        assert leaks(book, "child") == (5, 1)
        assert 1000 * 1000 < book.summary["inherited_bytes"] < 1000 * 1000 + 3000000
        assert book.summary["inherited_blocks"] > 1000


def test_fork_tree(run, tmp_path: Path) -> None:
    """Children of children, three levels deep: 1 + 2 + 4 + 8 processes."""
    run(
        "import os, known\n"
        "def work(level): known.leak(1000 + level)\n"
        "def node(level):\n"
        "    work(level)\n"
        "    if level < 3:\n"
        "        for _ in range(2):\n"
        "            pid = os.fork()\n"
        "            if pid == 0:\n                node(level + 1)\n                os._exit(0)\n"
        "            os.waitpid(pid, 0)\n"
        "node(0)\n"
    )
    books = tree(tmp_path)
    assert len(books) == 15
    for book in books.values():
        assert leaks(book, "work")[1] == 1
    expected = sum((1000 + level) * 2**level for level in range(4))
    assert leaks(ledger(tmp_path), "work") == (expected, 15)


def test_fork_from_a_thread_while_others_allocate(run, tmp_path: Path) -> None:
    """No deadlock, no corruption, in 20 forks under load.  (The fork warning is the program's.)"""
    run(
        "import os, threading, warnings, known\n"
        "warnings.simplefilter('ignore')\n"
        "stop = False\n"
        "def load():\n    while not stop: known.pairs(1000, 100); [bytes(n) for n in range(50)]\n"
        "def child():\n"
        "    known.pairs(100, 10)\n    known.leak(55)\n"
        "    t = threading.Thread(target=known.leak, args=(45,))\n    t.start(); t.join()\n"
        "    os._exit(3)\n"
        "threads = [threading.Thread(target=load) for _ in range(4)]\n"
        "for t in threads: t.start()\n"
        "for _ in range(20):\n"
        "    pid = os.fork()\n"
        "    if pid == 0: child()\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
        "stop = True\n"
        "for t in threads: t.join()\n"
    )
    books = [ledger(path) for path in ledgers_in(tmp_path)]
    assert len(books) == 21
    for book in books:
        assert consistency(book) == []
    assert sum(leaks(book, "child")[0] for book in books) == 20 * 55


def test_fork_does_not_warn(run, tmp_path: Path) -> None:
    """A program of one thread forks without `This process is multi-threaded` (3.12 and later)."""
    run(
        "import os, time, threading\n"
        "time.sleep(0.3)\n"
        "for _ in range(10):\n"
        "    pid = os.fork()\n"
        "    if pid == 0: os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "    time.sleep(0.05)\n"
        "print(threading.active_count())\n"
    )
    assert len(tree(tmp_path)) == 11


def test_child_goes_on_recording_in_time(run, tmp_path: Path) -> None:
    """A child that works for a while has samples of its own, and a peak."""
    run(
        "import os, time, known\n"
        "def work():\n    known.malloc(0, 50000000)\n    time.sleep(0.3)\n    known.free(0)\n"
        "if os.fork() == 0:\n    work()\n    os._exit(0)\n"
        "os.wait()\n"
    )
    books = tree(tmp_path)
    child = next(book for name, book in books.items() if name)
    assert 50000000 <= child.summary["peak_bytes"] < 60000000
    assert 0.3 <= child.summary["duration_s"] < 30


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method: str, run, tmp_path: Path) -> None:
    run(
        "import multiprocessing, sys, known\n"
        "def work(n):\n    known.leak(n * 1000)\n    return n * n\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context(sys.argv[1])\n"
        "    with context.Pool(3) as pool:\n"
        "        print(sorted(pool.map(work, range(1, 31), chunksize=1)))\n"
        "        pool.close(); pool.join()\n",
        method,
    )
    files = ledgers_in(tmp_path)
    assert len(files) >= 4
    merged = ledger(tmp_path)
    assert merged.value("total", by="function", function="work", domain="malloc") == (
        sum(range(1, 31)) * 1000,
        30,
    )


def test_process_pool(run, tmp_path: Path) -> None:
    run(
        "import concurrent.futures as cf, known\n"
        "def work(n):\n    known.leak(10)\n    return n\n"
        "if __name__ == '__main__':\n"
        "    import multiprocessing\n"
        "    with cf.ProcessPoolExecutor(2, multiprocessing.get_context('spawn')) as pool:\n"
        "        print(sum(pool.map(work, range(10))))\n"
    )
    assert ledger(tmp_path).value("total", by="function", function="work", domain="malloc") == (
        100,
        10,
    )


def test_subprocess_python(run, tmp_path: Path) -> None:
    run(
        "import subprocess, sys\n"
        "code = 'import known\\ndef work(): known.leak(777)\\nwork()'\n"
        "for _ in range(3): subprocess.run([sys.executable, '-c', code], check=True)\n"
        "print(subprocess.run(['/bin/echo', 'hello'], stdout=subprocess.PIPE).stdout)\n"
    )
    books = tree(tmp_path)
    assert len(books) == 4
    assert leaks(ledger(tmp_path), "work") == (777 * 3, 3)


def test_posix_spawn(run, tmp_path: Path) -> None:
    run(
        "import os, sys\n"
        "code = 'import known\\ndef work(): known.leak(777)\\nwork()'\n"
        "pid = os.posix_spawn(sys.executable, [sys.executable, '-c', code], os.environ)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    assert len(tree(tmp_path)) == 2
    assert leaks(ledger(tmp_path), "work") == (777, 1)


def test_os_exec(run, tmp_path: Path) -> None:
    """exec keeps the pid: the first program's ledger is complete, the second has its own name."""
    run(
        "import os, sys, known\n"
        "def first(): known.leak(100)\n"
        "def second(): known.leak(200)\n"
        "if len(sys.argv) == 1:\n"
        "    first()\n"
        "    os.execv(sys.executable, [sys.executable, '-W', 'error', __file__, 'again'])\n"
        "second()\nprint('second')\n"
    )
    books = tree(tmp_path)
    assert len(books) == 2
    merged = ledger(tmp_path)
    assert leaks(merged, "first") == (100, 1)
    assert leaks(merged, "second") == (200, 1)


def test_os_exec_fails(run, tmp_path: Path) -> None:
    """Recording goes on after an exec that did not happen."""
    run(
        "import os, known\n"
        "def after(): known.leak(300)\n"
        "try: os.execv('/no/such/program', ['x'])\n"
        "except OSError as e: print(e)\n"
        "after()\n"
    )
    assert leaks(tree(tmp_path)[""], "after") == (300, 1)


def test_exec_of_something_else(run, tmp_path: Path) -> None:
    run(
        "import os, known\n"
        "def work(): known.leak(400)\n"
        "work()\nos.execv('/bin/echo', ['echo', 'hello'])\n",
        closing=0,  # nobody is left to say it
    )
    books = tree(tmp_path)
    assert list(books) == [""]
    assert leaks(books[""], "work") == (400, 1)


def test_exec_before_any_own_allocation_is_replaced(run, tmp_path: Path) -> None:
    """Workers that fork and exec at once (subprocess with preexec_fn) leave one ledger each."""
    run(
        "import os, subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'kept = bytes(1000)'], preexec_fn=os.getpid)\n"
    )
    names = [name for name in tree(tmp_path) if name]
    assert len({name.split(".")[0] for name in names}) == 1
    assert len(names) <= 2


def test_no_children(run, tmp_path: Path) -> None:
    run(
        "import multiprocessing, os, subprocess, sys, known\n"
        "def work(): known.leak(5)\n"
        "pid = os.fork()\n"
        "if pid == 0:\n    work()\n    os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
        "subprocess.run([sys.executable, '-c', 'import os; print(sorted("
        'k for k in os.environ if k.startswith("BARROW")))\'])\n'
        "work()\n",
        options=("--no-children",),
    )
    books = tree(tmp_path)
    assert list(books) == [""]
    assert leaks(books[""], "work") == (5, 1)


def test_vfork_children_write_nothing(run, tmp_path: Path) -> None:
    """subprocess uses vfork: what happens in the shared memory before exec is not booked twice."""
    run(
        "import subprocess, known\n"
        "def work():\n"
        "    for slot in range(50):\n"
        "        known.malloc(slot, 100)\n"
        "        subprocess.run(['/bin/true'], check=True)\n"
        "        known.free(slot)\n"
        "work()\n"
    )
    books = tree(tmp_path)
    assert list(books) == [""]
    assert books[""].value("total", by="function", function="work", domain="malloc") == (5000, 50)
    assert leaks(books[""], "work") == (0, 0)


def test_taken_names(run, tmp_path: Path) -> None:
    """A child that finds its name taken takes `.2`, `.3` …"""
    run(
        "import os, sys\n"
        "stem = sys.argv[1]\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    own = f'{stem}.{os.getpid()}.barrow'\n"
        "    code = 'kept = bytes(100)'\n"
        "    kept = [bytes(10) for _ in range(10)]\n"
        "    os.execv(sys.executable, [sys.executable, '-c', code])\n"
        "os.waitpid(pid, 0)\n",
        tmp_path / "tree",
    )
    names = sorted(name for name in tree(tmp_path) if name)
    assert len(names) == 2
    assert names[1] == names[0] + ".2"


def test_exit_without_wait(run, tmp_path: Path) -> None:
    """Children outlive the parent: their ledgers are complete when they end."""
    run(
        "import os, sys, time, known\n"
        "def work(): known.leak(9)\n"
        "read, write = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.close(read)\n    time.sleep(0.3)\n    work()\n    sys.exit(0)\n"
        "os.close(write)\n"
        "print('parent')\n"
    )
    assert len(tree(tmp_path)) == 2
    assert leaks(ledger(tmp_path), "work") == (9, 1)


def test_different_runs_are_not_merged(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert record(tmp_path / f"{name}.barrow", "-c", "pass").status == 0
    words = [barrow_exe(), "summary", str(tmp_path / "one.barrow"), str(tmp_path / "two.barrow")]
    done = execute(words)
    assert done.status == 2
    assert done.stdout == ""
    assert done.stderr.startswith("barrow: ")
    assert len(done.stderr.splitlines()) == 1


def test_atfork_handlers_are_the_programs(run, tmp_path: Path) -> None:
    run(
        "import os, time\n"
        "os.register_at_fork(before=lambda: print('before', flush=True),\n"
        "    after_in_parent=lambda: time.sleep(0.3) or print('parent', flush=True),\n"
        "    after_in_child=lambda: print('child', flush=True))\n"
        "pid = os.fork()\n"
        "if pid == 0: os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
    )


def test_child_of_a_thread_ends_with_its_last_thread(run, tmp_path):
    """A process whose first thread ended lives until its last one does; barrow's own must not count."""
    run(
        """
import os, sys, threading, time, warnings

def last():
    time.sleep(0.05)
    print("last")
    sys.stdout.flush()

def work():
    warnings.simplefilter("ignore")  # of forking with threads
    pid = os.fork()
    if pid:
        assert os.waitpid(pid, 0)[1] == 0
        return
    threading.Thread(target=last).start()

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    )
    assert len(tree(tmp_path)) == 2
