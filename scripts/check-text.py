#!/usr/bin/python3
"""Checks what no formatter of ours sees: tabs, trailing blanks, long lines, missing last newline.

    scripts/check-text.py

Prints one line a violation, `file:line: what`, and exits 1 if there is one.
"""

import subprocess
import sys
from pathlib import Path

COLUMNS = {".h": 120, ".c": 120, ".py": 120, ".build": 120}
TABS_ALLOWED = {"Makefile", ".gitmodules"}


def check(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []  # no text
    found = []
    columns = COLUMNS.get(path.suffix) if path.name != "LICENSE" else None
    for number, line in enumerate(text.split("\n"), start=1):
        if line != line.rstrip():
            found.append(f"{path}:{number}: blanks at the end of the line")
        if "\t" in line and path.name not in TABS_ALLOWED:
            found.append(f"{path}:{number}: a tab")
        if columns and len(line) > columns:
            found.append(f"{path}:{number}: {len(line)} columns, at most {columns}")
    if text and not text.endswith("\n"):
        found.append(f"{path}: no newline at the end")
    return found


def main() -> int:
    names = subprocess.run(
        ["git", "ls-files", "-z"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.split("\0")
    skipped = ("tests/fuzz/corpus/", "tests/golden/", "tests/cli/golden/")
    paths = [Path(name) for name in names if name and not name.startswith(skipped)]
    found = [what for path in paths if path.is_file() for what in check(path)]
    for what in found:
        print(what)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
