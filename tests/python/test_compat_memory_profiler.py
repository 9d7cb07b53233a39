"""Programs that were written for memory_profiler, in its documented ways, run on barrow's stand-in.

Each is a process of its own with BARROW_COMPAT in its environment and no other change.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
import time
from dataclasses import dataclass

import pytest
from runner import execute

import barrow.compat

MIB = 1 << 20
HEADINGS = ["Line", "#", "Mem", "usage", "Increment", "Occurrences", "Line", "Contents"]
ENVIRONMENT = {"BARROW_COMPAT": "memory_profiler"}
ROW = re.compile(
    r"^ *(?P<line>\d+) (?:(?P<memory> *-?[\d.]+) MiB (?P<increment> *-?[\d.]+) MiB +(?P<times>\d+)|\s{36,})"
    r"(?:   (?P<text>.*))?$"
)


@dataclass
class Row:
    memory: float
    increment: float
    times: int
    text: str


def tables(text: str) -> list[dict[int, Row]]:
    """The tables of a text: line → what it shows, of lines that ran."""
    found: list[dict[int, Row]] = []
    for line in text.splitlines():
        if line.startswith("Filename: "):
            found.append({})
        match = ROW.match(line)
        if match and found and match["memory"]:
            found[-1][int(match["line"])] = Row(
                float(match["memory"]),
                float(match["increment"]),
                int(match["times"]),
                match["text"] or "",
            )
    return found


@pytest.fixture
def program(tmp_path):
    """Writes a script and runs it; gives its output."""

    def run(code, *before, arguments=(), env=None, status=0, stdin=None):
        script = tmp_path / "program.py"
        script.write_text(textwrap.dedent(code))
        options = {"input": stdin.encode()} if stdin is not None else {}
        done = execute(
            [sys.executable, *before, str(script), *arguments],
            cwd=tmp_path,
            env={**ENVIRONMENT, **(env or {})},
            **options,
        )
        assert done.status == status, done.stderr
        assert done.stderr == "" or status
        return done.stdout

    return run


# ---- the decorator ----

LISTS = """
    @profile
    def make():
        a = [1] * (10 ** 6)
        b = [2] * (2 * 10 ** 7)
        del b
        return a

    if __name__ == "__main__":
        make()
"""


def check_lists(rows, first):
    """`make` above, whose decorator is in line `first`."""
    assert set(rows) == {first, *range(first + 2, first + 6)}
    assert 5 < rows[first].memory == rows[first].increment < 200  # the whole process
    increments = [rows[first + 2 + i].increment for i in range(4)]
    assert increments == pytest.approx([8e6 / MIB, 160e6 / MIB, -160e6 / MIB, 0], abs=0.06)
    assert rows[first + 3].memory == pytest.approx(rows[first].memory + 168e6 / MIB, abs=0.2)
    assert rows[first + 4].memory == pytest.approx(rows[first].memory + 8e6 / MIB, abs=0.2)
    assert {row.times for row in rows.values()} == {1}
    assert rows[first + 2].text.strip() == "a = [1] * (10 ** 6)"


def test_builtin_decorator_under_the_command(program, tmp_path):
    out = program(LISTS, "-m", "memory_profiler")
    (rows,) = tables(out)
    check_lists(rows, first=2)
    assert f"Filename: {tmp_path / 'program.py'}" in out
    assert re.search(r"\n +2 +\d+\.\d{3} MiB", out)  # the command shows three digits


def test_imported_decorator(program):
    out = program(f"    from memory_profiler import profile\n{LISTS}")
    (rows,) = tables(out)
    check_lists(rows, first=3)
    assert re.search(r"\n +3 +\d+\.\d MiB", out)
    assert out.splitlines()[2].split() == HEADINGS


def test_each_call_has_a_table_of_its_own(program):
    out = program("""
        from memory_profiler import profile
        @profile
        def f(n):
            x = bytearray(n)
            return len(x)
        f(50 * 2**20)
        f(10 * 2**20)
    """)
    first, second = tables(out)
    assert first[5].increment == pytest.approx(50, abs=0.1)
    assert second[5].increment == pytest.approx(10, abs=0.1)
    assert second[5].memory == pytest.approx(second[3].memory + 10, abs=0.2)


def test_precision_and_stream(program, tmp_path):
    program("""
        from memory_profiler import profile
        log = open("out.log", "w+")
        @profile(precision=4, stream=log)
        def f():
            x = bytearray(2**20)
            return x
        f()
    """)
    text = (tmp_path / "out.log").read_text()
    (rows,) = tables(text)
    assert rows[6].increment == pytest.approx(1, abs=0.001)
    assert re.search(r" 1\.0\d{3} MiB", text)


def test_log_of_increments(program):
    out = program("""
        import logging, sys
        from memory_profiler import LogFile, profile
        logging.basicConfig(stream=sys.stdout, format="%(name)s|%(message)s", level=logging.INFO)
        sys.stdout = LogFile("memory", reportIncrementFlag=True)
        @profile
        def f():
            x = bytearray(30 * 2**20)
            y = 1
            del x
        f()
    """)
    lines = [line for line in out.splitlines() if line.startswith("memory|")]
    text = "\n".join(lines)
    assert "Filename:" in text and "Line Contents" in text
    assert "x = bytearray" in text
    assert "y = 1" not in text and "del x" not in text


@pytest.mark.parametrize("backend", ["psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc"])
def test_backends_are_taken(program, backend):
    out = program(f"""
        from memory_profiler import memory_usage, profile
        @profile(backend={backend!r})
        def f():
            x = bytearray(20 * 2**20)
            return len(x)
        f()
        print("peak", memory_usage((f,), backend={backend!r}, max_usage=True))
    """)
    assert tables(out)[0][5].increment == pytest.approx(20, abs=0.1)
    assert 5 < float(re.search(r"peak ([\d.]+)", out)[1]) < 500


def test_unknown_backend(program):
    out = program("""
        import memory_profiler
        try:
            memory_profiler.choose_backend("guess")
        except KeyError as error:
            print(repr(error), memory_profiler.choose_backend(), memory_profiler.choose_backend("posix"))
    """)
    assert out == "KeyError('guess') psutil posix\n"


def test_recursion_generator_and_exception(program):
    out = program("""
        from memory_profiler import profile
        @profile
        def down(n):
            x = bytearray(2**20)
            return n and down(n - 1)
        down(2)
        @profile
        def numbers():
            x = bytearray(3 * 2**20)
            yield 1
            yield 2
        assert list(numbers()) == [1, 2]
        @profile
        def fails():
            x = bytearray(4 * 2**20)
            raise ValueError("as it should")
        try:
            fails()
        except ValueError as error:
            print(error)
    """)
    inner, middle, outer, generator, failed = tables(out)
    assert [rows[5].times for rows in (inner, middle, outer)] == [1, 2, 3]
    assert [rows[5].increment for rows in (inner, middle, outer)] == pytest.approx([1, 2, 3], abs=0.1)
    assert [generator[line].times for line in (10, 11, 12)] == [1, 1, 1]
    assert generator[10].increment == pytest.approx(3, abs=0.1)
    assert failed[16].increment == pytest.approx(4, abs=0.1)
    assert "as it should" in out


def test_coroutine(program):
    out = program("""
        import asyncio, inspect
        from memory_profiler import profile
        @profile
        async def f(n):
            x = bytearray(n)
            await asyncio.sleep(0.01)
            return len(x)
        assert inspect.iscoroutinefunction(f)
        print(asyncio.run(f(5 * 2**20)))
    """)
    (rows,) = tables(out)
    assert rows[6].increment == pytest.approx(5, abs=0.1)
    assert str(5 * MIB) in out


def test_methods_and_names(program):
    out = program("""
        from memory_profiler import profile
        class A:
            @profile
            def f(self, n: int) -> int:
                "What it says."
                x = bytearray(n)
                return len(x)
            @staticmethod
            @profile
            def g():
                return 1
        assert A().f(2**20) == 2**20 and A.g() == 1
        print(A.f.__name__, A.f.__doc__, A.f.__module__, sep="|")
    """)
    assert len(tables(out)) == 2
    assert "f|What it says.|__main__" in out


def test_decorated_function_in_threads(program):
    out = program("""
        import threading
        from memory_profiler import LineProfiler, show_results
        profiler = LineProfiler()
        @profiler
        def f():
            x = bytearray(2**20)
            return len(x)
        threads = [threading.Thread(target=f) for _ in range(4)]
        for t in threads: t.start()
        for t in threads: t.join()
        show_results(profiler)
    """)
    (rows,) = tables(out)
    assert rows[7].times == 4
    assert rows[7].increment == pytest.approx(4, abs=0.1)


# ---- LineProfiler, CodeMap ----


def test_line_profiler_by_hand(program):
    out = program("""
        import io
        from memory_profiler import LineProfiler, show_results
        def inner():
            return [bytes(1000) for _ in range(1000)]
        def f():
            x = inner()
            return x
        profiler = LineProfiler()
        profiler.add_function(f)
        profiler.enable_by_count()
        f()
        profiler.disable_by_count()
        f()                                      # is not measured
        with profiler:
            f()
        profiler.runctx("f()", globals(), {})
        (code, measures), = [(c, m) for c, m in dict.items(profiler.code_map)]
        assert code is f.__code__ and type(measures) is dict
        increment, memory, occurrences = measures[7]
        assert type(increment) is float and type(memory) is float and type(occurrences) is int
        print(occurrences, round(increment, 1), profiler.enable_count)
        show_results(profiler, stream=io.StringIO())
    """)
    assert out == "3 3.0 0\n"


def test_nested_code_shares_the_measures_of_the_outermost(program):
    out = program("""
        from memory_profiler import LineProfiler
        def f():
            def g():
                x = bytearray(2**20)
                return x
            return [g() for _ in range(3)]
        profiler = LineProfiler()
        profiler(f)()
        codes = list(profiler.code_map)
        assert f.__code__ in codes and len(codes) >= 2
        assert all(profiler.code_map[code] is profiler.code_map[f.__code__] for code in codes)
        (filename, lines), = profiler.code_map.items()
        lines = list(lines)
        assert [line for line, _ in lines] == [3, 4, 5, 6, 7]
        print(lines[2][1][2], round(lines[2][1][0]), filename.endswith("program.py"))
    """)
    assert out == "3 3 True\n"


def test_what_runs_within_a_line_is_counted_once(program):
    """Comprehensions, generator expressions and lambdas are parts of the line that runs them."""
    out = program("""
        from memory_profiler import profile
        @profile
        def f():
            a = [bytearray(1000) for _ in range(2000)]
            b = list(bytearray(1000) for _ in range(2000))
            c = sorted((bytearray(1000) for _ in range(2000)), key=lambda x: len(x))
            later = (
                bytearray(1000)
                for _ in range(2000)
            )
            d = list(later)
            return a, b, c, d
        f()
    """)
    (rows,) = tables(out)
    for line in (5, 6, 7, 12):
        assert rows[line].increment == pytest.approx(2000 * (1000 + 1 + 56 + 8) / MIB, abs=0.15), line
    assert abs(rows[8].increment) < 0.1  # made here, used later


def test_subclasses_as_spark_makes_them(program):
    """code_map replaced after __init__, add() overridden, 2-tuples in _toplevel, functions added late."""
    out = program("""
        import inspect
        from memory_profiler import CodeMap, LineProfiler
        calls = []
        class Map(CodeMap):
            def add(self, code, toplevel_code=None):
                calls.append(code.co_name)
                if code in self:
                    return
                if toplevel_code is None:
                    toplevel_code = code
                    self._toplevel.append((code.co_filename, code))
                    self[code] = {}
                else:
                    self[code] = self[toplevel_code]
                for inner in filter(inspect.iscode, code.co_consts):
                    self.add(inner, toplevel_code=toplevel_code)
            def items(self):
                for filename, code in self._toplevel:
                    if self[code]:
                        yield filename, ((line, self[code][line]) for line in self[code])
        class Profiler(LineProfiler):
            def __init__(self, **kw):
                super().__init__(**kw)
                self.code_map = Map(include_children=False, backend="psutil")
            def add_code(self, code):
                self.code_map.add(code)
        def f():
            x = bytearray(2**20)
            return (lambda: x)()
        profiler = Profiler()
        profiler.add_code(f.__code__)
        profiler.enable_by_count(); f(); profiler.disable_by_count()
        profiler.add_function(f)
        assert calls == ["f", "<lambda>", "f"]
        (filename, lines), = profiler.code_map.items()
        print({line: (round(i), n) for line, (i, m, n) in lines})
        import pickle
        pickle.dumps({f: list(i) for f, i in profiler.code_map.items()})
    """)
    assert re.fullmatch(r"\{28: \(\d+, 1\), 29: \(1, 1\), 30: \(0, 1\)\}\n", out)


def test_a_function_that_was_made_again(program):
    """Its code object equals the first one's, and only the second runs."""
    out = program("""
        from memory_profiler import LineProfiler
        source = "def f():\\n    x = bytearray(2**20)\\n    return x\\n"
        profiler = LineProfiler()
        for _ in range(2):
            names = {}
            exec(compile(source, "made.py", "exec"), names)
            profiler.add_function(names["f"])
        f = profiler.wrap_function(names["f"])
        f()
        (filename, lines), = profiler.code_map.items()
        print(filename, dict(lines)[2][2])
    """)
    assert out == "made.py 1\n"


def test_trace_by_hand(program):
    out = program("""
        from memory_profiler import CodeMap
        def f(): pass
        codes = CodeMap(include_children=False, backend="psutil")
        codes.add(f.__code__)
        codes.trace(f.__code__, 3, None)
        x = b"x" * (50 * 2**20)
        codes.trace(f.__code__, 4, 3)
        (increment, memory, times) = codes[f.__code__][4]
        print(45 < increment < 55, memory > 50, times)
    """)
    assert out == "True True 1\n"


def test_objects_without_code_warn(program):
    out = program("""
        import warnings
        from memory_profiler import LineProfiler
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            LineProfiler().add_function(len)
        print(caught[0].message)
    """)
    assert "Could not extract a code object" in out


# ---- memory_usage ----


def test_usage_of_this_process(program):
    out = program("""
        from memory_profiler import memory_usage
        before, = memory_usage(-1, interval=0.01, timeout=0.01)
        x = b"x" * (50 * 2**20)
        after = memory_usage()
        import os
        same = memory_usage(os.getpid(), timeout=0.05, interval=0.01)
        print(len(after), 45 < after[0] - before < 60, len(same))
    """)
    assert out == "1 True 5\n"


def test_usage_of_a_function(program):
    out = program("""
        import time
        from memory_profiler import memory_usage
        runs = []
        def f(a, n=100):
            runs.append(a)
            x = b"x" * (n * 2**20)
            time.sleep(0.3)
            return n
        usage = memory_usage((f, (1,), {"n": 60}), interval=0.05)
        assert runs == [1], runs                 # and not again to have more samples
        print(len(usage) >= 5, 55 < max(usage) - usage[0] < 70)
        assert memory_usage((f, (2,)), max_usage=True) > 100
        usage, value = memory_usage((f, (3,)), retval=True, timestamps=True, max_iterations=1)
        assert value == 100
        assert all(b[1] >= a[1] for a, b in zip(usage, usage[1:])) and abs(usage[0][1] - time.time()) < 10
        top, value = memory_usage((f, (4,)), max_usage=True, retval=True, multiprocess=True)
        print(value, type(top) is float, memory_usage(lambda: None, max_usage=True) > 1, runs)
    """)
    assert out == "True True\n100 True True [1, 2, 3, 4]\n"


def test_usage_sees_what_holds_the_interpreter_lock(program):
    out = program("""
        import time
        from memory_profiler import memory_usage
        def f():
            x = b"x" * (80 * 2**20)
            x.count(b"yz"); x.count(b"zz"); del x   # no other Python thread runs meanwhile
        usage = memory_usage(f, interval=0.001)
        print(max(usage) - usage[0] > 70)
    """)
    assert out == "True\n"


def test_peak_between_two_samples(program):
    """The kernel knows it, if the process had never had as much."""
    out = program("""
        from memory_profiler import memory_usage
        def f():
            x = b"x" * (80 * 2**20)
        before = memory_usage()[0]
        print(75 < memory_usage(f, interval=60, max_usage=True) - before < 90)
        peak, at = memory_usage(f, interval=60, max_usage=True, timestamps=True)
    """)
    assert out == "True\n"


def test_usage_when_the_function_raises(program):
    out = program("""
        import subprocess, sys
        from memory_profiler import memory_usage
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        def f():
            raise KeyError("mine")
        try:
            memory_usage(f)
        except KeyError as error:
            print(error, child.poll())
        child.communicate(b"\\n")
        print(child.returncode)
    """)
    assert out == "'mine' None\n0\n"


def test_usage_of_children_and_streams(program):
    out = program("""
        import io, subprocess, sys, time
        from memory_profiler import memory_usage
        code = "x = b'x' * (40 * 2**20); import time; print(flush=True); time.sleep(%s)"
        def child(seconds):
            process = subprocess.Popen([sys.executable, "-c", code % seconds], stdout=subprocess.PIPE)
            process.stdout.readline()
            return process
        process = child(0.5)
        alone = memory_usage()[0]
        together = memory_usage(include_children=True)[0]
        nested = memory_usage(-1, multiprocess=True)[0]
        print(together - alone > 40, len(nested), nested[1] > 40)
        stream = io.StringIO()
        assert memory_usage(process, interval=0.05, stream=stream) is None
        kinds = {line.split()[0] for line in stream.getvalue().splitlines()}
        mib, at = map(float, stream.getvalue().splitlines()[0].split()[1:])
        print(kinds, mib > 40, abs(at - time.time()) < 10)
        process = child(0.3)
        print(max(memory_usage(process, interval=0.05)) > 40, process.wait())
        print(memory_usage(child(0.2), max_usage=True, interval=0.02) > 40)
        usage = memory_usage((lambda: child(0.2).wait(), ()), include_children=True, max_usage=True, interval=0.01)
        print(usage - alone > 40)
        try:
            memory_usage(2**22 + 1)
        except OSError as error:
            print(type(error).__name__)
    """)
    assert out.splitlines() == [
        "True 2 True",
        "{'MEM'} True True",
        "True 0",
        "True",
        "True",
        "FileNotFoundError",
    ]


# ---- the command ----


def test_command_runs_a_module_with_arguments(tmp_path, program):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "job.py").write_text(
        "import sys\n@profile\ndef f():\n    x = bytearray(2**20)\n    return sys.argv[1:]\nprint(f())\n"
    )
    done = execute([sys.executable, "-m", "memory_profiler", "package.job", "a", "-b"], cwd=tmp_path, env=ENVIRONMENT)
    assert done.stdout.startswith("['a', '-b']\nFilename: ")
    assert tables(done.stdout)[0][4].increment == pytest.approx(1, abs=0.01)


def test_command_keeps_main_and_exit_status(program):
    out = program(
        """
        import pickle, sys
        class A: pass
        @profile
        def f():
            return pickle.loads(pickle.dumps(A()))
        assert __name__ == "__main__" and sys.modules["__main__"].A is A
        assert type(f()) is A
        sys.exit(3)
        """,
        "-m",
        "memory_profiler",
        "--precision=2",
        status=3,
    )
    assert len(tables(out)) == 1


def test_command_writes_files_and_timestamps(program, tmp_path):
    code = """
        import time
        @profile
        def outer():
            inner()
        @profile
        def inner():
            x = b"x" * (20 * 2**20)
            time.sleep(0.05)
        outer()
        with profile.timestamp("block"):
            inner()
    """
    out = program(code, "-m", "memory_profiler", "--timestamp", "-o", "times.dat")
    assert out == ""
    lines = [line.split() for line in (tmp_path / "times.dat").read_text().splitlines()]
    assert [(words[0], words[1], words[6]) for words in lines] == [
        ("FUNC", "__main__.outer", "0"),
        ("FUNC", "__main__.inner", "1"),
        ("FUNC", "__main__.inner", "1"),
        ("FUNC", ".block", "0"),
    ]
    for words in lines:
        begin, end = float(words[3]), float(words[5])
        assert 0.04 < end - begin < 10 and abs(begin - time.time()) < 120
        assert all(5 < float(mib) < 500 for mib in (words[2], words[4]))


def test_command_enters_the_debugger(program):
    out = program(
        """
        @profile
        def f():
            x = []
            x.append(b"x" * (100 * 2**20))
            y = 1
            return y
        f()
        """,
        "-m",
        "memory_profiler",
        "--pdb-mmem=100",
        stdin="p 'x has', len(x)\nc\n",
    )
    assert "exceeded the maximum of 100.00 MiB" in out
    assert "('x has', 1)" in out


def test_command_without_a_program(tmp_path):
    done = execute([sys.executable, "-m", "memory_profiler"], cwd=tmp_path, env=ENVIRONMENT)
    assert (done.status, done.stdout) == (1, "A program to run must be provided. Use -h for help\n")
    done = execute([sys.executable, "-m", "memory_profiler", "none.py"], cwd=tmp_path, env=ENVIRONMENT)
    assert (done.status, done.stderr) == (1, "Could not find script none.py\n")


# ---- how it gets there ----


def test_install_reaches_children(tmp_path):
    code = """
        import barrow.compat.memory_profiler
        barrow.compat.install("memory_profiler")
        import memory_profiler, os, subprocess, sys
        same = memory_profiler.LineProfiler is barrow.compat.memory_profiler.LineProfiler
        print(same, os.environ["BARROW_COMPAT"], flush=True)
        show = "import memory_profiler; print(memory_profiler.profile.__module__)"
        subprocess.run([sys.executable, "-c", show], check=True)
    """
    done = execute([sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["True memory_profiler", "barrow.compat._memory_profiler.lines"]


def test_nothing_is_claimed_unasked(tmp_path):
    code = "import sys; print([m for m in sys.modules if m.startswith('barrow')], sys.meta_path.__len__())"
    asked = execute([sys.executable, "-c", code], cwd=tmp_path, env=ENVIRONMENT)
    plain = execute([sys.executable, "-c", code], cwd=tmp_path)
    assert plain.stdout.startswith("[] ")
    assert "'barrow.compat'" in asked.stdout
    assert "memory" not in asked.stdout  # not loaded before it is imported


def test_unknown_names(tmp_path):
    with pytest.raises(ValueError, match="no stand-in for 'numpy'"):
        barrow.compat.install("numpy")
    assert "BARROW_COMPAT" not in os.environ
    done = execute([sys.executable, "-c", "print(1)"], cwd=tmp_path, env={"BARROW_COMPAT": "numpy"})
    assert (done.status, done.stdout) == (0, "1\n")
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("barrow: BARROW_COMPAT: ")


def test_in_multiprocessing_workers(program):
    out = program(
        """
        import multiprocessing
        from memory_profiler import memory_usage, profile
        @profile
        def f(n):
            x = bytearray(n * 2**20)
            return memory_usage((len, (x,)), max_usage=True) > n
        if __name__ == "__main__":
            for method in ("fork", "spawn"):
                with multiprocessing.get_context(method).Pool(1) as pool:
                    print(method, pool.map(f, [8, 8]))
        """,
        env={"PYTHONUNBUFFERED": "1"},  # workers are ended before they flush
    )
    assert "fork [True, True]" in out and "spawn [True, True]" in out
    increments = [rows[6].increment for rows in tables(out)]
    assert increments == pytest.approx([8.0] * 4, abs=0.1)


def test_under_a_recording(tmp_path):
    """The lines' figures come from the recording that is there; the ledger is as complete as ever."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(LISTS).replace("@profile", "from memory_profiler import profile\n@profile"))
    from runner import barrow_exe, ledger

    out = tmp_path / "run.barrow"
    done = execute(
        [barrow_exe(), "run", "-q", "-o", str(out), "--python", sys.executable, str(script)],
        cwd=tmp_path,
        env=ENVIRONMENT,
    )
    assert done.stderr == ""
    check_lists(tables(done.stdout)[0], first=3)
    assert ledger(out).summary["peak_bytes"] > 168_000_000
