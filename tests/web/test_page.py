"""The report's page in a browser: each view shows the figures that `barrow … --json` gives."""

from __future__ import annotations

import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import make_page
import pytest
from conftest import SCREENS, barrow, figures
from make_page import Recording

pytestmark = pytest.mark.timeout(180)

Show = Callable[..., Any]
Ledgers = dict[str, Path]
MIB = 1 << 20


def number(text: str) -> int:
    """Of a title such as "12,345 bytes"; the sign is a real minus."""
    found = re.match(r"([\u2212+]?)([\d,]+) (bytes|blocks)$", text)
    assert found, text
    return int(found[2].replace(",", "")) * (-1 if found[1] == "\u2212" else 1)


def units(value: float) -> str:
    """As barrow shows bytes: three digits, rounded down."""
    names = ["B", "KiB", "MiB", "GiB"]
    while value >= 1024:
        value /= 1024
        names.pop(0)
    return f"{int(value * 10) / 10} {names[0]}" if value < 10 and names[0] != "B" else f"{int(value)} {names[0]}"


def settle(page: Any) -> None:
    """Waits until what was asked for is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)))")


def until(page: Any, condition: str) -> None:
    """Waits for a condition.  The page's policy forbids what Playwright's own waiting does: eval."""
    deadline = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        time.sleep(0.03)


def rows(page: Any, label: str) -> list[list[tuple[str, str]]]:
    """The cells of the rows that are in the page: (title, text)."""
    return page.evaluate(
        """(label) => [...document.querySelectorAll(`[role=grid][aria-label="${label}"] .seen [role=row]`)].map((row) =>
             [...row.querySelectorAll('[role=gridcell]')].map((cell) => [cell.title, cell.textContent]))""",
        label,
    )


def column(page: Any, metric: int) -> list[tuple[int, str, str]]:
    """(exact figure, name, place) of the table's rows."""
    found = []
    for row in rows(page, "Table"):
        cells = [cell for cell in row]
        names = [cell for cell in cells[4:] if cell[0] and not re.match(r"[\d,]+ (bytes|blocks)|kinds: ", cell[0])]
        name = names[0][1] if names else cells[-1][1]
        place = names[1][0] if len(names) > 1 else ""
        found.append((number(cells[metric][0]), name, place))
    return found


def summed(found: Iterable[dict[str, Any]], *keys: str, value: str = "bytes") -> dict[tuple[Any, ...], int]:
    """Rows of one kind of memory each -> sums, as the page shows them."""
    sums: dict[tuple[Any, ...], int] = defaultdict(int)
    for row in found:
        sums[tuple(row[key] for key in keys)] += row[value]
    return sums


# ---- opening ----


def test_opens_from_disk_and_asks_for_nothing(report: Path, show: Show) -> None:
    page = show(report)
    for view in ("flame", "table", "source", "timeline", "compare", "overview"):
        page.click(f"#tab-{view}")
        page.wait_for_selector(f"[data-view={view}]")
    assert page.evaluate("performance.getEntriesByType('resource').length") == 0


def test_policy_stops_requests(report: Path, browser: Any) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    outcome = page.evaluate("fetch('https://example.org/').then(() => 'went', (error) => 'stopped')")
    assert outcome == "stopped"
    assert any("Content Security Policy" in text for text in said)
    page.close()


def test_page_is_small(template: str) -> None:
    import gzip

    code = template.encode()
    assert len(code) <= 150 * 1024
    assert len(gzip.compress(code, 9)) <= 60 * 1024


# ---- the figures of a known program ----


def test_overview_tells_the_summary(report: Path, ledgers: Ledgers, show: Show) -> None:
    page = show(report)
    summary = figures("summary", ledgers["after"])
    assert page.inner_text("[data-figure=peak]") == units(summary["peak_bytes"])
    assert page.inner_text("[data-figure=leaked]") == units(summary["live_bytes"])
    top = summed(figures("table", ledgers["after"])["rows"], "function", "line")
    (function, line), most = max(top.items(), key=lambda item: item[1])
    card = page.locator(".card", has=page.locator("[data-figure=top]")).inner_text()
    assert function in card and f"shop.py:{line}" in card and units(most) in card
    assert f"{int(1000 * most / summary['peak_bytes']) / 10}%" in card
    share = 100 * summary["temporary_allocations"] / summary["allocations"]
    assert page.inner_text("[data-figure=temporary]") == f"{int(share * 10) / 10}%"


def test_bytes_are_where_they_are(report: Path, ledgers: Ledgers, show: Show) -> None:
    page = show(report)
    parts = {e.get_attribute("data-part"): e.inner_text() for e in page.query_selector_all("[data-part]")}
    assert {"python", "native", "file"} <= set(parts)
    heap = page.inner_text(".where h2")
    rss = max(sample["rss_bytes"] for sample in figures("timeline", ledgers["after"])["samples"])
    assert re.search(r"(\d+) MiB of RAM", heap), heap
    assert abs(int(re.search(r"(\d+) MiB of RAM", heap)[1]) * MIB - rss) < 2 * MIB
    # Whatever was allocated is told, be it resident or, as map_pages' pages, not.
    assert {"rest"} <= set(parts) or "not touched yet" in page.inner_text(".where")


@pytest.mark.parametrize("metric", ["peak", "leaked", "total", "temporary"])
@pytest.mark.parametrize("by", ["line", "function", "file", "module", "domain", "thread"])
def test_table_shows_the_tables_figures(metric: str, by: str, report: Path, ledgers: Ledgers, show: Show) -> None:
    page = show(report, f"view=table&metric={metric}&by={by}")
    keys = {"line": ("function", "file", "line"), "function": ("function", "file")}.get(by, (by,))
    expected = summed(figures("table", ledgers["after"], "--metric", metric, "--by", by)["rows"], *keys)
    got = column(page, ("peak", "leaked", "total", "temporary").index(metric))
    assert got
    falling = sorted((value for value in expected.values() if value), reverse=True)
    assert [value for value, _, _ in got] == falling[: len(got)]
    assert f"{sum(expected.values()):,}" in page.get_attribute(".note b", "title")
    if by == "line":
        for value, name, place in got[:10]:
            if place:
                assert expected[(name, place.rsplit(":", 1)[0], int(place.rsplit(":", 1)[1].split(":")[0]))] == value
    elif by in ("file", "module"):
        assert all(expected[(name if not name.startswith("(") else "",)] == value for value, name, _ in got[:10])


def test_inclusive_table_and_blocks(report: Path, ledgers: Ledgers, show: Show) -> None:
    page = show(report, "view=table&by=function&inclusive=1&unit=blocks")
    answer = figures("table", ledgers["after"], "--by", "function", "--inclusive")
    expected = summed(answer["rows"], "function", "file", value="blocks")
    got = column(page, 0)
    assert [v for v, _, _ in got] == sorted((v for v in expected.values() if v), reverse=True)[: len(got)]


def test_kind_of_memory_filters(report: Path, ledgers: Ledgers, show: Show) -> None:
    page = show(report, "view=table")
    page.select_option("select >> nth=0", label="mmap: mapped from the system, as large arrays are")
    settle(page)
    expected = summed(figures("table", ledgers["after"], "--filter", "domain=mmap")["rows"], "function", "line")
    assert [(v, n) for v, n, _ in column(page, 0)] == [(v, key[0]) for key, v in expected.items()]
    assert ("map_pages", 2 * MIB) in [(n, v) for v, n, _ in column(page, 0)]


def test_table_sorts_filters_and_copies(report: Path, show: Show) -> None:
    page = show(report, "view=table", permissions=["clipboard-read", "clipboard-write"])
    page.click("[role=columnheader] >> text=Never freed")
    settle(page)
    values = [v for v, _, _ in column(page, 1)]
    assert values == sorted(values, reverse=True) and 25 * 100_033 <= values[0] < 2_510_000
    page.click("[role=columnheader] >> text=Never freed")
    settle(page)
    values = [v for v, _, _ in column(page, 1)]
    assert values == sorted(values)
    page.click("[role=columnheader] >> text=Function")
    settle(page)
    names = [n for _, n, _ in column(page, 1)]
    assert names == sorted(names)
    page.fill(".search", "shop.py")
    until(page, "document.querySelectorAll('.seen [role=row]').length < 20")
    assert all("shop.py" in place for _, _, place in column(page, 1))
    page.click("[data-copy]")
    page.wait_for_selector("text=Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.splitlines()[0].startswith("At the peak\tNever freed")
    assert re.search(r"2\.3 MiB\t.*keep_pages", text)


def test_flame_graph_shows_totals(report: Path, ledgers: Ledgers, show: Show) -> None:
    page = show(report, "view=flame&imports=1&threads=1")
    threads = summed(figures("table", ledgers["after"], "--by", "thread")["rows"], "thread")
    assert f"{sum(threads.values()):,}" in page.get_attribute(".note b", "title")
    page.focus(".flame")
    page.keyboard.press("ArrowDown")
    settle(page)
    (name,), most = max(threads.items(), key=lambda item: item[1])
    assert f"thread {name}" in page.inner_text(".details")
    assert f"{most:,}" in page.get_attribute(".details .figure", "title")


def test_search_sums_each_stack_once(report: Path, ledgers: Ledgers, show: Show) -> None:
    page = show(report, "view=flame")
    page.fill(".search", "keep_pages")
    page.wait_for_selector(".found")
    answer = figures("table", ledgers["after"], "--by", "function", "--inclusive")["rows"]
    expected = sum(row["bytes"] for row in answer if row["function"] == "keep_pages")
    assert units(expected) in page.inner_text(".found")
    assert page.inner_text(".found").startswith("2 matches")
    page.press(".search", "Enter")
    settle(page)
    assert "keep_pages" in page.inner_text(".details")
    page.fill(".search", "/^größe_/")
    until(page, "document.querySelector('.found').textContent.includes('1.1 MiB')")
    page.fill(".search", "nowhere at all")
    until(page, "document.querySelector('.found').textContent === 'no match'")


def test_zoom_trail_and_restoring(report: Path, show: Show) -> None:
    page = show(report, "view=flame")
    area = page.locator(".flame").bounding_box()
    page.mouse.click(area["x"] + 200, area["y"] + 20 * 3 + 10)  # third call from the top
    page.wait_for_selector(".trail")
    trail = page.inner_text(".trail")
    assert "main" in trail
    until(page, "location.hash.includes('zoom=')")
    before = page.evaluate("barrowFlame.describe()")
    again = show(report, page.evaluate("location.hash.slice(1)"))
    again.wait_for_selector(".trail")
    settle(again)
    assert again.inner_text(".trail") == trail
    assert again.evaluate("barrowFlame.describe()") == before
    again.focus(".flame")
    again.keyboard.press("Escape")
    again.wait_for_selector(".trail", state="detached")
    again.mouse.move(area["x"] + 300, area["y"] + 30)
    again.keyboard.down("Control")
    again.mouse.wheel(0, -400)
    again.keyboard.up("Control")
    until(again, "barrowFlame.describe() !== ''")
    start, end = map(float, again.evaluate("barrowFlame.describe()").split(",")[:2])
    assert 0 < start < end


def test_tip_tells_the_box(report: Path, show: Show) -> None:
    page = show(report, "view=flame")
    area = page.locator(".flame").bounding_box()
    page.mouse.move(area["x"] + 100, area["y"] + 30)
    tip = page.wait_for_selector(".tip").inner_text()
    assert "<module>" in tip and "shop.py" in tip and "main()" in tip and "of what is shown" in tip


def test_flame_options_keep_the_whole(report: Path, show: Show) -> None:
    page = show(report, "view=flame")
    whole = page.get_attribute(".note b", "title")
    depth = "barrowFlame.boxes.deepest"
    deep = page.evaluate(depth)
    page.check("text=collapse recursion")
    until(page, f"{depth} < {deep}")
    page.click("text=Allocators on top")
    settle(page)
    page.uncheck("text=by line")
    settle(page)
    assert page.get_attribute(".note b", "title") == whole
    for color in ("Python / native", "Growth", "Packages"):
        page.click(f"text={color}")
        settle(page)
        assert page.locator(".legend .swatch").count() >= 2


def test_source_has_bytes_beside_the_code(report: Path, ledgers: Ledgers, show: Show) -> None:
    page = show(report, "view=source&metric=leaked")
    expected = summed(figures("table", ledgers["after"], "--metric", "leaked")["rows"], "file", "line")
    name = next(file for file, _ in expected if file.endswith("after/shop.py"))
    assert name in page.inner_text(".code .bar b")
    line = next(line for (file, line), v in expected.items() if file == name and v > 2 * MIB)
    page.locator(".code .row", has_text="KEPT.append").wait_for()
    row = page.locator(".code .row", has_text="KEPT.append")
    cells = row.locator("[role=gridcell]")
    assert number(cells.nth(0).get_attribute("title").split(":")[0]) == expected[(name, line)]
    assert cells.nth(2).inner_text() == str(line)
    assert "KEPT.append(bytes(100_000))" in cells.nth(3).inner_text()


# ---- time ----


def test_profiled_lines_beside_the_code(tmp_path: Path, show: Show) -> None:
    script, ledger, page = tmp_path / "app.py", tmp_path / "app.barrow", tmp_path / "app.html"
    script.write_text("@profile\ndef work():\n    kept = bytearray(3 << 20)\n    return kept\nrows = work()\n")
    barrow("lines", "run", "-q", "--python", sys.executable, "-o", ledger, script)
    barrow("report", "-o", page, ledger)
    opened = show(page, f"view=source&file={script}")
    row = opened.locator(".code .list .row").nth(2)
    assert row.locator("[role=gridcell]").all_inner_texts()[2:5] == ["1", "+3.0 MiB", "3.0 MiB"]
    assert opened.locator(".code .row.head").inner_text().split() == ["Bytes", "Times", "Increment", "Peak", "Line"]


def test_drag_selects_a_time(report: Path, ledgers: Ledgers, show: Show) -> None:
    page = show(report, "view=timeline")
    area = page.locator(".plot").bounding_box()
    page.mouse.move(area["x"] + 200, area["y"] + 60)
    page.mouse.down()
    page.mouse.move(area["x"] + 500, area["y"] + 60, steps=4)
    page.mouse.move(area["x"] + 800, area["y"] + 60, steps=4)
    page.mouse.up()
    page.wait_for_selector("[data-view=table]")
    first, last = (float(page.input_value(f".seconds >> nth={i}")) for i in (0, 1))
    answer = figures("at", ledgers["after"], "--from", str(first), "--to", str(last))
    expected = summed(answer["rows"], "function", "file", "line")
    got = column(page, 4)
    assert [v for v, _, _ in got] == sorted((v for v in expected.values() if v), reverse=True)[: len(got)]
    assert "known at" in page.inner_text("[data-view=timeline]")
    page.click("label >> text=Flame graph")
    page.wait_for_selector("[data-view=flame]")
    assert f"{answer['total_bytes']:,}" in page.get_attribute(".note b", "title")
    page.click("text=Clear")
    page.wait_for_selector("[data-view=flame]", state="detached")


def test_time_by_keyboard(report: Path, show: Show) -> None:
    page = show(report, "view=timeline")
    page.focus(".plot")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    for _ in range(20):
        page.keyboard.press("Shift+ArrowRight")
    page.wait_for_selector("[data-view=table]")
    first, last = (float(page.input_value(f".seconds >> nth={i}")) for i in (0, 1))
    assert last - first == pytest.approx(2 * first, rel=0.01)
    page.focus(".plot")
    page.keyboard.press("Escape")
    page.wait_for_selector("[data-view=table]", state="detached")


# ---- comparing ----


@pytest.mark.parametrize("by", ["line", "function"])
def test_compare_agrees_with_diff(by: str, report: Path, ledgers: Ledgers, show: Show) -> None:
    page = show(report, f"view=compare&by={by}")
    answer = figures("diff", ledgers["before"], ledgers["after"], "--by", by)["rows"]
    keys = ("function", "file", "line") if by == "line" else ("function", "file")
    change: dict[Any, int] = defaultdict(int)
    for row in answer:
        change[tuple(row[key] for key in keys)] += row["after_bytes"] - row["before_bytes"]
    expected = sorted((abs(v) for v in change.values() if v), reverse=True)
    got = rows(page, "Changes")
    assert [abs(number(row[0][0])) for row in got] == expected[: len(got)]
    status = {row[5][1]: row[4][1] for row in got}
    assert status["new_habit"] == "new" and status["old_habit"] == "gone"
    assert "descend" not in status  # it only moved
    page.click("label >> text=gone")
    settle(page)
    assert {row[4][1] for row in rows(page, "Changes")} == {"gone"}


SWAPPED = """keep = {{1100: 0, 1350: 0, 1900: 0}}


def fill():
    {0}
    {1}
    {2}


fill()
"""
LINES = [f"keep[{count}] = [*map(str, range(1000, {count}))]" for count in (1100, 1350, 1900)]


def test_lines_that_changed_places_are_no_change(tmp_path: Path, show: Show) -> None:
    ledgers = []
    for name, lines in (("before", LINES), ("after", LINES[2:] + LINES[:2])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "swapped.py").write_text(SWAPPED.format(*lines))
        ledgers.append(tmp_path / f"{name}.barrow")
        barrow("run", "-q", "--python", sys.executable, "-o", ledgers[-1], tmp_path / name / "swapped.py")
    barrow("report", "-o", tmp_path / "page.html", "--base", *ledgers)
    page = show(tmp_path / "page.html", "view=compare&metric=total&filter=swapped.py")
    answer = figures("diff", *ledgers, "--metric", "total")["rows"]
    expected = [row for row in answer if row["file"].endswith("swapped.py")]
    assert not any(abs(row["after_bytes"] - row["before_bytes"]) > 1000 for row in expected)
    page.wait_for_selector("[data-view=compare]")
    shown = [number(row[0][0]) for row in rows(page, "Changes")]
    assert sum(map(abs, shown)) <= sum(abs(row["after_bytes"] - row["before_bytes"]) for row in expected)


def test_compared_flame_graph(report: Path, show: Show) -> None:
    page = show(report, "view=compare&part=flame")
    page.fill(".search", "new_habit")
    page.wait_for_selector(".found")
    page.press(".search", "Enter")
    settle(page)
    assert "new_habit" in page.inner_text(".details") and "781 KiB" in page.inner_text(".details")


# ---- heap snapshots ----


def heap_recording() -> Recording:
    recording = make_page.synthetic(300, 150)
    make_page.add_heaps(recording)
    return recording


def heap_rows(recording: Recording, group: str, number: int = -1) -> list[dict[str, Any]]:
    """Of one snapshot."""
    heaps = recording.heaps
    number %= len(heaps)
    first = sum(heap[group] for heap in heaps[:number])
    names = make_page.GROUPS[f"heap_{group}"]
    strings = recording.columns["strings"]
    found = []
    for i in range(first, first + heaps[number][group]):
        row = {name: recording.columns[f"heap_{group}.{name}"][i] for name in names}
        for name in ("class", "module", "name", "reference", "path"):
            if name in row:
                row[name] = strings[row[name]]
        found.append(row)
    return found


def texts_of(page: Any, label: str, cell: int) -> list[str]:
    return [row[cell][1].strip() for row in rows(page, label)]


def test_no_heap_no_view(report: Path, made: Callable[..., Path], show: Show) -> None:
    assert show(report).locator("#tab-heap").count() == 0
    page = show(report, "view=heap")
    assert page.locator("[data-view=overview]").count() == 1
    assert show(made(heap_recording())).locator("#tab-heap").count() == 1


def test_classes(made: Callable[..., Path], show: Show) -> None:
    recording = heap_recording()
    page = show(made(recording), "view=heap")
    types = heap_rows(recording, "types")
    whole = sum(row["bytes"] for row in types)
    assert f"{whole:,} bytes" == page.get_attribute("[data-view=heap] .note b", "title")
    for sort, cell in (("retained", 0), ("bytes", 1), ("objects", 2)):
        page.click(f".heap-classes .head button >> text={['Retained', 'Own bytes', 'Objects'][cell]}") if cell else None
        settle(page)
        expected = sorted(types, key=lambda row: (-row[sort], -row["bytes"]))
        got = rows(page, "Classes")
        assert [row[4][1] for row in got[:10]] == [row["class"] or "(other classes)" for row in expected[:10]], sort
        assert [row[2][1] for row in got[:10]] == [f"{row['objects']:,}" for row in expected[:10]]
        assert [row[1][1] for row in got[:10]] == [units(row["bytes"]) for row in expected[:10]]
    page.fill(".search", "shop.")
    until(page, "[...document.querySelectorAll('.seen [role=row]')].every((row) => row.innerHTML.includes('shop.'))")
    assert f"{sum(row['class'].startswith('shop.') for row in types)} rows" in page.inner_text(".bar >> nth=1")


BOXES = """() => [...document.querySelectorAll('.treemap button')].map((box) =>
    [box.title, box.getBoundingClientRect().width * box.getBoundingClientRect().height])"""


def test_treemap_boxes_are_as_large_as_classes(made: Callable[..., Path], show: Show) -> None:
    recording = heap_recording()
    page = show(made(recording), "view=heap")
    settle(page)
    types = {row["class"]: row for row in heap_rows(recording, "types") if row["class"]}
    for unit, value in (("Bytes", "bytes"), ("Objects", "objects")):
        page.click(f".choice label >> text='{unit}'")
        settle(page)
        boxes = page.evaluate(BOXES)
        area = sum(size for _, size in boxes)
        whole = sum(row[value] for row in heap_rows(recording, "types"))
        assert len(boxes) == 1 + len(types)
        room = page.evaluate("((map) => map.clientWidth * map.clientHeight)(document.querySelector('.treemap'))")
        assert abs(area / room - 1) < 0.02
        for title, size in boxes[:8]:
            name = title.split(":")[0]
            if name in types:
                assert abs(size / area - types[name][value] / whole) < 0.01, title


def test_a_box_chooses_its_class_and_a_class_leads_to_its_paths(made: Callable[..., Path], show: Show) -> None:
    recording = heap_recording()
    page = show(made(recording), "view=heap")
    largest = max((row for row in heap_rows(recording, "types")), key=lambda row: row["bytes"])["class"]
    page.click(".treemap button >> nth=0")
    until(page, "document.querySelector('.heap-classes [aria-selected=true]') !== null")
    assert page.inner_text(".heap-classes [aria-selected=true] .name") == largest
    page.focus(".heap-classes .list")
    page.keyboard.press("Enter")
    page.wait_for_selector(".heap-paths")
    assert page.inner_text(".code .bar b") == largest
    assert f"show=paths&class={largest}" in page.evaluate("location.hash")


def test_dominator_tree_opens(made: Callable[..., Path], show: Show) -> None:
    recording = heap_recording()
    page = show(made(recording), "view=heap&show=dominators")
    nodes = heap_rows(recording, "nodes")
    assert texts_of(page, "Dominators", 4)[0].endswith("everything")
    page.click("text=Close all")
    settle(page)
    top = [row for row in nodes if row["depth"] <= 1]
    assert texts_of(page, "Dominators", 0) == [units(row["retained"]) for row in top]
    # By keys: select the first root, open it, go to its first child, close it again from there.
    page.focus(".list")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    end = next(i for i in range(2, len(nodes)) if nodes[i]["depth"] <= 1)
    below = [row for row in nodes[2:end] if row["depth"] == 2]
    until(page, f"document.querySelectorAll('.seen [role=row]').length === {min(len(top) + len(below), 30)}")
    assert texts_of(page, "Dominators", 0)[2 : 2 + len(below)] == [units(row["retained"]) for row in below]
    page.keyboard.press("ArrowDown")
    settle(page)
    details = page.inner_text(".details")
    assert below[0]["path"] in details and f"0x{below[0]['address']:x}" in details
    page.keyboard.press("ArrowLeft")
    until(page, "document.querySelector('.seen [aria-selected=true]').id === 'Dominators-1'")
    page.keyboard.press("ArrowLeft")
    until(page, f"document.querySelectorAll('.seen [role=row]').length === {len(top)}")


def test_dominators_are_found(made: Callable[..., Path], show: Show) -> None:
    recording = heap_recording()
    nodes = heap_rows(recording, "nodes")
    page = show(made(recording), "view=heap&show=dominators")
    page.fill(".search", "shop.cache")
    page.wait_for_selector(".found")
    settle(page)
    found = [i for i, row in enumerate(nodes) if row["kind"] != 2 and "shop.cache" in
             f"{row['reference']} {row['name']} {row['path']}".lower()]
    assert page.inner_text(".found") in (f"{len(found)} matches", f"{len(found)} match")
    assert texts_of(page, "Dominators", 4)[0].endswith("everything")  # with what is above them


def test_paths(made: Callable[..., Path], show: Show) -> None:
    recording = heap_recording()
    page = show(made(recording), "view=heap&show=paths")
    tops = sorted((row for row in heap_rows(recording, "paths") if row["depth"] == 0), key=lambda row: -row["retained"])
    assert page.inner_text(".code .bar b") == tops[0]["name"]
    assert page.inner_text(".common code") == "shop.app.cache[*]"
    listed = texts_of(page, "Paths", 3)
    assert [re.sub(r"^[▾▸]\s*", "", text) for text in listed][:5] == [
        "modules", "module shop.app", "shop.appmodule", ".cachedict", f"[*]{tops[0]['name']}",
    ]
    assert texts_of(page, "Paths", 0)[0] == f"{tops[0]['objects'] * 4 // 5:,}"
    page.click("[aria-label='Classes with paths'] .row >> nth=2 >> button")
    settle(page)
    assert page.inner_text(".code .bar b") == tops[2]["name"]
    page.click(".heap-paths .twisty >> nth=0")
    settle(page)
    assert len(texts_of(page, "Paths", 3)) == len(listed) - 4


def test_changes(made: Callable[..., Path], show: Show) -> None:
    recording = heap_recording()
    page = show(made(recording), "view=heap&show=changes")
    before, after = ({row["class"]: row for row in heap_rows(recording, "types", n)} for n in (0, 2))
    expected = {name: after[name]["bytes"] - before[name]["bytes"] for name in after}
    order = sorted((name for name in expected if expected[name]), key=lambda name: (-abs(expected[name]), name))
    got = rows(page, "Changes")
    assert [row[5][1] for row in got[:10]] == order[:10]
    signs = ["+" if expected[name] > 0 else "\u2212" for name in order[:10]]
    sizes = [units(abs(expected[name])) for name in order[:10]]
    assert [row[0][1] for row in got[:10]] == [sign + size for sign, size in zip(signs, sizes, strict=True)]
    page.click("label >> text=shrunk")
    settle(page)
    assert {row[4][1] for row in rows(page, "Changes")} == {"shrunk"}
    page.click("label >> text=All")
    page.select_option("select >> nth=0", "1")
    settle(page)
    middle = {row["class"]: row for row in heap_rows(recording, "types", 1)}
    changed = {name: after[name]["bytes"] - middle[name]["bytes"] for name in after}
    top = max((name for name in changed), key=lambda name: abs(changed[name]))
    assert rows(page, "Changes")[0][5][1] == top


def test_changes_since_an_older_recording(made: Callable[..., Path], show: Show) -> None:
    older, newer = make_page.synthetic(300, 150, 2), make_page.synthetic(300, 150, 3)
    make_page.add_heaps(older, 5, 1)
    make_page.add_heaps(newer, 6, 1)
    page = show(made(newer, older), "view=heap&show=changes")
    assert "older recording" in page.inner_text("select >> nth=0")
    before, after = ({row["class"]: row for row in heap_rows(r, "types")} for r in (older, newer))
    top = max(after, key=lambda name: abs(after[name]["bytes"] - before[name]["bytes"]))
    assert rows(page, "Changes")[0][5][1] == top


@pytest.mark.parametrize("width", [900, 1400])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_heap_views_fit(width: int, theme: str, made: Callable[..., Path], show: Show) -> None:
    """And screenshots of them, in build/screens."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    path = made(heap_recording())
    for part in ("classes", "dominators", "paths", "changes"):
        page = show(path, f"view=heap&show={part}", width=width, color_scheme=theme)
        settle(page)
        wide = page.evaluate("[document.documentElement.scrollWidth, document.querySelector('main').scrollWidth]")
        assert max(wide) <= width, part
        assert page.evaluate(CUT, ".head > *, .row .num, .row .share") == [], part
        page.screenshot(path=SCREENS / f"{theme}-heap-{part}-{width}.png")
        page.context.close()


# ---- processes ----


def test_processes_side_by_side(made: Callable[..., Path], show: Show) -> None:
    recording = make_page.synthetic(3000, 1500, processes=3)
    page = show(made(recording), "view=processes")
    assert page.locator(".processes tbody tr").count() == 3
    for process, row in zip(recording.processes, page.query_selector_all(".processes tbody tr"), strict=True):
        text = row.inner_text()
        assert str(process["pid"]) in text and units(process["peak_bytes"]) in text
    page.click("text=4712")
    page.click("#tab-table")
    settle(page)
    assert f"{recording.sum('peak_bytes', 1):,}" in page.get_attribute(".note b", "title")
    assert "process=1" in page.evaluate("location.hash")
    page.click("#tab-overview")
    settle(page)
    share = 1000 * recording.sum("temporary_blocks", 1) // recording.sum("total_blocks", 1) / 10
    assert page.inner_text("[data-figure=temporary]") == f"{share}%"
    assert f"{recording.sum('total_blocks', 1):,} allocations" in page.inner_text(".cards")


DOTS = """(places) => {
  const canvas = document.querySelector('.plot canvas');
  const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return places.map((at) => {
    const left = Math.round((62 + at * (canvas.clientWidth - 76)) * devicePixelRatio);
    let count = 0;
    for (let y = 0; y < height; y++) {
      const i = 4 * (y * width + left);
      if (data[i] === 180 && data[i + 1] === 83 && data[i + 2] === 9) count++;
    }
    return count;
  });
}"""  # how many dots at these places of the chart have the peak's colour


def test_peak_of_a_process_is_where_it_was(made: Callable[..., Path], show: Show) -> None:
    recording = make_page.synthetic(300, 150, processes=3)
    recording.processes[1] |= {"start_s": 4.0, "duration_s": 2.0, "peak_time_s": 0.5, "peak_bytes": 50 << 20}
    page = show(made(recording), "process=1", color_scheme="light")
    settle(page)
    whole = recording.duration_us / 1e6
    there, elsewhere = page.evaluate(DOTS, [4.5 / whole, 0.5 / whole])
    assert there >= 5 and elsewhere == 0


def test_many_samples(made: Callable[..., Path], show: Show) -> None:
    recording = make_page.synthetic(300, 150, processes=3)
    for i in range(200_000):
        recording.add("samples", i * 10, i % 3, 1 << 24, 0, 1 << 22, 0, 0, 0, 1)
    page = show(made(recording), "view=processes")
    assert page.locator(".spark").count() == 3


# ---- keys, themes, paper ----


def test_views_by_keys(report: Path, show: Show) -> None:
    page = show(report)
    for key, view in zip("23456", ("flame", "table", "source", "timeline", "compare"), strict=True):
        page.keyboard.press(key)
        page.wait_for_selector(f"[data-view={view}]")
    page.go_back()
    page.wait_for_selector("[data-view=timeline]")
    page.keyboard.press("?")
    page.wait_for_selector("dialog", state="visible")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.keyboard.press("3")
    page.wait_for_selector("[data-view=table]")
    page.keyboard.press("/")
    until(page, "document.activeElement.type === 'search'")
    page.keyboard.type("shop.py")
    until(page, "[...document.querySelectorAll('.seen [role=row]')].every((row) => row.innerHTML.includes('shop.py'))")
    page.focus(".list")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(".list[aria-activedescendant=Table-1]")
    page.keyboard.press("f")
    page.wait_for_selector("[data-view=flame] .found")
    page.go_back()
    page.wait_for_selector("[data-view=table]")
    page.focus(".list")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-view=source]")
    page.focus("#tab-source")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("[data-view=timeline]")
    until(page, "document.activeElement.id === 'tab-timeline'")


def test_flame_graph_by_keys(report: Path, show: Show) -> None:
    page = show(report, "view=flame")
    page.focus(".flame")
    seen = []
    for _ in range(3):
        page.keyboard.press("ArrowDown")
        settle(page)
        seen.append(page.inner_text(".details b"))
    assert seen[0] == "<module>" and seen[1] == "main" and len(set(seen)) == 3
    page.keyboard.press("Enter")
    page.wait_for_selector(".trail")
    page.keyboard.press("Backspace")
    until(page, "document.querySelector('.trail [aria-current]').textContent === 'main'")
    page.keyboard.press("+")
    page.keyboard.press("Escape")
    page.wait_for_selector(".trail", state="detached")


def test_light_and_dark(report: Path, show: Show) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    dark = show(report, color_scheme="dark")
    light = show(report, color_scheme="light")
    assert dark.evaluate(background) != light.evaluate(background)
    light.click("[aria-label='Light or dark']")
    settle(light)
    assert dark.evaluate(background) == light.evaluate(background)
    assert "theme=dark" in light.evaluate("location.hash")


def test_prints(report: Path, show: Show, tmp_path: Path) -> None:
    page = show(report, "view=table", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    settle(page)
    assert page.locator(".seen [role=row]").count() == 300
    assert page.get_attribute("html", "data-theme") == "light"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    for view in ("overview", "flame", "table", "source"):
        page.click(f"#tab-{view}")
        SCREENS.mkdir(parents=True, exist_ok=True)
        page.pdf(path=SCREENS / f"print-{view}.pdf", prefer_css_page_size=True, print_background=True)
        assert (SCREENS / f"print-{view}.pdf").stat().st_size > 5000


@pytest.mark.parametrize("width", [900, 1280, 2560])
def test_fits_windows(width: int, report: Path, show: Show) -> None:
    page = show(report, width=width)
    for view in ("overview", "flame", "table", "source", "timeline", "compare"):
        page.click(f"#tab-{view}")
        settle(page)
        wide = page.evaluate("[document.documentElement.scrollWidth, document.querySelector('main').scrollWidth]")
        assert max(wide) <= width, view


CUT = """(selector) => [...document.querySelectorAll(selector)]
    .filter((cell) => cell.scrollWidth > cell.clientWidth || cell.scrollHeight > cell.clientHeight)
    .map((cell) => cell.textContent)"""


@pytest.mark.parametrize("width", [900, 1280])
def test_titles_figures_and_lines_are_whole(width: int, report: Path, show: Show) -> None:
    for metric in ("peak", "leaked", "total", "temporary", "range"):
        page = show(report, f"view=table&metric={metric}&from=100000&to=900000", width=width)
        settle(page)
        assert page.evaluate(CUT, ".table .head > *, .table .num") == []
        places = page.locator(".table .row .place:not(:empty)")
        assert places.count() > 5
        for i in range(5):
            # What follows the file's name has room: the name alone is shortened.
            title, box = places.nth(i).get_attribute("title"), places.nth(i).bounding_box()
            line = page.evaluate(
                """(i) => { const range = document.createRange();
                     const cell = document.querySelectorAll('.table .row .place:not(:empty)')[i];
                     range.selectNode(cell.querySelector('span').nextSibling);
                     const { right, width } = range.getBoundingClientRect();
                     return [range.toString(), right, width]; }""",
                i,
            )
            assert title.endswith(line[0]) and re.fullmatch(r":\d+", line[0])
            assert line[2] > 5 and line[1] <= box["x"] + box["width"] + 1
        page.context.close()
    page = show(report, "", width=width)
    assert page.evaluate(CUT, ".facts dt, .facts dd") == []


def test_copies_a_stack(report: Path, show: Show) -> None:
    page = show(report, "view=flame&query=descend", permissions=["clipboard-read", "clipboard-write"])
    page.focus(".flame")
    page.keyboard.press("n")
    settle(page)
    page.click(".details [data-copy]")
    page.wait_for_selector("text=Copied")
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[0] == units(700_033)
    assert lines[1].strip().startswith("descend (") and lines[-1].strip().startswith("<module> (")


def test_inside_a_notebook(report: Path, show: Show, tmp_path: Path) -> None:
    from html import escape

    outer = tmp_path / "notebook.html"
    frame = escape(report.read_text(encoding="utf-8"), quote=True)
    outer.write_text(
        f'<!doctype html><meta charset="utf-8"><body data-view="x" style="margin:0"><iframe sandbox="allow-scripts" '
        f'style="width:900px;height:720px" srcdoc="{frame}"></iframe>',
        encoding="utf-8",
    )
    page = show(outer)
    inner = page.frame_locator("iframe")
    inner.locator("[data-view=overview]").wait_for()
    inner.locator(".card").first.click()
    inner.locator("[data-view=flame]").wait_for()
    inner.locator("#tab-table").click()
    inner.locator("[data-view=table] .row").first.wait_for()


# ---- odd recordings ----

VIEWS = ("overview", "flame", "table", "source", "timeline")


def visit(page: Any, views: Iterable[str] = VIEWS) -> None:
    for view in views:
        page.click(f"#tab-{view}")
        page.wait_for_selector(f"[data-view={view}]")
        settle(page)
    page.click("#tab-flame")
    page.click("text=Allocators on top")
    settle(page)


def test_empty(made: Callable[..., Path], show: Show) -> None:
    page = show(made(Recording()))
    visit(page)
    page.click("#tab-table")
    assert "Nothing to show" in page.inner_text("main")


def test_one_site(made: Callable[..., Path], show: Show) -> None:
    recording = Recording(command="python one.py")
    recording.site(recording.node(0, recording.frame("f", "/a/one.py", 3)), "obj", (100, 1), (100, 1))
    page = show(made(recording))
    visit(page)
    assert page.inner_text(".note b") == "100 B"


def test_ten_thousand_deep(made: Callable[..., Path], show: Show) -> None:
    page = show(made(make_page.deep(10_000)))
    visit(page)
    page.click("text=Callers on top")
    settle(page)
    page.focus(".flame")
    for _ in range(60):
        page.keyboard.press("ArrowDown")
    settle(page)
    assert page.evaluate("document.querySelector('.flame').scrollTop") > 0
    assert page.evaluate("barrowFlame.boxes.deepest") == 10_000
    page.keyboard.press("Enter")
    page.wait_for_selector(".trail")
    page.check("text=collapse recursion")
    until(page, "barrowFlame.boxes.deepest === 2")


def test_names_in_any_script(made: Callable[..., Path], show: Show) -> None:
    names = [
        "größe",
        "読み込み",
        "خريطة",
        "загрузка",
        "<b>&amp;</b>",
        "\U0001d4fb\U0001d4ca\U0001d4c3",
        "a\u0301\u0302é",
        "x" * 5000,
    ]
    recording = Recording(command="python <i>.py")
    for number_, name in enumerate(names):
        node = recording.node(0, recording.frame(name, f"/срв/{name[:40]}.py", number_ + 1))
        recording.site(node, "malloc", (1000 * (len(names) - number_), 1))
    page = show(made(recording))
    visit(page)
    page.click("#tab-table")
    settle(page)
    assert [name for _, name, _ in column(page, 0)] == names
    page.keyboard.press("/")
    page.keyboard.type("読み")
    until(page, "document.querySelectorAll('.seen [role=row]').length === 1")


def test_what_is_missing_is_told(made: Callable[..., Path], show: Show) -> None:
    recording = make_page.synthetic(200, 100)
    recording.complete = False
    recording.warnings = ["app.4711.barrow: 3 pages are damaged; 12 sites are lost"]
    recording.dropped = {"folded_stacks": 1234}
    page = show(made(recording))
    text = page.inner_text(".notices")
    assert "incomplete" in text and "12 sites are lost" in text and "1,234 stacks were shortened" in text


def test_damaged_data_are_told(report: Path, browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "damaged.html"
    text = report.read_text(encoding="utf-8")
    path.write_text(re.sub(r'(id="main">.{100})[^<]*', r"\1", text), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("text=This report can't be shown")
    page.close()


def test_fragment_of_nonsense(report: Path, show: Show) -> None:
    page = show(report, "view=nowhere&metric=none&by=what&from=x&to=9e99&zoom=a,b&process=77&domain=-5&color=red")
    visit(page)


def test_compares_moved_files(made: Callable[..., Path], show: Show) -> None:
    """A file that moved, lambdas of one name, a line put in above: nothing is new or gone but what is."""

    def make(folder: str, offset: int, extra: bool) -> Recording:
        recording = Recording()
        for first, size in ((10, 100), (20, 200), (30, 300)):
            frame = recording.frame("<lambda>", f"{folder}/m.py", first + offset + 1, "pkg.m", first + offset)
            recording.site(recording.node(0, frame), "obj", (size, 1))
        if extra:
            frame = recording.frame("<lambda>", f"{folder}/m.py", 17 + offset, "pkg.m", 16 + offset)
            recording.site(recording.node(0, frame), "obj", (50, 7))
        return recording

    page = show(made(make("/new/lib/pkg", 5, True), make("/old/pkg", 0, False)), "view=compare")
    assert [(row[0][0], row[4][1]) for row in rows(page, "Changes")] == [("50 bytes", "new")]


# ---- how it looks ----


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_screenshots(theme: str, report: Path, made: Callable[..., Path], show: Show) -> None:
    """For people to look at, in build/screens."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    views = {
        "overview": "",
        "flame": "view=flame",
        "flame-inverted": "view=flame&inverted=1&color=domain",
        "flame-growth": "view=flame&color=growth&query=keep_pages",
        "table": "view=table",
        "table-inclusive": "view=table&by=function&inclusive=1",
        "source": "view=source",
        "timeline": "view=timeline",
        "timeline-range": "view=timeline&from=300000&to=1000000",
        "compare": "view=compare",
        "compare-flame": "view=compare&part=flame",
    }
    for name, fragment in views.items():
        page = show(report, fragment, color_scheme=theme)
        settle(page)
        page.screenshot(path=SCREENS / f"{theme}-{name}.png")
        page.context.close()
    family = made(make_page.synthetic(20_000, 8_000, processes=4), make_page.synthetic(20_000, 8_000, 2, 4))
    for name, fragment in {"family": "", "family-processes": "view=processes", "family-flame": "view=flame"}.items():
        page = show(family, fragment, color_scheme=theme)
        settle(page)
        page.screenshot(path=SCREENS / f"{theme}-{name}.png")
    page = show(report, "view=flame", color_scheme=theme)
    area = page.locator(".flame").bounding_box()
    page.mouse.move(area["x"] + 300, area["y"] + 70)
    page.wait_for_selector(".tip")
    page.screenshot(path=SCREENS / f"{theme}-flame-tip.png")
    page.keyboard.press("?")
    settle(page)
    page.screenshot(path=SCREENS / f"{theme}-help.png")
    for width, height in ((900, 700), (2560, 1300)):
        for name in ("overview", "flame", "table"):
            page = show(report, f"view={name}", width=width, height=height, color_scheme=theme)
            settle(page)
            page.screenshot(path=SCREENS / f"{theme}-{name}-{width}.png")
            page.context.close()


def test_random_walks(made: Callable[..., Path], show: Show) -> None:
    """Keys and clicks without plan: no error, whatever state they lead to."""
    recording = make_page.synthetic(2000, 900, 3, 2)
    make_page.add_heaps(recording)
    page = show(made(recording, make_page.synthetic(2000, 900, 4, 2)))
    chance = random.Random(7)
    keys = [*"12345678+nft ", "Tab", "ArrowDown", "ArrowRight", "Enter", "Escape"]
    for _ in range(250):
        if chance.random() < 0.6:
            page.keyboard.press(chance.choice(keys))
        else:
            page.mouse.click(chance.randrange(20, 1260), chance.randrange(50, 790))
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.locator("[data-view]").count() >= 1


def test_help_names_the_command() -> None:
    assert "--base" in barrow("help", "report")
