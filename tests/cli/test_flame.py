"""`barrow flame`: the picture in text, in JSON and as SVG, against each other and against the tree."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from harness import Barrow, environment
from test_behaviour import on_terminal

LEDGERS = ("etl.barrow", "hostile.barrow", "deep.barrow", "many.barrow", "empty.barrow", "family")
SVG = "{http://www.w3.org/2000/svg}"


def cells_of(barrow: Barrow, *words: str) -> dict:
    done = barrow("flame", "--json", *words)
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout)


def picture(barrow: Barrow, *words: str) -> ElementTree.Element:
    done = barrow("flame", "--svg", *words)
    assert (done.returncode, done.stderr) == (0, b"")
    return ElementTree.fromstring(done.stdout)


def drawn(root: ElementTree.Element) -> list[ElementTree.Element]:
    return root.findall(f"{SVG}svg")


# ---- JSON ----


def paths_of_tree(barrow: Barrow, *words: str) -> list[tuple]:
    """(functions from the root, bytes) of each node, by `barrow tree`."""
    found: list[tuple] = []
    tree = json.loads(barrow("tree", "--json", *words).stdout)
    todo = [((), child) for child in tree["children"]]
    while todo:
        above, node = todo.pop()
        path = (*above, (node["function"], node["line"]))
        if node["bytes"]:
            found.append((path, node["bytes"], node["own_bytes"]))
        todo += [(path, child) for child in node["children"]]
    return sorted(found)


@pytest.mark.parametrize("metric", ["peak", "leaked", "total", "temporary"])
@pytest.mark.parametrize("ledger", ["etl.barrow", "hostile.barrow", "many.barrow", "family"])
def test_cells_are_the_tree(barrow: Barrow, ledger: str, metric: str) -> None:
    flame = cells_of(barrow, "--metric", metric, ledger)
    found = []
    row: list[list[dict]] = [[], *([] for _ in flame["cells"])]
    for cell in flame["cells"]:
        above = [other for other in row[cell["depth"] - 1]
                 if other["start_bytes"] <= cell["start_bytes"] < other["start_bytes"] + other["bytes"]]
        assert len(above) == (cell["depth"] > 1)
        cell["path"] = (*(above[0]["path"] if above else ()), (cell["function"], cell["line"]))
        row[cell["depth"]].append(cell)
        found.append((cell["path"], cell["bytes"], cell["own_bytes"]))
    assert sorted(found) == paths_of_tree(barrow, "--metric", metric, ledger)
    assert sum(cell["own_bytes"] for cell in flame["cells"]) == flame["bytes"]


def test_inverted_begins_with_what_allocated(barrow: Barrow) -> None:
    flame = cells_of(barrow, "--inverted", "--metric", "leaked", "etl.barrow")
    table = json.loads(barrow("table", "--json", "--metric", "leaked", "etl.barrow").stdout)["rows"]
    by_line: dict[tuple, int] = {}
    for row in table:
        place = row["function"], row["file"], row["line"]
        by_line[place] = by_line.get(place, 0) + row["bytes"]
    tops = {(cell["function"], cell["file"], cell["line"]): cell["bytes"]
            for cell in flame["cells"] if cell["depth"] == 1}
    assert tops == {place: size for place, size in by_line.items() if size}


def test_filter_and_limits(barrow: Barrow) -> None:
    whole = cells_of(barrow, "etl.barrow")
    only = cells_of(barrow, "--filter", "any.function=main", "etl.barrow")
    assert 0 < only["bytes"] < whole["bytes"]
    few = cells_of(barrow, "--min-share", "30", "etl.barrow")
    big = [cell for cell in few["cells"] if "put_together" not in cell]
    assert all(cell["bytes"] * 100 >= whole["bytes"] * 30 for cell in big)
    assert {cell["function"] for cell in big} >= {"main", "parse", "Worker.run"}
    small = sum(cell["put_together"] for cell in few["cells"] if "put_together" in cell)
    assert small > 0
    cut = cells_of(barrow, "--max-depth", "3", "etl.barrow")
    assert max(cell["depth"] for cell in cut["cells"]) == 3
    deepest = max(cell["depth"] for cell in whole["cells"])
    assert cut["hidden_levels"] == deepest - 3


# ---- text ----


def columns_of(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


@pytest.mark.parametrize("ledger", LEDGERS)
@pytest.mark.parametrize("more", [(), ("--inverted",), ("--full",)])
def test_fits_the_window(barrow: Barrow, ledger: str, more: tuple[str, ...]) -> None:
    for columns, height in ((40, 14), (80, 24), (120, 40), (200, 50)):
        for locale in ("C.UTF-8", "C"):
            env = {"COLUMNS": str(columns), "LINES": str(height), "LC_ALL": locale}
            done = barrow("flame", *more, ledger, env=env)
            assert (done.returncode, done.stderr) == (0, b"")
            text = done.stdout.decode("utf-8" if locale == "C.UTF-8" else "ascii")
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", text)
            rows = [line for line in text.split("\n") if re.match(r" *[|\u2502]", line)]
            assert len(rows) <= height - 7
            assert all(columns_of(row) <= columns for row in rows)
            assert not any(row.endswith(" ") for row in rows)


def test_calls_share_rows_only_as_far_as_needed(barrow: Barrow) -> None:
    def rows(lines: int) -> list[str]:
        text = barrow("flame", "etl.barrow", env={"LINES": str(lines)}).stdout.decode()
        return [line for line in text.split("\n") if line.startswith("\u2502")]

    assert [len(rows(lines)) for lines in (40, 15, 14, 13)] == [8, 8, 7, 6]
    assert "JSONDecoder.decode" in rows(15)[-2]
    assert rows(14)[-1].startswith("\u2502\u2026 \u203a JSONDecoder.raw_decode")
    wide = barrow("flame", "--width", "200", "etl.barrow", env={"LINES": "13"}).stdout.decode()
    assert "loads \u203a JSONDecoder.decode \u203a JSONDecoder.raw_decode  json/decoder.py:353" in wide


def test_what_is_left_out_is_told(barrow: Barrow) -> None:
    text = barrow("flame", "--max-depth", "3", "etl.barrow").stdout.decode()
    assert "+5 levels deeper, below read etl.py:10 (11 MiB)" in text
    assert "3 calls too small to draw" in text
    deep = barrow("flame", "--full", "deep.barrow", env={"LINES": "24"}).stdout.decode()
    assert re.search(r"\+\d{4} levels deeper", deep)


def test_width_without_a_terminal(barrow: Barrow, shelf: Path) -> None:
    for env, words, wanted in (({"COLUMNS": ""}, (), 100), ({}, (), 80), ({}, ("--width", "60"), 60)):
        text = barrow("flame", *words, "etl.barrow", env=env).stdout.decode()
        row = next(line for line in text.split("\n") if line.startswith("\u2502"))
        assert len(row) == wanted


def test_colours_on_terminals(exe: str, shelf: Path) -> None:
    text = on_terminal(exe, shelf, "flame", "etl.barrow")
    assert "\x1b[48;5;" in text
    assert "\u2502" not in text
    # Neighbours in a row differ.
    for line in text.split("\n"):
        backgrounds = re.findall(r"\x1b\[48;5;(\d+)m(?:[^\x1b]|\x1b\[38)*\x1b\[0m(?=\x1b|$)", line)
        assert all(a != b for a, b in itertools.pairwise(backgrounds))
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": "vt220"}):
        plain = on_terminal(exe, shelf, "flame", "etl.barrow", **env)
        assert "\x1b[48" not in plain
        assert "\u2502" in plain
    assert "xterm" in environment()["TERM"]


# ---- SVG ----


@pytest.mark.parametrize("ledger", LEDGERS)
@pytest.mark.parametrize("more", [(), ("--inverted",), ("--full",)])
def test_svg_is_well_formed_and_self_contained(barrow: Barrow, ledger: str, more: tuple[str, ...]) -> None:
    raw = barrow("flame", "--svg", *more, ledger).stdout.decode()
    root = ElementTree.fromstring(raw)
    assert {element.tag.replace(SVG, "") for element in root.iter()} <= {"svg", "title", "style", "rect", "text"}
    assert "http" not in raw.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufffe\uffff]", raw)
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for cell in drawn(root):
        x, y, w, h = (float(cell.get(key, -1)) for key in ("x", "y", "width", "height"))
        assert 0 <= x <= x + w <= width
        assert 0 <= y <= y + h <= height


def test_svg_tells_the_same_as_json(barrow: Barrow) -> None:
    flame = cells_of(barrow, "--min-share", "0.05", "etl.barrow")
    cells = drawn(picture(barrow, "etl.barrow"))
    assert len(cells) == len(flame["cells"])
    for cell, element in zip(flame["cells"], cells, strict=True):
        title = element.findtext(f"{SVG}title") or ""
        if "function" in cell and cell["file"]:
            assert title.startswith(cell["function"])
            assert f"{cell['file']}:{cell['line']}\n" in title
        share = cell["bytes"] * 1000 // flame["bytes"]
        assert f" {share // 10}.{share % 10}%, in {cell['blocks']:,} block" in title
        assert abs(float(element.get("width", 0)) - cell["bytes"] / flame["bytes"] * 1176) < 1
    parse = next(element for element in cells if (element.findtext(f"{SVG}text") or "").startswith("parse "))
    assert parse.findtext(f"{SVG}text") == "parse  etl.py:15  8.8 MiB"


def test_svg_text_stays_in_its_cell(barrow: Barrow) -> None:
    for ledger in LEDGERS:
        for cell in drawn(picture(barrow, ledger)):
            text = cell.findtext(f"{SVG}text")
            if text is not None:
                assert columns_of(text) * 7.23 <= float(cell.get("width", 0))


def test_svg_of_hostile_names(barrow: Barrow) -> None:
    texts = [cell.findtext(f"{SVG}title") or "" for cell in drawn(picture(barrow, "hostile.barrow"))]
    assert texts[0].startswith("clear\\x1b[2Jscreen\n/srv/\\x1b[2J\\x1b[H.py:2\n")
    assert texts[2].startswith('f"x",\\x0d\\x0a<lambda>\nquo"te,comma.py:4')
    assert "\\udcff" in texts[5]


def test_svg_cuts_depth_and_says_so(barrow: Barrow) -> None:
    root = picture(barrow, "--full", "--min-share", "0", "deep.barrow")
    assert len(drawn(root)) == 200
    assert "+2,800 levels deeper" in [text.text for text in root.findall(f"{SVG}text")]
    assert len(drawn(picture(barrow, "--full", "--min-share", "0", "--max-depth", "3000", "deep.barrow"))) == 3000


def test_svg_file_is_whole_or_absent(barrow: Barrow, tmp_path: Path) -> None:
    out = tmp_path / "out.svg"
    assert barrow("flame", "--svg", "-o", str(out), "etl.barrow").returncode == 0
    assert out.read_bytes() == barrow("flame", "--svg", "etl.barrow").stdout
    done = barrow("flame", "--svg", "-o", str(tmp_path / "no" / "out.svg"), "etl.barrow")
    assert done.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["out.svg"]
