"""The line profiler: truth by line, ways to choose, what the ledger and the views say."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from runner import TARGETS, barrow_exe, execute

DRIVER = TARGETS / "lines_driver.py"
NAMES = re.findall(r"^def run_(\w+)\(", (TARGETS / "lines_truth.py").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def truth() -> dict[str, list[list[int]]]:
    done = execute([sys.executable, str(DRIVER)])
    assert (done.status, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_increments_are_exact(name: str, truth: dict[str, list[list[int]]]) -> None:
    if name == "numpy":
        pytest.importorskip("numpy")
    rows = truth[name]
    assert rows
    assert [(line, got) for line, _, got, _ in rows] == [(line, expected) for line, expected, _, _ in rows]


def test_peak_of_a_line(truth: dict[str, list[list[int]]]) -> None:
    _, _, _, peak = truth["temporary"][0]
    size = sys.getsizeof(bytes(100_000))
    assert size <= peak <= size + 100


# ---- programs ----


def run(tmp_path: Path, source: str, *options: str) -> tuple[Path, Any]:
    """Record a program by `barrow lines run`; give the ledger and what `lines show --json` says."""
    script, ledger = tmp_path / "app.py", tmp_path / "app.barrow"
    script.write_text(textwrap.dedent(source))
    words = [barrow_exe(), "lines", "run", "-q", "-o", str(ledger), "--python", sys.executable]
    done = execute([*words, *options, str(script)], cwd=tmp_path)
    assert (done.status, done.stderr) == (0, "")
    return ledger, show(ledger)


def show(*words: object) -> Any:
    done = execute([barrow_exe(), "lines", "show", "--json", *map(str, words)])
    assert (done.status, done.stderr) == (0, "")
    return json.loads(done.stdout)["functions"]


def by_line(function: Any) -> dict[int, Any]:
    return {line["line"]: line for line in function["lines"]}


DECORATED = """\
class Store:
    @profile
    def load(self, n):
        self.rows = [bytes(1000) for _ in range(n)]
        return len(self.rows)

    @staticmethod
    @profile
    def other():
        return 1

def helper():
    return bytearray(50_000)

store = Store()
store.load(10)
store.load(10)
store.other()
helper()
"""


def test_decorated_functions(tmp_path: Path) -> None:
    _, functions = run(tmp_path, DECORATED)
    assert [(f["function"], f["calls"], f["first_line"]) for f in functions] == [
        ("Store.load", 2, 2),
        ("Store.other", 1, 7),
    ]
    load = by_line(functions[0])
    size = sys.getsizeof(bytes(1000))
    assert load[4]["increment_bytes"] >= 10 * size  # the second call replaces the first one's
    assert load[4]["allocated_bytes"] >= 20 * size
    assert 10 * size <= load[4]["live_bytes"] < 11 * size
    assert load[5]["occurrences"] == 2
    assert load[4]["memory_bytes"] > functions[0]["memory_bytes"] > 1 << 20


def test_text_has_the_familiar_table(tmp_path: Path) -> None:
    ledger, _ = run(tmp_path, DECORATED)
    done = execute([barrow_exe(), "lines", "show", str(ledger)])
    assert done.status == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("2 profiled functions, line by line")
    assert re.match(r"Line #\s+Mem usage\s+Increment\s+.*Occurrences  Line Contents$", lines[3])
    assert any(line.endswith("        self.rows = [bytes(1000) for _ in range(n)]") for line in lines)
    narrow = execute([barrow_exe(), "lines", "show", str(ledger)], env={"COLUMNS": "80"}).stdout.splitlines()
    assert max(map(len, narrow)) <= 80


@pytest.mark.parametrize("pattern", ["__main__:helper", "helper", "app:helper", "*:help*"])
def test_functions_by_name(pattern: str, tmp_path: Path) -> None:
    _, functions = run(tmp_path, DECORATED.replace("    @profile\n", ""), "--function", pattern)
    assert [f["function"] for f in functions] == ["helper"]
    assert by_line(functions[0])[11]["increment_bytes"] == sys.getsizeof(bytearray(50_000))


def test_files_by_glob(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("KEPT = bytes(7000)\ndef sell():\n    return bytes(3000)\n")
    _, functions = run(tmp_path, "import shop\nshop.sell()\n", "--file", "shop.py")
    assert {f["function"] for f in functions} == {"<module>", "sell"}
    lines = {line: row for f in functions for line, row in by_line(f).items()}
    assert lines[1]["increment_bytes"] >= sys.getsizeof(bytes(7000))
    assert lines[3]["increment_bytes"] == sys.getsizeof(bytes(3000))


def test_methods_of_another_module_in_a_package(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("class Till:\n    def open(self):\n        return bytes(3000)\n")
    _, functions = run(tmp_path, "import shop\nshop.Till().open()\n", "--function", "shop:Till.*")
    assert [f["function"] for f in functions] == ["Till.open"]


def test_nothing_chosen_says_how(tmp_path: Path) -> None:
    ledger, functions = run(tmp_path, "x = 1\n")
    assert functions == []
    text = execute([barrow_exe(), "lines", "show", str(ledger)]).stdout
    assert "@barrow.profile" in text
    assert "--function" in text


def test_children_are_summed(tmp_path: Path) -> None:
    run(
        tmp_path,
        """\
        import multiprocessing

        @profile
        def work(n):
            return len(bytes(100_000))

        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(2) as pool:
                pool.map(work, range(6), chunksize=1)
            work(1)
        """,
    )
    children = sorted(tmp_path.glob("*.barrow"))
    assert len(children) == 3
    (function,) = [f for f in show(tmp_path) if f["function"] == "work"]
    assert function["calls"] == 7
    assert by_line(function)[5]["occurrences"] == 7


def test_exceptions_leave_no_trace(tmp_path: Path) -> None:
    _, functions = run(
        tmp_path,
        """\
        @profile
        def fails():
            waste = bytes(1000)
            raise ValueError

        def catches():
            try:
                fails()
            except ValueError:
                return bytearray(1_000_000)

        @profile
        def after():
            return bytes(10)

        for _ in range(100):
            catches()
            after()
        """,
    )
    fails, after = functions
    assert fails["calls"] == 100
    # What the catcher allocated later is not booked to the line that raised.
    assert all(line["increment_bytes"] < 1 << 20 for line in fails["lines"])
    assert by_line(after)[14]["increment_bytes"] == 100 * sys.getsizeof(bytes(10))


def test_tracers_and_debuggers_go_on(tmp_path: Path) -> None:
    _, functions = run(
        tmp_path,
        """\
        import sys

        seen = []

        def tracer(frame, event, arg):
            seen.append(frame.f_code.co_name)
            return tracer

        @profile
        def work():
            return bytes(1000)

        sys.settrace(tracer)
        work()
        sys.settrace(None)
        assert "work" in seen, seen
        """,
    )
    if sys.version_info >= (3, 12):  # on 3.11 the program's own tracer comes first
        assert functions[0]["calls"] == 1


def test_without_a_recording_the_table_is_printed_at_exit(tmp_path: Path) -> None:
    script = tmp_path / "plain.py"
    script.write_text(
        "import barrow\n@barrow.profile\ndef work():\n    a = bytearray(3 << 20)\n    return len(a)\nprint(work())\n"
    )
    done = execute([sys.executable, str(script)])
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout.startswith("3145728\n1 profiled function, line by line")
    assert re.search(r"\+3\.0 MiB .*1      a = bytearray\(3 << 20\)", done.stdout)


def test_python_reads_the_lines(tmp_path: Path) -> None:
    import barrow

    ledger, _ = run(tmp_path, DECORATED)
    rows = [row for row in barrow.open(ledger).lines if row.line == 4]
    assert [(row.function, row.occurrences) for row in rows] == [("Store.load", 2)]


def test_each_recording_has_its_own_figures(tmp_path: Path) -> None:
    script = tmp_path / "twice.py"
    script.write_text(
        textwrap.dedent(
            """\
            import barrow

            def work(n):
                return bytes(n)

            def measure(n):
                with barrow.record() as recording:
                    for _ in range(3):
                        chosen = barrow.profile(work)
                    kept = [chosen(n) for _ in range(4)]
                return [(row[2], row[3], row[4]) for row in recording.open().lines if row.occurrences]

            print(measure(1000), measure(2000))
            # Chosen once, it is measured in the recordings to come.
            chosen = None
            with barrow.record() as first:
                chosen = barrow.profile(work)
            chosen(10)
            with barrow.record() as second:
                kept = chosen(3000)
            print([row[3:5] for row in first.open().lines], [row[3:5] for row in second.open().lines])
            """
        )
    )
    done = execute([sys.executable, "-I", str(script)])
    assert (done.status, done.stderr) == (0, "")
    sizes = [sys.getsizeof(bytes(n)) for n in (1000, 2000, 3000)]
    assert done.stdout.splitlines() == [
        f"[(4, 4, {4 * sizes[0]})] [(4, 4, {4 * sizes[1]})]",
        f"[(0, 0), (0, 0)] [(0, 0), (1, {sizes[2]})]",
    ]


def test_threads_that_follow_each_other(tmp_path: Path) -> None:
    _, functions = run(
        tmp_path,
        """\
        import _thread
        import time

        @profile
        def leaves():
            kept.append(bytes(5000))
            _thread.exit()

        kept = []
        for _ in range(20):
            _thread.start_new_thread(leaves, ())
            while len(kept) <= _:
                time.sleep(0.001)
        time.sleep(0.05)
        """,
    )
    assert functions[0]["calls"] == 20
    assert by_line(functions[0])[6]["occurrences"] == 20
    # The list's own growth comes on top.
    assert 0 <= by_line(functions[0])[6]["increment_bytes"] - 20 * sys.getsizeof(bytes(5000)) < 2000


def test_resident_memory_in_place_of_allocations(tmp_path: Path) -> None:
    source = (
        "@profile\ndef work():\n    a = bytearray(50 << 20)\n    a[::4096] = bytes(len(a[::4096]))\n"
        "    return a\nx = work()\n"
    )
    _, functions = run(tmp_path, source, "--rss")
    lines = by_line(functions[0])
    assert 45 << 20 < lines[3]["increment_bytes"] + lines[4]["increment_bytes"] < 55 << 20


@pytest.mark.parametrize("thing", [len, 3, object()])
def test_only_python_functions(thing: object) -> None:
    import barrow

    with pytest.raises(TypeError, match="written in Python"):
        barrow.profile(thing)


def test_system_scope_says_why_not() -> None:
    code = "import barrow\nwith barrow.record(scope='system'):\n    barrow.profile(lambda: 1)"
    done = execute([sys.executable, "-I", "-c", code])
    assert done.status == 1
    assert done.stderr.splitlines()[-1].startswith("RuntimeError: lines can't be measured: the recording is without")


@pytest.mark.parametrize("words, said", [((), "`run` a program or `show`"), (("show",), ""), (("go",), "`run`")])
def test_errors_are_one_line(words: tuple[str, ...], said: str) -> None:
    done = execute([barrow_exe(), "lines", *words])
    assert done.status == 2
    assert done.stderr.startswith("barrow: ") and done.stderr.count("\n") == 1
    assert said in done.stderr


def test_brackets_for_memory_over_time(tmp_path: Path) -> None:
    script, samples = tmp_path / "app.py", tmp_path / "samples.dat"
    samples.write_text("CMDLINE python app.py\n")
    script.write_text(
        "import barrow\n@barrow.profile\ndef inner():\n    return bytes(10)\n"
        "@barrow.profile\ndef outer():\n    return inner()\nouter()\n"
    )
    done = execute([sys.executable, str(script)], env={"BARROW_MEM_FILE": str(samples)})
    assert (done.status, done.stdout, done.stderr) == (0, "", "")
    rows = [line.split() for line in samples.read_text().splitlines()[1:]]
    assert [(row[0], row[1], row[6]) for row in rows] == [
        ("FUNC", "__main__.inner", "1"),
        ("FUNC", "__main__.outer", "0"),
    ]
    assert all(float(row[2]) > 1 and float(row[5]) >= float(row[3]) > 1e9 for row in rows)
