"""Tables as Arrow streams: what data frame libraries read is what was recorded."""

from __future__ import annotations

import gc

import pytest
from ledger_file import INNER, MMAP, OUTER, LedgerFile

import barrow


def library(name):
    return pytest.importorskip(name, reason=f"{name} has no wheel for this Python")


BY = ["line", "function", "file", "module", "domain", "thread", "stack"]


def plain(table):
    """Columns as lists, frames as dicts: what Arrow's own conversion gives."""
    columns = {name: table[name] for name in table.columns}
    if "stack" in columns:
        columns["stack"] = [[f._asdict() for f in stack] for stack in columns["stack"]]
    return columns


@pytest.mark.parametrize("by", BY)
def test_pyarrow(ledger_path, by):
    pyarrow = library("pyarrow")
    table = barrow.open(ledger_path).table("total", by=by)
    read = pyarrow.table(table)
    read.validate(full=True)
    assert read.to_pydict() == plain(table)
    assert pyarrow.schema(table) == read.schema
    assert not any(field.nullable for field in read.schema)


@pytest.mark.parametrize("by", BY)
def test_polars(ledger_path, by):
    polars = library("polars")
    table = barrow.open(ledger_path).table("total", by=by)
    assert polars.DataFrame(table).to_dict(as_series=False) == plain(table)


@pytest.mark.parametrize("by", BY)
def test_pandas(ledger_path, by):
    pandas = library("pandas")
    library("pyarrow")
    if not hasattr(pandas.DataFrame, "from_arrow"):
        pytest.skip(f"pandas {pandas.__version__} has no DataFrame.from_arrow")
    table = barrow.open(ledger_path).table("total", by=by)
    read = pandas.DataFrame.from_arrow(table)
    assert list(read.columns) == list(table.columns)
    for name, values in plain(table).items():
        assert [list(v) if name == "stack" else v for v in read[name]] == values


@pytest.mark.parametrize("by", BY)
def test_duckdb(ledger_path, by):
    duckdb = library("duckdb")
    rows = barrow.open(ledger_path).table("total", by=by)
    found = duckdb.sql("select * from rows").fetchall()
    assert found == list(zip(*plain(rows).values(), strict=True))
    assert duckdb.sql("select sum(bytes) from rows").fetchall() == [(3500,)]


def test_series(ledger_path):
    pyarrow = library("pyarrow")
    ledger = barrow.open(ledger_path)
    for table in (ledger.samples, ledger.gc_events):
        assert pyarrow.table(table).to_pydict() == plain(table)


def test_empty_table(ledger_path):
    pyarrow = library("pyarrow")
    for by in BY:
        table = barrow.open(ledger_path).table(by=by, filter="function=nowhere")
        read = pyarrow.table(table)
        read.validate(full=True)
        assert (read.num_rows, tuple(read.column_names)) == (0, table.columns)


def test_many_rows_of_every_length(tmp_path):
    pyarrow = library("pyarrow")
    ledger = LedgerFile()
    for number in range(3000):
        name = "é" * (number % 40) + f"f{number}"
        node = ledger.stack(*[OUTER, INNER][: number % 3], (f"dir/{name}.py", name, 2))
        ledger.site(node, MMAP, allocated=number + 1, allocations=1)
    opened = barrow.open(ledger.write(tmp_path / "many.barrow"))
    for by in ("line", "stack"):
        table = opened.table("leaked", by=by)
        assert len(table) == 3000
        assert pyarrow.table(table).to_pydict() == plain(table)
        assert [row.bytes for row in table] == list(range(3000, 0, -1))


def test_shares_memory(ledger_path):
    pyarrow = library("pyarrow")
    table = barrow.open(ledger_path).table()
    one, two = (pyarrow.table(table)["bytes"].chunk(0).buffers()[1] for _ in range(2))
    assert one.address == two.address


def test_arrays_outlive_the_table(ledger_path):
    pyarrow = library("pyarrow")
    table = barrow.open(ledger_path).table(by="stack")
    expected = plain(table)
    column = pyarrow.table(table)["stack"]
    del table
    gc.collect()
    assert column.to_pylist() == expected["stack"]


def test_capsules_may_go_unused(ledger_path):
    table = barrow.open(ledger_path).table()
    for _ in range(100):
        capsules = (table.__arrow_c_stream__(), table.__arrow_c_schema__())
        del capsules
    assert "arrow_array_stream" in repr(table.__arrow_c_stream__(None))
    assert "arrow_schema" in repr(table.__arrow_c_schema__())
