"""barrow.open(): summaries and tables of a ledger whose content is known."""

from __future__ import annotations

import gc
import json
import subprocess
import tracemalloc

import pytest
from ledger_file import INNER, MALLOC, OUTER, LedgerFile
from runner import barrow_exe

import barrow

FILE, INNER_NAME, INNER_LINE = INNER
OUTER_LINE = OUTER[2]


def test_summary_says_what_was_recorded(ledger_path):
    summary = barrow.open(ledger_path).summary()
    expected = {
        "command": "app.py",
        "pid": 4242,
        "mode": "count",
        "scope": "all",
        "complete": True,
        "duration_s": 2.0,
        "peak_bytes": 3400,
        "peak_time_s": 1.5,
        "live_bytes": 2400,
        "live_blocks": 6,
        "total_bytes": 3500,
        "allocations": 8,
        "frees": 2,
        "unknown_frees": 7,
        "temporary_allocations": 1,
        "sites": 2,
        "stacks": 2,
        "threads": 1,
        "max_rss_bytes": 50 << 20,
    }
    assert {key: summary[key] for key in expected} == expected
    assert set(summary["dropped"].values()) == {0}
    assert summary["warnings"] == []


def test_summary_has_the_keys_of_the_command(ledger_path):
    printed = subprocess.run(
        [barrow_exe(), "summary", "--json", str(ledger_path)], stdout=subprocess.PIPE, check=True
    ).stdout
    assert barrow.open(ledger_path).summary() == json.loads(printed)


def test_summary_type_names_every_key(ledger_path):
    from barrow._open import ProcessSummary, Summary

    summary = barrow.open(ledger_path).summary()
    assert set(summary) == set(Summary.__annotations__)
    assert set(summary["processes"][0]) == set(ProcessSummary.__annotations__)


@pytest.mark.parametrize(
    "metric, inner, outer",
    [
        ("peak", (3000, 3), (400, 4)),
        ("leaked", (2000, 2), (400, 4)),
        ("total", (3000, 3), (500, 5)),
        ("temporary", None, (100, 1)),
    ],
)
def test_table_by_line(ledger_path, metric, inner, outer):
    table = barrow.open(ledger_path).table(metric)
    assert table.columns == ("function", "file", "line", "domain", "bytes", "blocks")
    expected = [(INNER_NAME, FILE, INNER_LINE, "malloc", *inner)] if inner else []
    expected += [("outer", FILE, OUTER_LINE, "obj", *outer)]
    assert list(table) == expected


@pytest.mark.parametrize(
    "by, expected",
    [
        ("function", [(INNER_NAME, FILE, "malloc", 3000, 3), ("outer", FILE, "obj", 400, 4)]),
        ("file", [(FILE, 3400, 7)]),
        ("domain", [("malloc", 3000, 3), ("obj", 400, 4)]),
        ("thread", [("MainThread", 3400, 7)]),
        (
            "stack",
            [
                ([(INNER_NAME, FILE, INNER_LINE), ("outer", FILE, OUTER_LINE)], 3000, 3),
                ([("outer", FILE, OUTER_LINE)], 400, 4),
            ],
        ),
    ],
)
def test_table_by_other_things(ledger_path, by, expected):
    assert list(barrow.open(ledger_path).table(by=by)) == expected


def test_rows_have_names(ledger_path):
    row = barrow.open(ledger_path).table(by="stack")[0]
    assert (row.bytes, row.blocks, row.stack[0].function) == (3000, 3, INNER_NAME)


@pytest.mark.parametrize("by", ["line", "function", "file", "module", "domain", "thread", "stack"])
def test_row_class_has_the_columns_of_its_table(ledger_path, by):
    table = barrow.open(ledger_path).table(by=by)
    assert table[0]._fields == table.columns


def test_inclusive_counts_callers_too(ledger_path):
    table = barrow.open(ledger_path).table(by="function", inclusive=True)
    sums = {}
    for row in table:
        sums[row.function] = sums.get(row.function, 0) + row.bytes
    assert sums == {"outer": 3400, INNER_NAME: 3000}


def test_filter_and_limit(ledger_path):
    ledger = barrow.open(ledger_path)
    assert [row.function for row in ledger.table(filter="function=outer")] == ["outer"]
    assert [row.function for row in ledger.table(limit=1)] == [INNER_NAME]
    assert len(ledger.table(filter="function=nowhere")) == 0


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"metric": "best"}, "best"),
        ({"by": "colour"}, "colour"),
        ({"filter": "colour=red"}, "colour"),
        ({"limit": -1}, "-1"),
    ],
)
def test_wrong_arguments_are_value_errors(ledger_path, arguments, words):
    with pytest.raises(ValueError, match=words):
        barrow.open(ledger_path).table(**arguments)


def test_table_is_a_sequence(ledger_path):
    table = barrow.open(ledger_path).table()
    assert len(table) == 2
    assert table[-1] == table[1] == list(table)[1]
    assert table[::-1] == [table[1], table[0]]
    assert table["bytes"] == [3000, 400]
    assert table[0] in table
    with pytest.raises(IndexError):
        table[2]
    with pytest.raises(KeyError, match="colour"):
        table["colour"]


def test_repr_shows_the_first_rows(ledger_path):
    ledger = barrow.open(ledger_path)
    lines = repr(ledger.table(by="domain")).split("\n")
    assert lines == ["domain  bytes  blocks", "malloc   3000       3", "obj       400       4"]
    assert repr(ledger.table(filter="function=nowhere")).endswith("(no rows)")
    assert "3,400 bytes" in repr(ledger)


def test_series(ledger_path):
    ledger = barrow.open(ledger_path)
    assert [tuple(row) for row in ledger.samples] == [(1.0, 4242, 10 << 20, 0, 3400, 10, 1, 1, 0)]
    assert [tuple(row) for row in ledger.gc_events] == [(1.1, 4242, 0.005, 2, 17, 0)]
    assert ledger.samples[0].rss_bytes == 10 << 20
    assert [tuple(row) for row in ledger.marks] == [(0.5, 4242, "loaded")]


def test_tables_outlive_ledger_and_file(ledger_path):
    table = barrow.open(ledger_path).table()
    ledger_path.unlink()
    gc.collect()
    assert [row.bytes for row in table] == [3000, 400]


def test_several_ledgers_are_merged(tmp_path):
    for pid in (10, 11):
        ledger = LedgerFile(pid=pid)
        ledger.site(ledger.stack(OUTER), MALLOC, allocated=100 * pid, allocations=1)
        ledger.write(tmp_path / f"app.{pid}.barrow")
    for source in (tmp_path, sorted(tmp_path.iterdir()), tuple(map(str, tmp_path.iterdir()))):
        ledger = barrow.open(source)
        assert [row.bytes for row in ledger.table("total")] == [2100]
        assert sorted(p["pid"] for p in ledger.summary()["processes"]) == [10, 11]


def test_ledgers_of_different_runs_are_refused(tmp_path):
    paths = [LedgerFile(run=bytes([n]) * 16).write(tmp_path / f"{n}.barrow") for n in (1, 2)]
    with pytest.raises(barrow.LedgerError):
        barrow.open(paths)


@pytest.mark.parametrize("content", [None, b"", b"no ledger\n" * 1000])
def test_what_is_no_ledger_is_refused(tmp_path, content):
    path = tmp_path / "x.barrow"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(barrow.LedgerError, match=r"x\.barrow"):
        barrow.open(path)
    assert issubclass(barrow.LedgerError, barrow.Error)


def test_names_that_are_no_unicode(tmp_path):
    ledger = LedgerFile()
    node = ledger.stack(("bad\udc80é.py", "f", 2))
    ledger.site(node, MALLOC, allocated=10, allocations=1)
    table = barrow.open(ledger.write(tmp_path / "x.barrow")).table("leaked")
    assert table[0].file.startswith("bad\ufffd")
    assert table[0].file.endswith("é.py")


def test_reading_again_and_again_keeps_no_memory(ledger_path):
    def once():
        ledger = barrow.open(ledger_path)
        list(ledger.table(by="stack"))
        ledger.table().__arrow_c_stream__()
        ledger.table().__arrow_c_schema__()
        ledger.summary(), ledger.samples, ledger.gc_events
        with pytest.raises(ValueError):
            ledger.table(filter="=")

    def rss():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    for _ in range(50):
        once()
    gc.collect()
    tracemalloc.start()
    try:
        once()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20):
            once()
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 20_000
    finally:
        tracemalloc.stop()
    before = rss()
    for _ in range(500):
        once()
    assert rss() - before < 3 << 20
