"""Fixtures of the command line's tests: the executable and a directory of ledgers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import ledgers
from harness import Barrow, find_executable


@pytest.fixture(scope="session")
def exe() -> str:
    return find_executable()


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of ledgers; tests don't change it."""
    directory = tmp_path_factory.mktemp("shelf")
    ledgers.write(directory)
    return directory


@pytest.fixture
def barrow(exe: str, shelf: Path) -> Barrow:
    """Calls the command among the ledgers; output is bytes."""
    return Barrow(exe, shelf)
