"""Heap snapshots of a real program in SQL, in databases and in the report's data: all say what `barrow types` says."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from container import Container, check_shape, read_page
from runner import barrow_exe, clean_environment, execute

import barrow

GUIDE = Path(__file__).resolve().parents[2] / "docs/guide/sql.md"
NO_PAGE = not Path(barrow.__file__).with_name("_page.html").stat().st_size

PROGRAM = """\
import gc

import barrow


class Order:
    def __init__(self, number):
        self.number = number
        self.lines = [str(number) * 12 for _ in range(5)]


class Loop:
    pass


orders = {}


def fill(start, count):
    for number in range(start, start + count):
        orders[f"order {number}"] = Order(number)


def drop(first, count):
    for number in range(first, first + count):
        del orders[f"order {number}"]


fill(0, 400)
dig = barrow.dig  # imports, which leaves cycles behind
gc.collect()
dig(label="first")
drop(0, 100)
fill(1000, 250)
gc.disable()
for _ in range(50):
    loop = Loop()
    loop.me = loop
    del loop
barrow.dig(label="second")
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("orders")
    (folder / "orders.py").write_text(PROGRAM)
    words = [barrow_exe(), "run", "-q", "--python", sys.executable, "-o", "orders.barrow", "orders.py"]
    done = subprocess.run(words, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "orders.barrow"


def sql(ledger: Path, query: str) -> list[tuple[Any, ...]]:
    done = execute([barrow_exe(), "sql", "--json", str(ledger), query])
    if "built without SQLite" in done.stderr:
        pytest.skip("this barrow was built without SQLite")
    assert done.status == 0, (query, done.stderr)
    return [tuple(row.values()) for row in json.loads(done.stdout)["rows"]]


def types(ledger: Path, number: int) -> dict[str, tuple[int, int, int]]:
    done = execute([barrow_exe(), "types", "--json", "--snapshot", str(number), str(ledger)])
    assert done.status == 0, done.stderr
    return {
        row["class"]: (row["objects"], row["bytes"], row["retained_bytes"]) for row in json.loads(done.stdout)["rows"]
    }


# ---- SQL ----


@pytest.mark.parametrize("number", [1, 2])
def test_types_are_those_of_the_view(ledger: Path, number: int) -> None:
    rows = sql(ledger, f"select class, objects, bytes, retained from types where snapshot = {number} and objects > 0")
    ours = {row[0]: row[1:] for row in rows}
    assert ours == types(ledger, number)
    (whole,) = sql(ledger, f"select objects, bytes from snapshots where id = {number}")
    counted = sql(ledger, f"select count(*), sum(bytes) from objects where snapshot = {number}")
    assert counted == [whole] == [tuple(map(sum, zip(*(row[:2] for row in ours.values()), strict=True)))]
    by_type = sql(
        ledger,
        "select types.class, count(*), sum(objects.bytes) from objects join types on types.id = type_id"
        f" where objects.snapshot = {number} group by types.id",
    )
    assert {row[0]: row[1:] for row in by_type} == {name: row[:2] for name, row in ours.items()}


def test_snapshots(ledger: Path) -> None:
    rows = sql(ledger, "select id, label, pid, garbage_objects, time_s from snapshots")
    assert [row[:2] for row in rows] == [(1, "first"), (2, "second")]
    assert rows[0][2] == sql(ledger, "select pid from summary")[0][0]
    assert rows[1][3] >= 50  # the loops, which nobody has collected
    assert rows[0][4] < rows[1][4]
    loops = sql(ledger, "select count(*) from objects where snapshot = 2 and class = '__main__.Loop' and idom is null")
    assert loops == [(50,)]


def test_what_a_dominator_retains_is_its_own_and_what_it_dominates(ledger: Path) -> None:
    wrong = sql(
        ledger,
        "select o.id from objects o where snapshot = 2 and idom is not null and retained !="
        " bytes + (select coalesce(sum(d.retained), 0) from objects d where d.idom = o.id) limit 5",
    )
    assert wrong == []
    (top,) = sql(ledger, "select retained from roots where snapshot = 2 and parent_id is null")
    (whole,) = sql(ledger, "select bytes - garbage_bytes from snapshots where id = 2")
    assert top == whole


def test_identity(ledger: Path) -> None:
    """400 orders, of which 100 go; then 250 more."""
    same, gone, new = (
        sql(
            ledger,
            f"select count(*) from objects where class = '__main__.Order' and snapshot = {a} and identity {how}"
            f" (select identity from objects where snapshot = {b})",
        )[0][0]
        for a, how, b in ((1, "in", 2), (1, "not in", 2), (2, "not in", 1))
    )
    assert (same, gone, new) == (300, 100, 250)
    (changed,) = sql(
        ledger,
        "select count(*) from objects a join objects b on b.identity = a.identity"
        " where a.snapshot = 1 and b.snapshot = 2 and (a.address != b.address or a.class != b.class)",
    )
    assert changed == (0,)
    (youngest,) = sql(ledger, "select max(identity) from objects where snapshot = 1")
    rows = sql(
        ledger,
        "select min(identity) from objects where snapshot = 2 and class = '__main__.Order'"
        " and identity not in (select identity from objects where snapshot = 1)",
    )
    assert rows[0][0] > youngest[0]


def test_births(ledger: Path) -> None:
    rows = sql(
        ledger,
        "select distinct birth_function, birth_file like '%orders.py', sites.domain from objects"
        " join sites on site_id = sites.id where class = '__main__.Order'",
    )
    assert rows == [("fill", 1, "obj")]
    query = "select distinct stack_text(stack_id) from objects where class = '__main__.Order' and snapshot = 1"
    stacks = sql(ledger, query)
    assert len(stacks) == 1 and re.search(r"<module> \(.*orders.py:\d+\);fill \(.*orders.py:\d+\)$", stacks[0][0])


def test_refs_lead_from_the_module_to_the_lines(ledger: Path) -> None:
    """module __main__ > __dict__ > 'orders' > value > .lines > [i] > str"""
    (dict_id,) = sql(
        ledger,
        "select refs.target from refs join objects o on o.id = refs.target"
        " where refs.name = 'orders' and o.class = 'dict' and o.snapshot = 2",
    )
    values = sql(
        ledger,
        "select count(*), count(distinct o.id) from refs join objects o on o.id = target"
        f" where source = {dict_id[0]} and kind = 'value' and class = '__main__.Order'",
    )
    assert values == [(550, 550)]
    lines = sql(
        ledger,
        f"select lines.name, lines.kind, items.position, items.kind, text.class, text.length from refs as orders"
        " join refs as lines on lines.source = orders.target and lines.name = 'lines'"
        " join refs as items on items.source = lines.target and items.kind = 'index'"
        " join objects as text on text.id = items.target"
        f" where orders.source = {dict_id[0]} and orders.kind = 'value' limit 5",
    )
    assert [row[:5] for row in lines] == [("lines", "attribute", n, "index", "str") for n in range(5)]


def test_looking_up_gives_what_scanning_gives(ledger: Path) -> None:
    """Ranges and indexes of columns, and the columns behind a +, which must be compared row by row."""
    some = [row[0] for row in sql(ledger, "select id from objects where snapshot = 2 limit 400 offset 3000")]
    some += [row[0] for row in sql(ledger, "select id from roots limit 40")]
    listed = ",".join(map(str, some))
    for column in ("source", "target"):
        query = "select source, target, name, kind, position, weak from refs where {} order by 1, 2, 3, 4, 5"
        looked_up = sql(ledger, query.format(f"{column} in ({listed})"))
        assert looked_up == sql(ledger, query.format(f"+{column} in ({listed})")) != []
    for table in ("objects", "types", "roots", "refs"):
        for number in (0, 1, 2, 3):
            (a,) = sql(ledger, f"select count(*) from {table} where snapshot = {number}")
            (b,) = sql(ledger, f"select count(*) from {table} where +snapshot = {number}")
            assert a == b and (a[0] > 0) == (number in (1, 2)), table


def test_roots_are_a_tree(ledger: Path) -> None:
    assert sql(ledger, "select kind from roots where parent_id is null and snapshot = 1") == [("everything",)]
    orphans = "select count(*) from roots r left join roots p on p.id = r.parent_id where p.id is null"
    assert sql(ledger, orphans) == [(2,)]
    names = {row[0] for row in sql(ledger, "select name from roots where kind = 'module' and snapshot = 1")}
    assert {"__main__", "sys", "barrow"} <= names
    parts = sql(ledger, "select count(*) from refs where kind = 'part'")
    assert parts == sql(ledger, "select count(*) from roots where parent_id is not null")


def test_the_database_has_the_same_rows(ledger: Path, tmp_path: Path) -> None:
    out = tmp_path / "orders.sqlite"
    assert execute([barrow_exe(), "export", "-F", "sqlite", "-o", str(out), str(ledger)]).status == 0
    with sqlite3.connect(out) as db:
        for table in ("snapshots", "types", "objects", "roots", "refs"):
            query = f"select count(*) from {table}"
            assert db.execute(query).fetchall() == sql(ledger, query)
        query = "select class, sum(bytes), sum(retained) from objects where snapshot = 2 group by 1 order by 1"
        assert db.execute(query).fetchall() == sql(ledger, query)


def test_the_guides_examples_give_answers(ledger: Path) -> None:
    section = GUIDE.read_text().split("## Heap snapshots")[1].split("\n## ")[0]
    examples = re.findall(r"((?:^    .*\n)+)", section, re.M)
    assert len(examples) == 3
    answers = [sql(ledger, example) for example in examples]
    assert all(answers)
    assert ("__main__.Order", "fill") in {row[:2] for row in answers[0]}
    assert {"orders", "__dict__", "__globals__"} & {row[1] for row in answers[1]}
    assert (answers[2][0][1]) > 1


# ---- the report ----


@pytest.fixture(scope="module")
def container(ledger: Path, tmp_path_factory) -> Container:
    if NO_PAGE:
        pytest.skip("barrow was built without the report's page")
    out = tmp_path_factory.mktemp("page") / "page.html"
    done = execute([barrow_exe(), "report", "-o", str(out), str(ledger)])
    assert done.status == 0, done.stderr
    return read_page(out.read_text(encoding="utf-8")).data["main"]


def test_shape(container: Container) -> None:
    check_shape(container)
    heaps = container.head["heaps"]
    assert [container.columns["strings"][heap["label"]] for heap in heaps] == ["first", "second"]
    assert container.head["heap_warnings"] == []
    for group in ("types", "nodes", "paths"):
        assert sum(heap[group] for heap in heaps) == len(container.rows(f"heap_{group}")) > 0


def rows_of(container: Container, group: str, number: int) -> list[dict[str, Any]]:
    heaps, rows = container.head["heaps"], container.rows(f"heap_{group}")
    first = sum(heap[group] for heap in heaps[: number - 1])
    return rows[first : first + heaps[number - 1][group]]


@pytest.mark.parametrize("number", [1, 2])
def test_classes_are_those_of_the_view(container: Container, ledger: Path, number: int) -> None:
    strings, seen = container.columns["strings"], types(ledger, number)
    rows = {
        strings[row["class"]]: (row["objects"], row["bytes"], row["retained"])
        for row in rows_of(container, "types", number)
    }
    others = rows.pop("", (0, 0, 0))
    assert rows == {name: seen[name] for name in rows}
    assert sum(row[0] for row in rows.values()) + others[0] == container.head["heaps"][number - 1]["objects"]
    assert sum(row[1] for row in rows.values()) + others[1] == container.head["heaps"][number - 1]["bytes"]


@pytest.mark.parametrize("number", [1, 2])
def test_dominators(container: Container, number: int) -> None:
    """Every row retains what its children retain, cut-off ones among them, and its own bytes."""
    rows = rows_of(container, "nodes", number)
    heap = container.head["heaps"][number - 1]
    assert (rows[0]["depth"], rows[0]["kind"]) == (0, 1)
    assert rows[0]["retained"] == heap["bytes"] - heap["garbage_bytes"]
    assert rows[0]["objects"] == heap["objects"] - heap["garbage_objects"]
    path: list[int] = []
    retained, objects = [0] * len(rows), [0] * len(rows)
    has_children = [False] * len(rows)
    for i, row in enumerate(rows):
        assert row["depth"] <= len(path)
        del path[row["depth"] :]
        if path and row["kind"] != 3:
            retained[path[-1]] += row["retained"]
            objects[path[-1]] += row["objects"]
            has_children[path[-1]] = True
        path.append(i)
    for i, row in enumerate(rows):
        if has_children[i]:
            assert row["retained"] == retained[i] + row["bytes"], row
            assert row["objects"] == objects[i] + (row["kind"] == 0), row
    assert any(row["kind"] == 3 and row["objects"] == heap["garbage_objects"] for row in rows) == (number == 2)
    words = {container.columns["strings"][row["reference"]] for row in rows}
    assert '["orders"]' in words
    frames = container.rows("frames")
    births = {container.columns["strings"][frames[row["birth"]]["function"]] for row in rows}
    assert "<module>" in births


def test_paths(container: Container) -> None:
    strings, rows = container.columns["strings"], rows_of(container, "paths", 2)
    tops = [i for i, row in enumerate(rows) if row["depth"] == 0]
    (top,) = [i for i in tops if strings[rows[i]["name"]] == "__main__.Order"]
    end = min([i for i in tops if i > top], default=len(rows))
    assert rows[top]["objects"] == 550
    assert sum(row["objects"] for row in rows[top + 1 : end] if row["depth"] == 1) + rows[top]["ends"] == 550
    assert sum(row["ends"] for row in rows[top + 1 : end]) == 550
    last = max(rows[top + 1 : end], key=lambda row: row["ends"])
    assert last["ends"] == 550 and strings[last["name"]] == "[*]" and strings[last["class"]] == "__main__.Order"
    assert any(strings[row["name"]].endswith("orders") or "orders" in strings[row["name"]] for row in rows[top:end])


def test_a_report_of_a_recording_without_snapshots_says_nothing_of_them(tmp_path: Path) -> None:
    if NO_PAGE:
        pytest.skip("barrow was built without the report's page")
    (tmp_path / "plain.py").write_text("kept = [bytearray(1000) for _ in range(100)]\n")
    words = [barrow_exe(), "run", "-q", "--python", sys.executable, "-o", "plain.barrow", "plain.py"]
    subprocess.run(words, cwd=tmp_path, env=clean_environment(), check=True)
    done = execute([barrow_exe(), "report", "-o", str(tmp_path / "plain.html"), str(tmp_path / "plain.barrow")])
    assert done.status == 0, done.stderr
    plain = read_page((tmp_path / "plain.html").read_text(encoding="utf-8")).data["main"]
    assert "heaps" not in plain.head and plain.rows("heap_types") == []
    assert sql(tmp_path / "plain.barrow", "select * from objects") == []
