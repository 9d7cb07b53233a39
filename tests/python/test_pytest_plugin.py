"""The pytest plugin: sessions of their own, as recording is of a whole process; and its arithmetic."""

from __future__ import annotations

import json
import math
import os
import random
import sys

import pytest
from runner import barrow_exe

from barrow import _pytest_compare, _pytest_measure

pytest_plugins = "pytester"

MIB = 1024**2


@pytest.fixture
def session(pytester, monkeypatch):
    """Runs pytest on the given source; nothing of this session's environment reaches it."""
    for name in os.environ:
        if name.startswith(("BARROW_", "PYTEST_")) and name != "PYTEST_VERSION":
            monkeypatch.delenv(name)

    def run(source, *options, file="test_it"):
        pytester.makepyfile(**{file: source})
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest", *options)

    return run


def figures(pytester, name="out.json"):
    content = json.loads((pytester.path / name).read_text())
    assert content["barrow_pytest"] == 1
    return {test["id"].split("::", 1)[1]: test for test in content["tests"]}


# ---- markers: what pytest-memray's documentation shows ----


def test_limit_memory(session):
    result = session("""
        import pytest

        @pytest.mark.limit_memory("24 MB")
        def test_over():
            bytearray(25 * 1024**2)

        @pytest.mark.limit_memory("24 MB")
        def test_within():
            for _ in range(4):
                bytearray(20 * 1024**2)

        @pytest.mark.limit_memory("2MB")
        class TestAll:
            def test_one(self):
                bytearray(3 * 1024**2)

            @pytest.mark.limit_memory("10MB")
            def test_both_limits_hold(self):
                bytearray(3 * 1024**2)

        @pytest.mark.limit_memory("1.5 KB")
        @pytest.mark.xfail(strict=True)
        def test_expected():
            bytearray(2000)

        @pytest.mark.limit_memory("1 KB")
        def test_fails_by_itself():
            bytearray(5000)
            assert False, "the test's own failure"
    """)
    result.assert_outcomes(passed=1, failed=4, xfailed=1)
    text = result.stdout.str()
    assert "Test was limited to 24.0 MiB but allocated 25.0 MiB" in text
    # At the beginning of a line: where CI is set, pytest's summary repeats the message.
    assert text.count("\nTest was limited to 2.0 MiB but allocated 3.0 MiB") == 2
    assert "test_over:" in text and "test_it.py:5" in text
    assert "the test's own failure" in text
    assert "limited to 1.0 KiB" not in text


def test_limit_leaks(session):
    result = session("""
        import pytest

        kept = []

        def leak(size):
            kept.append(bytearray(size))

        @pytest.mark.limit_leaks("1 MB")
        def test_leaks():
            leak(1024**2)

        @pytest.mark.limit_leaks("1 MB")
        def test_each_place_by_itself():
            leak(600 * 1024)
            leak(600 * 1024)

        @pytest.mark.limit_leaks("1 MB")
        def test_one_place_often():
            for _ in range(2):
                leak(600 * 1024)

        @pytest.mark.limit_leaks("1 MB")
        def test_frees():
            bytearray(5 * 1024**2)

        def is_reported(stack):
            assert stack.frames[0].filename.endswith("test_it.py") or not stack.frames[0].lineno
            return not any(frame.function == "leak" for frame in stack.frames)

        @pytest.mark.limit_leaks("1 MB", filter_fn=is_reported)
        def test_filtered():
            leak(2 * 1024**2)
    """)
    result.assert_outcomes(passed=3, failed=2)
    text = result.stdout.str()
    assert text.count("Test was allowed to leak 1.0 MiB per location but at least one location leaked more") >= 2
    assert "    - 1.2 MiB in " in text
    assert "leak:" in text and "test_it.py:6" in text
    assert "_pytest/" not in text, "pytest's own frames are left out"


def test_current_thread_only(session):
    result = session("""
        import pytest, threading

        kept = []

        def elsewhere(size):
            thread = threading.Thread(target=lambda: kept.append(bytearray(size)))
            thread.start()
            thread.join()

        @pytest.mark.limit_memory("1 MB")
        def test_all_threads():
            elsewhere(2 * 1024**2)

        @pytest.mark.limit_memory("1 MB", current_thread_only=True)
        def test_this_thread():
            elsewhere(2 * 1024**2)

        @pytest.mark.limit_memory("1 MB", current_thread_only=True)
        def test_this_thread_over():
            elsewhere(10)
            kept.append(bytearray(2 * 1024**2))

        @pytest.mark.limit_leaks("1 MB", current_thread_only=True)
        def test_leak_elsewhere():
            elsewhere(2 * 1024**2)

        @pytest.mark.limit_leaks("1 MB")
        def test_leak_all_threads():
            elsewhere(2 * 1024**2)
    """)
    result.assert_outcomes(passed=2, failed=3)
    names = [line for line in result.outlines if line.startswith("FAILED")]
    assert [name for name in names if "test_this_thread_over" in name or "all_threads" in name] == names


@pytest.mark.parametrize(
    "mark, complaint",
    [
        ('limit_memory("24 XB")', "'24 XB' is not a size like '24 MB'"),
        ("limit_memory(24)", "24 is not a size like"),
        ("limit_memory()", "missing 1 required positional argument"),
        ('limit_leaks("1 MB", filter=None)', "unexpected keyword argument 'filter'"),
        ("limit_leaked_objects()", "barrow counts bytes, not objects"),
    ],
)
def test_markers_that_can_not_be(session, mark, complaint):
    result = session(f"""
        import pytest

        @pytest.mark.{mark}
        def test_it():
            pass
    """)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    [line] = [line for line in result.errlines if line.startswith("ERROR")]
    assert "test_it.py::test_it: " + mark.split("(")[0] in line
    assert complaint in line


def test_beside_pytest_memray_only_our_own_names(session, pytester, monkeypatch):
    pytester.makepyfile(memray="")
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    source = """
        import pytest

        @pytest.mark.limit_memory("1 KB")
        def test_theirs():
            bytearray(5000)

        @pytest.mark.barrow_limit_memory("1 KB")
        def test_ours():
            bytearray(5000)
    """
    result = session(source, "-p", "memray", "--strict-markers", "-k", "ours")
    assert "'limit_memory' not found in `markers`" in result.stdout.str()
    result = session(source, "-p", "memray")
    result.assert_outcomes(passed=1, failed=1)
    assert "test_theirs" not in "".join(line for line in result.outlines if line.startswith("FAILED"))


def test_nothing_is_loaded_unless_it_is_used(session):
    result = session("""
        import sys

        def test_it(request):
            assert request.config.pluginmanager.hasplugin("barrow")
            assert [name for name in sys.modules if name.startswith("barrow")] == ["barrow", "barrow.pytest_plugin"]
    """)
    result.assert_outcomes(passed=1)
    assert "barrow" not in result.stdout.str().split("rootdir")[1].split("\n", 3)[3]


# ---- --barrow ----

MIXED = """
    import pytest, unittest

    kept = []

    def grow(size):
        kept.append(bytearray(size))

    def test_peak():
        bytearray(3_000_000)

    def test_leak():
        grow(1_000_000)

    @pytest.mark.parametrize("size", [500_000])
    def test_sizes(size):
        bytearray(size)

    def test_skipped():
        pytest.skip("not here")

    def test_failing():
        bytearray(100_000)
        raise KeyError

    class TestCase(unittest.TestCase):
        def test_case(self):
            bytearray(200_000)
"""
PEAKS = {
    "test_peak": 3_000_000,
    "test_leak": 1_000_000,
    "test_sizes[500000]": 500_000,
    "test_failing": 100_000,
    "TestCase::test_case": 200_000,
}


def check_mixed(tests):
    assert set(tests) == set(PEAKS)
    for name, peak in PEAKS.items():
        # What pytest itself does around the body is a few KiB, for a failure more.
        slack = 50_000 if name == "test_failing" else 8_000
        assert peak <= tests[name]["peak_bytes"][0] < peak + slack
        assert peak <= tests[name]["total_bytes"][0]
    assert 1_000_000 <= tests["test_leak"]["leaked_bytes"][0] < 1_008_000
    assert 0 <= tests["test_peak"]["leaked_bytes"][0] < 8_000


def test_summary_figures_and_junit(session, pytester):
    result = session(MIXED, "--barrow", "--barrow-json=out.json", "--barrow-top=2", "--junit-xml=out.xml")
    result.assert_outcomes(passed=4, failed=1, skipped=1)
    check_mixed(figures(pytester))
    lines = result.outlines
    start = next(i for i, line in enumerate(lines) if "memory of tests (barrow)" in line)
    assert lines[start + 1].startswith("the 2 of 5 tests with the highest peak")
    assert lines[start + 3].split()[:2] == ["2.9", "MiB"] and lines[start + 3].endswith("::test_peak")
    assert lines[start + 4].split() == ["2.9", "MiB", "test_peak", "(test_it.py:9)"]
    assert lines[start + 5].endswith("::test_leak")
    assert lines[start + 6].split() == ["976.6", "KiB", "grow", "(test_it.py:6)"]
    junit = (pytester.path / "out.xml").read_text()
    assert 'name="barrow_peak_bytes" value="3000' in junit
    assert junit.count('name="barrow_allocations"') == len(PEAKS)


def test_xdist(session, pytester):
    result = session(MIXED, "--barrow", "--barrow-json=out.json", "-n2")
    result.assert_outcomes(passed=4, failed=1, skipped=1)
    check_mixed(figures(pytester))
    assert "tests with the highest peak" in result.stdout.str()
    assert "grow (test_it.py:6)" in result.stdout.str()


def test_options_from_the_ini_file(session, pytester):
    pytester.makeini("""
        [pytest]
        barrow = true
        barrow_top = 1
        barrow_sites = 0
        barrow_json = out.json
        barrow_repeat = 2
    """)
    result = session("def test_a(): bytearray(1000)\ndef test_b(): bytearray(90_000)")
    result.assert_outcomes(passed=2)
    assert "the 1 of 2 tests with the highest peak" in result.stdout.str()
    assert len(figures(pytester)["test_a"]["peak_bytes"]) == 2
    result = session("def test_c(): pass", "--barrow-top=0", "--barrow-repeat=1")
    assert result.outlines[-2].endswith("::test_c")
    pytester.makeini("[pytest]\nbarrow_repeat = often\n")
    result = session("def test_a(): pass")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "barrow_repeat = often: expected a number" in result.stderr.str()


def test_where_pytest_itself_is_recorded(session, pytester):
    session(MIXED, "--collect-only")
    marked = pytester.makepyfile(
        test_marked="""
        import pytest
        kept = []

        @pytest.mark.limit_memory("1 MB")
        def test_memory():
            bytearray(2 * 1024**2)

        @pytest.mark.limit_leaks("1 MB")
        def test_leaks():
            kept.append(bytearray(2 * 1024**2))
    """
    )
    command = [barrow_exe(), "run", "-q", "-o", "whole.barrow", "--python", sys.executable, "-m", "pytest"]
    result = pytester.run(*command, "--barrow", "--barrow-json=out.json", "test_it.py", marked)
    result.assert_outcomes(passed=5, failed=2, skipped=1)
    tests = {name: test for name, test in figures(pytester).items() if name in PEAKS}
    check_mixed(tests)
    assert "Test was limited to 1.0 MiB but allocated 2.0 MiB" in result.stdout.str()
    notes = [line for line in result.outlines if line.startswith("barrow: ")]
    assert len(notes) == 1 and "limit_leaks and current_thread_only are not checked" in notes[0]


# ---- --barrow-repeat ----


def test_repetition_finds_what_grows(session, pytester):
    result = session(
        """
        import pytest, unittest

        kept, cache = [], {}

        class Node:
            def __init__(self):
                self.me = self

        def test_grows():
            kept.append(bytearray(1000))

        def test_fills_a_cache():
            cache.setdefault("key", [bytearray(100_000)])

        def test_leaves_cycles_only():
            [Node() for _ in range(100)]

        replaced = {i: [i] for i in range(10)}

        def test_replaces_what_is_older():
            for i in replaced:
                replaced[i] = [i]

        def test_nothing():
            [str(i) * 100 for i in range(1000)]

        def test_once_only(tmp_path):
            (tmp_path / "made").mkdir()

        class TestCase(unittest.TestCase):
            def test_case(self):
                kept.append(object())

        @pytest.mark.limit_leaks("1 MB", filter_fn=lambda stack: False)
        def test_ignored():
            kept.append(bytearray(1000))
    """,
        "--barrow-repeat=6",
        "--barrow-json=out.json",
    )
    result.assert_outcomes(passed=6, failed=2)
    text = result.stdout.str()
    failed = [line for line in result.outlines if line.startswith("FAILED")]
    assert ["test_grows" in failed[0], "test_case" in failed[1]] == [True, True]
    assert "Each run of the test leaves 1.0 KiB more behind" in text
    assert "test_grows:" in text and "test_it.py:10" in text
    assert "test_once_only can't be repeated: FileExistsError" in text
    tests = figures(pytester)
    assert len(tests["test_once_only"]["peak_bytes"]) == 1
    assert tests["test_nothing"]["leaked_bytes"][2:] == [0] * 4
    assert tests["test_leaves_cycles_only"]["leaked_blocks"][2:] == [0] * 4
    assert 1000 <= tests["test_grows"]["leaked_bytes"][3] < 1200
    assert tests["test_fills_a_cache"]["leaked_bytes"][0] > 100_000
    assert tests["test_fills_a_cache"]["leaked_bytes"][1:] == [0] * 5


def test_a_few_rounds_give_no_verdict(session, pytester):
    source = "kept = []\ndef test_grows(): kept.append(bytearray(1000))"
    session(source, "--barrow-repeat=4").assert_outcomes(passed=1)
    session(source, "--barrow-repeat=5").assert_outcomes(failed=1)
    result = session(source, "--barrow-repeat=0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


# ---- --barrow-compare ----


def test_comparison(session, pytester):
    source = "def test_same(): bytearray(50_000)\ndef test_more(): bytearray({})\ndef test_less(): bytearray({})"
    session(source.format(100_000, 900_000), "--barrow-json=base.json", "--barrow-repeat=6")
    changed = source.format(200_000, 300_000)
    options = ["--barrow-compare=base.json", "--barrow-repeat=6"]
    result = session(changed, *options)
    assert result.ret == 0
    lines = result.outlines
    start = next(i for i, line in enumerate(lines) if "memory compared (barrow)" in line)
    assert lines[start + 1].startswith("3 tests are in base.json too; 2 figures differ by 5 %")
    more, less = lines[start + 3].split(), lines[start + 4].split()
    assert more[-1] == "test_it.py::test_more" and more[-2] == "peak" and more[4].startswith("+9")
    assert less[-1] == "test_it.py::test_less" and less[4].startswith("-6")
    assert float(more[-3]) < 0.05
    assert session(changed, *options, "--barrow-compare-fail").ret == 1
    assert session(changed, *options, "--barrow-compare-fail", "--barrow-threshold=200").ret == 0
    assert session(source.format(100_000, 300_000), *options, "--barrow-compare-fail").ret == 0


def test_comparison_of_single_rounds_says_so(session, pytester):
    session("def test_it(): bytearray(100_000)", "--barrow-json=base.json")
    result = session("def test_it(): bytearray(200_000)", "--barrow-compare=base.json", "--barrow-compare-fail")
    assert result.ret == 1
    assert "few rounds: what differs may be chance; --barrow-repeat 6" in result.stdout.str()


@pytest.mark.parametrize(
    "content, complaint",
    [
        (None, "can't be read: No such file or directory"),
        ("{}", "no figures of tests; --barrow-json writes them"),
        ("[", "no figures of tests"),
        ('{"barrow_pytest": 2}', "of a newer barrow"),
        ('{"barrow_pytest": 1, "tests": [{"id": "a"}]}', "no figures of tests"),
    ],
)
def test_files_that_can_not_be_compared_with(session, pytester, content, complaint):
    if content is not None:
        (pytester.path / "base.json").write_text(content)
    result = session("def test_it(): pass", "--barrow-compare=base.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"--barrow-compare base.json: {complaint}" in result.stderr.str()


def test_a_file_that_can_not_be_written(session, pytester):
    result = session("def test_it(): pass", "--barrow-json=nowhere/out.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--barrow-json nowhere/out.json: " in result.stderr.str()
    (pytester.path / "out.json").mkdir()
    result = session("def test_it(): pass", "--barrow-json=out.json")
    result.assert_outcomes(passed=1)
    assert "barrow: --barrow-json out.json: can't be written: Is a directory" in result.outlines
    assert not list(pytester.path.glob("*.tmp"))


# ---- arithmetic ----


@pytest.mark.parametrize(
    "text, size",
    [
        ("24 MB", 24 * MIB),
        ("24MB", 24 * MIB),
        ("1.5 kb", 1536),
        (".5 GB", MIB * 512),
        ("+3 TB", 3 * 1024**4),
        ("100B", 100),
        ("2 MiB", 2 * MIB),
    ],
)
def test_sizes(text, size):
    assert _pytest_measure.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "24", "24 XB", "-1 MB", "1 M", "1,5 MB", "24 MBs", None, 24])
def test_no_sizes(text):
    with pytest.raises(ValueError):
        _pytest_measure.parse_size(text)


@pytest.mark.parametrize(
    "steps, expected",
    [
        ([100] * 5, 100),
        ([0] * 5, 0),
        ([500, 0, 0, 0, 0], 0),
        ([0, 0, 500, 0, 0], 0),
        ([0, 0, 0, 0, 500], 0),
        ([-8] * 5, 0),
        ([100, 100, 900, 100, 100], 300),  # a leap is shared out, as by any slope
        ([300, -300, 300, -300, 300], 0),
        ([], 0),
    ],
)
def test_growth(steps, expected):
    assert _pytest_measure.growth(steps) == expected


def test_blocks_that_are_replaced_are_no_growth():
    def left(blocks, size, unknown):
        return _pytest_measure.Round(0, size, blocks, 0, 0, unknown)

    assert _pytest_measure.steps([left(1, 56, 1), left(3, 90, 1), left(0, 500, 0)]) == ([0, 90, 500], [0, 2, 0])


def test_noise_is_no_change():
    generator = random.Random(7)
    before, after = ([generator.gauss(1000, 100) for _ in range(6)] for _ in range(2))
    found = _pytest_compare.change("test", "peak_bytes", before, after)
    assert not found.is_significant and 0 < found.p <= 1
    found = _pytest_compare.change("test", "peak_bytes", [9, *range(10, 15)], [9, *range(20, 25)])
    assert found.is_significant and (found.before, found.after) == (12, 22)
    assert math.isnan(_pytest_compare.change("test", "peak_bytes", [1, 2, 3], [7]).p)
    assert _pytest_compare.change("test", "peak_bytes", [1, 2, 3], [7]).before == 1
