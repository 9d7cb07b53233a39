"""What the views say of heap snapshots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runner import barrow_exe, execute


def view(command: str, path: Path, *words: str) -> Any:
    argv = [barrow_exe(), command, str(path), *words]
    done = execute(argv)
    assert done.status == 0, f"{' '.join(argv)}: status {done.status}: {done.stderr}"
    return json.loads(done.stdout)


def rows(path: Path, query: str) -> list[dict[str, Any]]:
    """Of an SQL query."""
    return view("sql", path, query, "--json")["rows"]


def types(path: Path, *words: str) -> dict[str, dict[str, Any]]:
    """Class -> its row of `barrow types`."""
    return {row["class"]: row for row in view("types", path, "--json", *words)["rows"]}
