"""`barrow census FILE`: figures against a model, several processes, odd and damaged ledgers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import Barrow, one_line
from ledgers import watched
from make_ledger import MS, Ledger, Recording

HOUR = 3_600_000 * MS


def service(censuses: list[tuple[int, dict[str, tuple[int, int]]]], **options: int) -> Ledger:
    """A ledger with whole censuses: (time in ns, {class: (objects, bytes)})."""
    ledger = Ledger(command=("service.py",), **options)
    Recording(ledger).finish(end=1, now=10 * HOUR)
    for time, classes in censuses:
        totals = tuple(map(sum, zip(*classes.values(), strict=True))) if classes else (0, 0)
        ledger.census(time, classes, totals, full=True)
    return ledger


def slope(points: list[tuple[float, float]]) -> float:
    """Of the least squares line."""
    mean_x, mean_y = (sum(column) / len(points) for column in zip(*points, strict=True))
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def look(barrow: Barrow, *words: object) -> dict:
    done = barrow("census", "--json", *map(str, words))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_figures_against_a_model(barrow: Barrow, tmp_path: Path) -> None:
    hours = (0.5, 1, 1.25, 4, 4.5, 9)
    classes = {
        "grows": [(10, 100), (20, 250), (20, 300), (90, 999), (70, 800), (300, 4000)],
        "late": [None, None, None, (5, 50), (5, 50), (6, 60)],
        "gone": [(5, 50), (5, 60), None, None, (1, 10), None],
        "same": [(7, 70)] * 6,
    }
    censuses = [
        (int(hour * HOUR), {name: rows[i] for name, rows in classes.items() if rows[i]}) for i, hour in enumerate(hours)
    ]
    path = tmp_path / "model.barrow"
    path.write_bytes(service(censuses).to_bytes())
    said = look(barrow, path)
    assert (said["censuses"], said["processes"], said["scope"]) == (6, 1, "tracked")
    assert (said["first_s"], said["last_s"]) == (1800, 32400)
    rows = {row["class"]: row for row in said["rows"]}
    assert set(rows) == set(classes)
    for name, figures in classes.items():
        for i, unit in enumerate(("objects", "bytes")):
            values = [pair[i] if pair else 0 for pair in figures]
            row = rows[name]
            assert (row[f"first_{unit}"], row[f"last_{unit}"], row[f"max_{unit}"]) == (
                values[0],
                values[-1],
                max(values),
            )
            expected = slope(list(zip(hours, values, strict=True)))
            assert row[f"{unit}_per_hour"] == pytest.approx(expected, abs=0.001), (name, unit)
    order = [row["bytes_per_hour"] for row in said["rows"]]
    assert order == sorted(order, reverse=True)


def test_processes_are_added_up_also_in_a_bundle(barrow: Barrow, shelf: Path, tmp_path: Path) -> None:
    one = look(barrow, shelf / "workers")
    bundle = tmp_path / "all.barrow"
    assert barrow("merge", "workers", "-o", str(bundle)).returncode == 0
    assert look(barrow, bundle) == one
    assert look(barrow, *sorted((shelf / "workers").iterdir())) == one
    assert one["processes"] == 3


def test_hostile_names(barrow: Barrow, tmp_path: Path) -> None:
    names = ["a\x1b[31mred", "b\r\nline", "c\u202eright", b"\xff\xfe", "", "d" * 5000]
    path = tmp_path / "hostile.barrow"
    ledger = service([])
    for hour in (1, 2):
        ledger.census(hour * HOUR, {name: (hour, hour * 100 + i) for i, name in enumerate(names)}, (9, 9), full=True)
    path.write_bytes(ledger.to_bytes(pages=4))
    text = barrow("census", str(path), "--limit", "0").stdout
    assert b"\x1b" not in text and b"\r" not in text and b"\xe2\x80\xae" not in text
    assert max(len(line.decode()) for line in text.splitlines()) <= 80
    assert len(look(barrow, path)["rows"]) == len(names)


def test_a_name_that_is_lost(barrow: Barrow, tmp_path: Path) -> None:
    ledger = service([(HOUR, {"known": (1, 10)})])
    ledger.interned[b"lost"] = 1 << 30
    ledger.census(2 * HOUR, {"lost": (3, 30)}, (4, 40))
    path = tmp_path / "lost.barrow"
    path.write_bytes(ledger.to_bytes())
    assert [row["class"] for row in look(barrow, path)["rows"]] == ["(unknown)", "known"]


def test_damage_costs_what_it_hits(barrow: Barrow, tmp_path: Path) -> None:
    whole = watched().to_bytes(pages=1)
    path = tmp_path / "damaged.barrow"
    at = whole.index(b"CENS") + 48 + 6  # an entry of the first census, which is full
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    assert look(barrow, path)["censuses"] == 12
    for cut in range(16 * 4096, len(whole), 4096 * 3):
        path.write_bytes(whole[:cut])
        done = barrow("census", str(path), "--json")
        assert done.returncode in (0, 2)
        if done.returncode == 2:
            one_line(done.stderr)


def test_no_censuses(barrow: Barrow, tmp_path: Path) -> None:
    path = tmp_path / "none.barrow"
    path.write_bytes(service([]).to_bytes())
    done = barrow("census", str(path))
    assert done.returncode == 2
    assert "holds no censuses" in one_line(done.stderr)
    path.write_bytes(service([(HOUR, {})]).to_bytes())  # one that found nothing
    assert look(barrow, path)["rows"] == []
    assert barrow("census", str(path)).returncode == 0
