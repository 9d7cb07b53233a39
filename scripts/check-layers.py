#!/usr/bin/python3
"""Checks who includes whom under src/, and that every source file is built.

    scripts/check-layers.py [SOURCE_DIRECTORY]

Prints one line a violation, `file:line: what`, and exits 1 if there is one.
"""

import re
import sys
from pathlib import Path

# What a folder may include besides its own headers.
MAY_INCLUDE = {
    "base": set(),
    "os": {"base"},
    "cpython": {"base", "os"},
    "ledger": {"base", "os"},
    "profile": {"base", "ledger"},
    "graph": {"base", "ledger"},
    "table": {"base", "ledger", "profile", "graph"},
    "export": {"base", "ledger", "profile", "graph", "table"},
    "advise": {"base", "ledger", "profile", "graph", "table"},
    "series": {"base", "os", "ledger"},
    "record": {"base", "os", "cpython", "ledger"},
    "dig": {"base", "os", "cpython", "ledger"},
    "lines": {"base", "os", "cpython", "ledger", "record"},
    "watch": {"base", "os", "cpython", "ledger", "record", "dig"},
    "attach": {"base", "os", "ledger"},
    "kit": {"base", "os", "cpython", "dig"},
    "cli": {
        "base",
        "os",
        "ledger",
        "profile",
        "graph",
        "table",
        "export",
        "advise",
        "series",
        "attach",
    },
    "pymod": {
        "base",
        "os",
        "cpython",
        "ledger",
        "profile",
        "graph",
        "table",
        "export",
        "advise",
        "record",
        "dig",
        "lines",
        "series",
        "watch",
        "kit",
    },
}

# Files that may include Python.h, by their path under src/.
MAY_SEE_PYTHON = re.compile(r"(cpython|dig|lines|kit|pymod)/|record/hooks[^/]*$|watch/probe[^/]*$")

INCLUDE = re.compile(r'\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
PYTHON_HEADER = re.compile(r"(Python\.h|patchlevel\.h|pyconfig\.h|(internal/)?pycore_\w+\.h)$")
# Only cpython/ may ask for the version of the interpreter or see its internals.
VERSION_OR_INTERNALS = re.compile(
    r"\b(PY_VERSION_HEX|PY_(MAJOR|MINOR|MICRO)_VERSION|Py_BUILD_CORE\w*|pycore_\w+\.h)\b"
)


def strip_comments(text: str) -> str:
    """Blank out comments, keeping line numbers."""
    return re.sub(
        r"/\*.*?\*/|//[^\n]*", lambda match: re.sub(r"[^\n]", " ", match.group()), text, flags=re.S
    )


def check_line(path: str, line: str) -> list[str]:
    """Give what is wrong with one line of the file `path` (relative to src/)."""
    layer = path.split("/", 1)[0]
    found = []
    include = INCLUDE.match(line)
    if include:
        quoted, angled = include.groups()
        header = quoted or angled
        if PYTHON_HEADER.match(header):
            if not MAY_SEE_PYTHON.match(path):
                found.append(f"{header} does not belong in {layer}/")
        elif quoted is not None:
            folder = quoted.split("/", 1)[0] if "/" in quoted else ""
            if folder not in MAY_INCLUDE:
                found.append(f'"{quoted}": include paths start with a folder of src/')
            elif folder != layer and folder not in MAY_INCLUDE.get(layer, set()):
                found.append(f"{layer}/ must not include {folder}/ ({quoted})")
    if VERSION_OR_INTERNALS.search(line) and not path.startswith("cpython/"):
        found.append("only cpython/ may ask for the interpreter's version or internals")
    return found


def check_file(root: Path, file: Path) -> list[str]:
    path = file.relative_to(root).as_posix()
    layer = path.split("/", 1)[0]
    if layer not in MAY_INCLUDE:
        return [f"{file}:1: {layer}/ is no known layer; add it to {Path(__file__).name}"]
    lines = strip_comments(file.read_text(encoding="utf-8")).splitlines()
    return [
        f"{file}:{number}: {what}"
        for number, line in enumerate(lines, start=1)
        for what in check_line(path, line)
    ]


def check_built(root: Path) -> list[str]:
    """Every .c file is named in the meson.build of its folder or of one above it."""
    missing = []
    for file in sorted(root.rglob("*.c")):
        folders = [folder for folder in file.parents if root in (folder, *folder.parents)]
        named = False
        for folder in folders:
            build = folder / "meson.build"
            name = file.relative_to(folder).as_posix()
            named = named or (build.exists() and f"'{name}'" in build.read_text(encoding="utf-8"))
        if not named:
            missing.append(f"{file}:1: not built: name it in {file.parent / 'meson.build'}")
    return missing


def check(root: Path) -> list[str]:
    files = sorted([*root.rglob("*.c"), *root.rglob("*.h")])
    found = [what for file in files for what in check_file(root, file)]
    if (root / "meson.build").exists():
        found += check_built(root)
    return found


def main() -> int:
    here = Path(__file__).resolve().parent
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "src"
    found = check(root)
    for what in found:
        print(what)
    if not found:
        print(f"layers: {len(list(root.rglob('*.[ch]')))} files keep to them")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
