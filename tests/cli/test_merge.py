"""Bundles as the command line writes and reads them."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Barrow, one_line

VIEWS = (
    *[("table", "--metric", metric, "--by", by) for metric in ("peak", "total") for by in ("line", "stack")],
    ("summary",), ("tree",), ("leaks",), ("temporary",), ("timeline",),
    ("at", "--time", "50%"), ("at", "--from", "0", "--to", "end"),
)
FORMATS = ("folded", "json", "csv")


@pytest.fixture
def work(shelf: Path, tmp_path: Path) -> Path:
    """A directory of its own with the ledgers of one run."""
    shutil.copytree(shelf / "family", tmp_path / "family")
    return tmp_path


def merge(barrow: Barrow, work: Path, *words: str) -> str:
    done = barrow("merge", *words, cwd=work)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


@pytest.mark.parametrize("view", VIEWS, ids=" ".join)
def test_views_of_a_bundle_are_those_of_its_parts(barrow: Barrow, work: Path, view: tuple[str, ...]) -> None:
    assert merge(barrow, work, "-o", "all.barrow", "family").startswith("all.barrow: 3 ledgers, ")
    for more in ((), ("--json",)):
        bundle, parts = (barrow(*view, *more, path, cwd=work).stdout for path in ("all.barrow", "family"))
        assert bundle.replace(b"all.barrow/", b"family/") == parts
        assert len(parts) > 100


@pytest.mark.parametrize("format", FORMATS)
def test_exports_of_a_bundle_are_those_of_its_parts(barrow: Barrow, work: Path, format: str) -> None:
    merge(barrow, work, "-o", "all.barrow", "family/app.101.barrow", "family/app.100.barrow", "family")
    bundle, parts = (
        barrow("export", "--format", format, path, cwd=work).stdout for path in ("all.barrow", "family")
    )
    assert bundle.replace(b"all.barrow/", b"family/") == parts


def test_bundles_are_flattened_and_count_once(barrow: Barrow, work: Path) -> None:
    merge(barrow, work, "-o", "two.barrow", "family/app.100.barrow", "family/app.101.barrow")
    text = merge(barrow, work, "-o", "all.barrow", "two.barrow", "family/app.102.barrow", "two.barrow")
    assert text.startswith("all.barrow: 3 ledgers, ")
    merge(barrow, work, "-o", "again.barrow", "all.barrow")
    # The member that was not in two.barrow comes in the order of start, as all do.
    assert (work / "again.barrow").read_bytes() == (work / "all.barrow").read_bytes()
    shutil.copy(work / "all.barrow", work / "family")
    wanted = barrow("table", "--json", "again.barrow", cwd=work).stdout
    assert barrow("table", "--json", "family", cwd=work).stdout == wanted
    assert barrow("table", "--json", "again.barrow", "family", cwd=work).stdout == wanted


def test_file_is_private_and_appears_whole(barrow: Barrow, work: Path) -> None:
    previous = os.umask(0)
    try:
        merge(barrow, work, "-o", "all.barrow", "family")
    finally:
        os.umask(previous)
    out = work / "all.barrow"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    before = out.read_bytes()
    done = barrow("merge", "-o", "all.barrow", "family", cwd=work)
    assert done.returncode == 2
    assert "all.barrow exists; -f overwrites it" in one_line(done.stderr)
    # No room: nothing of it stays, and what was there does.
    limited = ["bash", "-c", 'ulimit -f 8; trap "" XFSZ; exec "$@"', "-", barrow.exe]
    done = subprocess.run([*limited, "merge", "-f", "-o", "all.barrow", "family"], cwd=work,
                          capture_output=True, check=False)
    assert done.returncode == 2
    assert "File too large" in one_line(done.stderr)
    assert out.read_bytes() == before
    assert sorted(path.name for path in work.iterdir()) == ["all.barrow", "family"]
    merge(barrow, work, "-f", "-o", "all.barrow", "family/app.102.barrow")
    assert out.read_bytes() != before


def test_damaged_members_are_copied_as_they_are(barrow: Barrow, work: Path) -> None:
    ledger = work / "family" / "app.101.barrow"
    data = bytearray(ledger.read_bytes())
    data[0:8] = b"        "  # its header; the copy is used
    ledger.write_bytes(data[:-4096 * 3])
    text = merge(barrow, work, "-o", "all.barrow", "family")
    assert text.count("note: family/app.101.barrow: ") == 3
    assert "copied as it is" in text
    bundle, parts = (barrow("table", path, cwd=work).stdout for path in ("all.barrow", "family"))
    # Notes are laid out to the width, so another name breaks their lines elsewhere.
    assert bundle.replace(b"all.barrow/", b"family/").split() == parts.split()
    assert b"its copy is used" in b" ".join(bundle.split())


def test_damage_of_the_bundle_is_told(barrow: Barrow, work: Path) -> None:
    merge(barrow, work, "-o", "all.barrow", "family")
    data = bytearray((work / "all.barrow").read_bytes())
    second = data.index(b"app.101.barrow")
    data[second + 40] ^= 0xFF
    (work / "all.barrow").write_bytes(data)
    done = barrow("table", "all.barrow", cwd=work)
    assert done.returncode == 0
    assert b"app.101.barrow" in done.stdout
    (work / "all.barrow").write_bytes(data[: second - 4096])
    text = b" ".join(barrow("table", "all.barrow", cwd=work).stdout.split())
    assert b"2 of 3 ledgers are lost" in text


def test_ledgers_of_other_runs_are_refused(barrow: Barrow, shelf: Path, work: Path) -> None:
    done = barrow("merge", "-o", "all.barrow", "family", str(shelf / "many.barrow"), cwd=work)
    assert done.returncode == 2
    assert "belongs to another run" in one_line(done.stderr)
    assert not (work / "all.barrow").exists()
    merge(barrow, work, "-o", "all.barrow", "family")
    done = barrow("table", "all.barrow", str(shelf / "many.barrow"), cwd=work)
    assert "belongs to another run" in one_line(done.stderr)


def test_big_ledgers_shrink(barrow: Barrow, tmp_path: Path) -> None:
    maker = Path(__file__).resolve().parents[1] / "data" / "make_ledger.py"
    subprocess.run([sys.executable, maker, "big", tmp_path / "big.barrow", "100000", "250000"], check=True)
    size = (tmp_path / "big.barrow").stat().st_size
    merge(barrow, tmp_path, "-o", "all.barrow", "big.barrow")
    bundle, whole = (
        json.loads(barrow("summary", "--json", name, cwd=tmp_path).stdout)
        for name in ("all.barrow", "big.barrow")
    )
    assert bundle["sites"] == whole["sites"] > 90_000
    compressed = (tmp_path / "all.barrow").stat().st_size
    if compressed < size:  # else built without zstd
        assert compressed < size / 2
    merge(barrow, tmp_path, "-o", "again.barrow", "all.barrow")
    assert (tmp_path / "again.barrow").read_bytes() == (tmp_path / "all.barrow").read_bytes()
