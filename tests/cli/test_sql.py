"""`barrow sql`: the guide's examples, other programs' way to the same figures, hostile queries."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import resource
import sqlite3
from pathlib import Path

import pytest
from harness import Barrow, one_line

GUIDE = Path(__file__).resolve().parents[2] / "docs/guide/sql.md"
EXAMPLE = re.compile(r"^```sql (\S+)\n(.*?)^```\n```text\n(.*?)^```\n", re.M | re.S)
EXAMPLES = EXAMPLE.findall(GUIDE.read_text())
OUR_FUNCTIONS = re.compile(r"\b(size|duration|percent|stack_text)\(")
WIDE = {"COLUMNS": "1000"}


@pytest.fixture(autouse=True)
def needs_sqlite(barrow: Barrow) -> None:
    if b"built without SQLite" in barrow("sql", "etl.barrow", ".tables").stderr:
        pytest.skip("this barrow was built without SQLite")


def rows(barrow: Barrow, ledger: str, query: str) -> list[tuple]:
    done = barrow("sql", "--json", ledger, query)
    assert (done.returncode, done.stderr) == (0, b"")
    answer = json.loads(done.stdout)
    assert all(list(row) == answer["columns"] for row in answer["rows"])
    return [tuple(row.values()) for row in answer["rows"]]


def database(barrow: Barrow, ledger: str, tmp_path: Path) -> sqlite3.Connection:
    path = tmp_path / "x.sqlite"
    done = barrow("export", "-F", "sqlite", "-o", str(path), ledger)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    return sqlite3.connect(path)


def test_the_guide_has_ten_examples() -> None:
    assert len(EXAMPLES) == 10
    assert len(PLAIN_EXAMPLES) == 5
    assert GUIDE.read_text().count("```sql") == 10


def test_the_guide_shows_what_is_answered(barrow: Barrow) -> None:
    """With BARROW_GOLDEN=write the answers are written anew."""

    def answer(found: re.Match[str]) -> str:
        ledger, query, _ = found.groups()
        done = barrow("sql", ledger, query, env=WIDE)
        assert (done.returncode, done.stderr) == (0, b""), query
        lines = [line for line in done.stdout.decode().split("\n") if not line.startswith("note: ")]
        assert len(lines) > 2, query
        return "```sql {}\n{}```\n```text\n{}```\n".format(ledger, query, "\n".join(lines))

    text = GUIDE.read_text()
    wanted = EXAMPLE.sub(answer, text)
    if os.environ.get("BARROW_GOLDEN") == "write":
        GUIDE.write_text(wanted)
    else:
        assert text == wanted


def test_the_guide_names_every_table_and_every_column_of_sites(barrow: Barrow) -> None:
    text = GUIDE.read_text()
    for (name,) in rows(barrow, "etl.barrow", "select name from tables"):
        assert f"`{name}`" in text.split("## Functions")[0], name
    for (name,) in rows(barrow, "etl.barrow", "select name from columns where table_name = 'sites'"):
        assert f"`{name}`" in text, name


PLAIN_EXAMPLES = [example for example in EXAMPLES if not OUR_FUNCTIONS.search(example[1])]


@pytest.mark.parametrize("example", PLAIN_EXAMPLES, ids=lambda example: example[1].split(",")[0])
def test_the_database_gives_the_same_answers(barrow: Barrow, tmp_path: Path, example: tuple) -> None:
    ledger, query, _ = example
    with database(barrow, ledger, tmp_path) as db:
        assert db.execute(query).fetchall() == rows(barrow, ledger, query) != []


@pytest.mark.parametrize("ledger", ["etl.barrow", "hostile.barrow", "deep.barrow", "empty.barrow", "family"])
def test_every_table_is_the_same_in_the_database(barrow: Barrow, tmp_path: Path, ledger: str) -> None:
    with database(barrow, ledger, tmp_path) as db:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
        names = rows(barrow, ledger, "select name from tables")
        assert names == db.execute("select name from tables").fetchall()
        assert {name for (name,) in names} == {
            name for (name,) in db.execute("select name from sqlite_schema where type = 'table'")
        }
        for (name,) in names:
            assert db.execute(f"select * from {name}").fetchall() == rows(
                barrow, ledger, f"select * from {name}"
            )


def test_columns_are_described(barrow: Barrow) -> None:
    listed = rows(barrow, "etl.barrow", ".schema")
    assert all(all(cell for cell in row) for row in listed)
    for (name,) in rows(barrow, "etl.barrow", "select name from tables"):
        columns = [row[1] for row in listed if row[0] == name]
        assert columns == [row[1] for row in rows(barrow, "etl.barrow", f"pragma table_info({name})")]
        assert listed[0][0] != name or rows(barrow, "etl.barrow", f".schema {name} ;") == [
            row for row in listed if row[0] == name
        ]


@pytest.mark.parametrize("ledger", ["etl.barrow", "family", "deep.barrow", "empty.barrow"])
def test_sites_add_up_to_the_summary(barrow: Barrow, ledger: str) -> None:
    summary = json.loads(barrow("summary", "--json", ledger).stdout)
    (told,) = rows(
        barrow,
        ledger,
        "select coalesce(sum(leaked_bytes), 0), coalesce(sum(leaked_blocks), 0),"
        " coalesce(sum(total_bytes), 0), coalesce(sum(total_blocks), 0), coalesce(sum(temporary_bytes), 0) from sites",
    )
    keys = ("live_bytes", "live_blocks", "total_bytes", "allocations", "temporary_bytes")
    assert told == tuple(summary[key] for key in keys)
    (told,) = rows(barrow, ledger, "select * from summary")
    names = [name for (name,) in rows(barrow, ledger, "select name from columns where table_name = 'summary'")]
    for name, value in zip(names, told, strict=True):
        if not (name == "max_rss_bytes" and value is None):
            wanted = summary[name]
            assert value == (wanted if isinstance(wanted, str) else pytest.approx(float(wanted))), name


@pytest.mark.parametrize("by", ["function", "file", "module", "domain", "thread"])
def test_groups_are_those_of_table(barrow: Barrow, by: str) -> None:
    table = json.loads(barrow("table", "--json", "--by", by, "etl.barrow").stdout)["rows"]
    keys = ("function", "file", "domain") if by == "function" else (by,)
    wanted = sorted((*(row[key] for key in keys), row["bytes"], row["blocks"]) for row in table)
    columns = ", ".join(f"coalesce({key}, '')" for key in keys)
    query = f"select {columns}, sum(peak_bytes) b, sum(peak_blocks) from sites group by {columns} having b > 0"
    assert sorted(rows(barrow, "etl.barrow", query)) == wanted


def test_every_join_by_id_finds_what_a_scan_finds(barrow: Barrow) -> None:
    for one, column, other in (
        ("sites", "stack_id", "stacks"),
        ("sites", "frame_id", "frames"),
        ("stacks", "parent_id", "stacks"),
        ("stacks", "frame_id", "frames"),
        ("changes", "site_id", "sites"),
        ("changes", "checkpoint_id", "checkpoints"),
        ("samples", "process_id", "processes"),
    ):
        for order in (f"{one} a cross join {other} b", f"{other} b cross join {one} a"):
            query = "select count(*), sum(a.rowid * 7 + b.rowid * 31) from {} where {} = b.id"
            indexed = rows(barrow, "family", query.format(order, f"a.{column}"))
            scanned = rows(barrow, "family", query.format(order, f"+a.{column}").replace("b.id", "+b.id"))
            assert indexed == scanned
            assert indexed[0][0] > 0


@pytest.mark.parametrize("value", ["-1", "1e300", "'x'", "null", "2.5", "9223372036854775807", "x'00'"])
def test_look_ups_of_what_is_not_there(barrow: Barrow, value: str) -> None:
    for column in ("id", "stack_id", "frame_id"):
        assert rows(barrow, "etl.barrow", f"select id from sites where {column} = {value}") == []
    assert rows(barrow, "etl.barrow", "select id from stacks where id = 2.0") == [(2,)]
    assert rows(barrow, "etl.barrow", "select id from stacks where id = '2'") == [(2,)]
    assert rows(barrow, "etl.barrow", f"select stack_text({value})") == [(None,)]


def test_functions(barrow: Barrow) -> None:
    query = (
        "select size(1536), size(-1536), size(null), duration(0.34), duration(-2), duration(null),"
        " percent(1, 3), percent(1, 0), percent(null, 2), stack_text(null), size(9223372036854775807),"
        " size(-9223372036854775808), duration(1e300) like '% h % min'"
    )
    assert rows(barrow, "etl.barrow", query) == [
        ("1.5 KiB", "-1.5 KiB", None, "340 ms", "-2.0 s", None, "33.3%", None, None, None, "7.9 EiB", "-8.0 EiB", 1)
    ]
    folded = barrow("export", "-F", "folded", "-m", "total", "etl.barrow").stdout.decode().splitlines()
    wanted = {line.rpartition(" ")[0] for line in folded} - {"(no Python frame)"}
    told = rows(barrow, "etl.barrow", "select distinct stack_text(stack_id) from sites where frame_id > 0")
    assert {stack for (stack,) in told} == wanted


def test_csv_is_read_as_it_was_meant(barrow: Barrow) -> None:
    query = "select 'a,\"b\"' as \"x,y\", null as n, 'p' || char(13, 10) || 'q' as two, 1.5 as f, x'ff' as blob"
    text = barrow("sql", "--csv", "etl.barrow", query).stdout.decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["x,y", "n", "two", "f", "blob"],
        ['a,"b"', "", "p\r\nq", "1.5", "x'ff'"],
    ]
    whole = barrow("sql", "--csv", "hostile.barrow", "select * from sites").stdout.decode()
    assert len(list(csv.reader(io.StringIO(whole, newline="")))) == 8


def test_json_keys_are_distinct_and_limits_hold(barrow: Barrow) -> None:
    done = barrow("sql", "--json", "etl.barrow", "select 1 a, 2 a, 3 a_2, null a")
    assert json.loads(done.stdout)["rows"] == [{"a": 1, "a_2": 2, "a_2_2": 3, "a_3": None}]
    assert len(json.loads(barrow("sql", "--json", "-n2", "etl.barrow", "select * from sites").stdout)["rows"]) == 2
    assert barrow("sql", "-n2", "etl.barrow", "select id from stacks").stdout.decode().splitlines()[1:] == [
        "  0", "  1", " … more rows; --limit 0 shows all",
    ]


def test_text_goes_on_after_many_rows(barrow: Barrow) -> None:
    query = "with recursive c(x) as (select 1 union all select x + 1 from c where x < 5000) select x from c"
    lines = barrow("sql", "etl.barrow", query).stdout.decode().split()
    assert [int(word) for word in lines if word.isdigit()] == list(range(1, 5001))


def test_query_from_standard_input(barrow: Barrow) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"-- a remark\nselect count(*) as n\nfrom sites;\n")
    os.close(writer)
    with os.fdopen(reader) as stdin:
        done = barrow("sql", "--csv", "etl.barrow", "-", stdin=stdin)
    assert done.stdout == b"n\r\n23\r\n"


@pytest.mark.parametrize(
    "query",
    [
        "create table x(y)", "create temp table x(y)", "create view v as select 1", "drop table sites",
        "insert into sites(id) values (1)", "delete from sites", "update sites set id = 1",
        "attach 'stolen.db' as x", "vacuum into 'stolen.db'", "vacuum", "begin", "savepoint x", "reindex",
        "analyze", "pragma journal_mode", "pragma temp_store_directory = '/'", "pragma writable_schema = 1",
        "select load_extension('x')", "select fts3_tokenizer('x')", "select writefile('stolen.db', 'x')",
        "select readfile('/etc/passwd')", "select edit('x')", "create virtual table x using fts5(y)",
        "select 1; select 2", "explain", "", " -- nothing", ".dump", ".tables x", "select", "select * from births",
        "select born from sites", "select " + "(" * 500 + "1" + ")" * 500, "select " + "-" * 500 + "1",
        "select 9223372036854775807 + 1 from (select sum(9223372036854775807) from sites)",
        "values " + ",".join(["(1)"] * 100) + " union " + " union ".join(["select 1"] * 100),
        "select zeroblob(2000000000)", "select " + ",".join("1" * 600),
        "select 'x' like '" + "%a" * 1000 + "'", "select 1 /*" + "\n" * 5 + "*/ from \"a\nb\"",
    ],
)  # fmt: skip
def test_what_can_not_be_asked_is_an_error_of_one_line(barrow: Barrow, query: str) -> None:
    before = sorted(os.listdir(barrow.directory))
    for format in ((), ("--csv",)):
        done = barrow("sql", *format, "etl.barrow", query)
        assert done.returncode == 2, done.stdout
        one_line(done.stderr)
    assert sorted(os.listdir(barrow.directory)) == before


def test_memory_is_bounded(barrow: Barrow) -> None:
    query = (
        "with recursive c(x) as (select 1 union all select x + 1 from c) "
        "select hex(zeroblob(30000000)), x from c order by 2 desc"
    )

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))

    under_sanitizer = "ASAN_OPTIONS" in os.environ
    done = barrow("sql", "etl.barrow", query, preexec_fn=None if under_sanitizer else limit)
    assert done.returncode == 2
    assert "1024 MiB" in one_line(done.stderr)
