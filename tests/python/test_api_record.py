"""barrow.record() and barrow.mark(), each in a fresh process: recording is of the whole process."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest
from runner import barrow_exe, clean_environment

MEGA = 1_000_000


def python(code, *before, cwd):
    return subprocess.run(
        [*before, sys.executable, "-c", textwrap.dedent(code)],
        env=clean_environment(),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def program(tmp_path):
    """Runs code in a process of its own; its last line of output is JSON."""

    def run(code):
        done = python(code, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return run


@pytest.fixture
def recorded(tmp_path):
    """The same under `barrow run`; gives that and the whole ledger's summary."""

    def run(code):
        path = tmp_path / "outer.barrow"
        script = tmp_path / "script.py"
        script.write_text(textwrap.dedent(code))
        command = [barrow_exe(), "run", "-q", "-o", path, "--python", sys.executable, script]
        done = subprocess.run(
            command,
            env=clean_environment(),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        shown = subprocess.run(
            [barrow_exe(), "summary", "--json", path], capture_output=True, check=True
        ).stdout
        return json.loads(done.stdout), json.loads(shown)

    return run


# ---- a recording of its own ----


def test_context_manager_writes_a_ledger(program, tmp_path):
    result = program("""
        import barrow, json
        with barrow.record("part.barrow") as recording:
            kept = bytearray(1_000_000)
            bytes(2_000_000)
        later = bytearray(4_000_000)
        print(json.dumps([recording.summary(), [r._asdict() for r in recording.table("total", limit=2)]]))
    """)
    summary, rows = result
    assert (tmp_path / "part.barrow").exists()
    assert summary["complete"] is True
    assert summary["ended"] == "stop() was called"
    assert 3 * MEGA <= summary["peak_bytes"] < 3.2 * MEGA
    assert MEGA <= summary["live_bytes"] < 1.2 * MEGA
    assert [(row["line"], row["bytes"] // MEGA) for row in rows] == [(5, 2), (4, 1)]


def test_without_a_path_the_ledger_lies_in_memory(program, tmp_path):
    peaks, open_files = program("""
        import barrow, gc, json, os
        peaks, open_files = [], []
        for _ in range(3):
            recording = barrow.record()
            recording.start()
            kept = bytearray(1_000_000)
            recording.stop()
            ledger = recording.open()
            assert recording.open() is ledger
            peaks.append(recording.summary()["peak_bytes"])
            del recording, ledger, kept
            gc.collect()
            open_files.append(len(os.listdir("/proc/self/fd")))
        print(json.dumps([peaks, open_files]))
    """)
    assert all(MEGA <= peak < 1.2 * MEGA for peak in peaks)
    assert len(set(open_files)) == 1, "a ledger's descriptor is left open"
    assert list(tmp_path.iterdir()) == []


def test_recording_again_starts_afresh(program):
    peaks = program("""
        import barrow, json
        peaks = []
        recording = barrow.record()
        for size in (3_000_000, 1_000_000):
            with recording:
                bytearray(size)
            peaks.append(recording.summary()["peak_bytes"] // 1_000_000)
        print(json.dumps(peaks))
    """)
    assert peaks == [3, 1]


def test_scope_system_leaves_small_objects_out(program):
    totals = program("""
        import barrow, json
        totals = []
        for scope in ("all", "system"):
            with barrow.record(scope=scope) as recording:
                kept = [object() for _ in range(1000)]
            totals.append({row.domain for row in recording.table("total")})
        print(json.dumps([sorted(t) for t in totals]))
    """)
    assert "obj" in totals[0]
    assert not {"obj", "mem"} & set(totals[1])


def test_exception_passes_through_and_ends_the_recording(program):
    assert program("""
        import barrow, json
        recording = barrow.record()
        try:
            with recording:
                raise KeyError("x")
        except KeyError:
            pass
        from barrow import _core
        print(json.dumps([_core.recording(), recording.summary()["complete"]]))
    """) == [False, True]


def test_misuse_is_an_error(program):
    assert (
        program("""
        import barrow, json
        texts = []
        def fails(function):
            try:
                function()
            except (barrow.Error, OSError, ValueError) as error:
                texts.append(type(error).__name__)
        recording = barrow.record()
        fails(recording.stop)
        fails(recording.open)
        recording.start()
        fails(recording.start)
        fails(recording.open)
        recording.stop()
        fails(lambda: barrow.record("/nowhere/x.barrow").start())
        fails(lambda: barrow.record(scope="some"))
        fails(lambda: barrow.record(max_table=0))
        with barrow.record():
            pass
        print(json.dumps(texts))
    """)
        == ["Error"] * 4 + ["LedgerError"] + ["ValueError"] * 2
    )


def test_mark_without_a_recording_is_nothing(program):
    assert program("import barrow; print(barrow.mark('here') or 0)") == 0


# ---- decorators ----


def test_decorators_of_every_kind(program):
    peaks = program("""
        import asyncio, barrow, json

        records = [barrow.record() for _ in range(4)]

        @records[0]
        def plain(size):
            bytearray(size)
            return "plain"

        @records[1]
        async def coroutine(size):
            await asyncio.sleep(0)
            bytearray(size)
            return "coroutine"

        @records[2]
        def generator(size):
            got = yield 1
            bytearray(size)
            yield got
            return "generator"

        @records[3]
        async def async_generator(size):
            got = yield 1
            bytearray(size)
            try:
                yield got
            except KeyError:
                yield "caught"

        async def drive():
            assert await coroutine(2_000_000) == "coroutine"
            g = async_generator(4_000_000)
            assert await anext(g) == 1
            assert await g.asend("sent") == "sent"
            assert await g.athrow(KeyError()) == "caught"
            await g.aclose()

        assert plain(1_000_000) == "plain" and plain.__name__ == "plain"
        asyncio.run(drive())
        g = generator(3_000_000)
        assert next(g) == 1 and g.send("sent") == "sent"
        try:
            next(g)
        except StopIteration as stop:
            assert stop.value == "generator"
        print(json.dumps([r.summary()["peak_bytes"] // 1_000_000 for r in records]))
    """)
    assert peaks == [1, 2, 3, 4]


def test_decorated_function_may_recurse(program):
    assert (
        program("""
        import barrow, json
        recording = barrow.record()
        @recording
        def down(n):
            bytearray(1_000_000)
            return n and down(n - 1)
        down(3)
        rows = recording.table("total", by="function", filter="function=down")
        print(json.dumps(sum(row.blocks for row in rows if row.bytes >= 4_000_000)))
    """)
        >= 4
    )


# ---- regions of a recorded process ----


def test_inner_record_is_a_region(recorded):
    (region, nested), whole = recorded("""
        import barrow, json
        before = bytearray(8_000_000)
        with barrow.record("ignored.barrow") as outer:
            kept = bytearray(1_000_000)
            with barrow.record() as inner:
                bytearray(2_000_000)
        bytearray(16_000_000)
        try:
            outer.table()
        except barrow.Error as error:
            assert "region" in str(error)
        print(json.dumps([outer.summary(), inner.summary()]))
    """)
    assert 3 * MEGA <= region["peak_bytes"] < 3.3 * MEGA
    assert MEGA <= region["live_bytes"] < 1.3 * MEGA
    assert 3 * MEGA <= region["total_bytes"] < 3.5 * MEGA
    assert 1.99 * MEGA <= nested["peak_bytes"] < 2.3 * MEGA
    assert region["start_s"] <= nested["start_s"] <= nested["stop_s"] <= region["stop_s"]
    assert region["stop_s"] <= whole["duration_s"]
    # Times of peaks come from a coarse clock.
    assert nested["start_s"] - 0.1 <= nested["peak_time_s"] <= nested["stop_s"]
    assert whole["peak_bytes"] >= 25 * MEGA


def test_region_summary_has_the_documented_keys(recorded):
    (summary, documented), _ = recorded("""
        import barrow, json
        from barrow._record import RegionSummary
        with barrow.record() as region:
            pass
        barrow.mark("here")
        print(json.dumps([region.summary(), list(RegionSummary.__annotations__)]))
    """)
    assert set(documented) == set(summary)
