"""diff and at over every ledger: what reaches the terminal, sums, rows against table's."""

from __future__ import annotations

import json
import re

import pytest
from harness import Barrow

LEDGERS = ("etl.barrow", "hostile.barrow", "deep.barrow", "many.barrow", "empty.barrow", "family", "before.barrow")
GROUPINGS = ("line", "function", "file", "module", "domain", "thread", "stack")


def check_text(text: str, columns: int) -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", text)
    assert not re.search(r" $", text, re.M)
    assert text.isascii() or max(map(len, text.split("\n")[1:])) <= columns


@pytest.mark.parametrize("by", GROUPINGS)
@pytest.mark.parametrize("before", LEDGERS)
def test_diff_of_anything(barrow: Barrow, before: str, by: str) -> None:
    after = LEDGERS[LEDGERS.index(before) - 1]
    for locale in ("C.UTF-8", "C"):
        done = barrow("diff", "--by", by, before, after, env={"LC_ALL": locale, "COLUMNS": "100"})
        assert (done.returncode, done.stderr) == (0, b"")
        check_text(done.stdout.decode(), 100)
    sums = {}
    for metric in ("leaked", "total"):
        done = barrow("diff", "--json", "--metric", metric, "--by", by, before, after)
        shown = json.loads(done.stdout)
        for key in ("bytes", "blocks"):
            change = shown["after"][key] - shown["before"][key]
            assert sum(row[key] for row in shown["rows"]) == change
            assert sum(row[f"after_{key}"] - row[f"before_{key}"] for row in shown["rows"]) == change
        for row in shown["rows"]:
            assert row["bytes"] or row["blocks"]
            assert (row["status"] == "new") == (row["before_bytes"] == row["before_blocks"] == 0)
            assert (row["status"] == "gone") == (row["after_bytes"] == row["after_blocks"] == 0)
        changes = [abs(row["bytes"]) for row in shown["rows"]]
        assert changes == sorted(changes, reverse=True)
        sums[metric] = len(shown["rows"])
    assert sums["total"] > 0


@pytest.mark.parametrize("by", GROUPINGS)
@pytest.mark.parametrize("ledger", LEDGERS)
def test_what_lived_at_the_end(barrow: Barrow, ledger: str, by: str) -> None:
    for locale in ("C.UTF-8", "C"):
        done = barrow("at", "--time", "end", "--by", by, ledger, env={"LC_ALL": locale, "COLUMNS": "100"})
        assert (done.returncode, done.stderr) == (0, b"")
        check_text(done.stdout.decode(), 100)
    if ledger == "family":
        return  # what had ended before lives no more
    rows = [json.loads(barrow(*words, "--json", "--by", by, ledger).stdout)["rows"]
            for words in (("at", "--time", "end"), ("table", "--metric", "leaked"))]
    assert rows[0] == rows[1]
