"""Runs a program between two snapshots, and notes what Python's allocators gave out meanwhile.

    barrow run … reconcile_program.py SCRIPT RESULT
"""

from __future__ import annotations

import json
import runpy
import sys

import blocks

import barrow

# The interpreter's table of interned texts is older than the recording, which so wouldn't see it go when it
# grows: it gets its room beforehand.
NAMES = [sys.intern(f"name {n}") for n in range(20_000)]


def main(script: str, result: str) -> None:
    barrow.dig()  # what the first use imports isn't the program's
    barrow.dig()
    blocks.watch()
    kept = runpy.run_path(script, run_name="__main__")
    change = blocks.change()
    barrow.dig()
    with open(result, "w") as out:
        json.dump({"change": change, "names": len(kept)}, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
