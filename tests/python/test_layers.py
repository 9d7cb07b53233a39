"""scripts/check-layers.py: finds what it is there to find, and nothing in what keeps to the rules."""

from __future__ import annotations

import subprocess
import sys

import pytest


def check(repository, root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run(
        [sys.executable, repository / "scripts/check-layers.py", root],
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "name, line, complaint",
    [
        ("base/a.c", '#include "ledger/format.h"', "base/ must not include ledger/"),
        ("ledger/a.c", '#include "record/record.h"', "ledger/ must not include record/"),
        ("profile/a.h", '#include "export/export.h"', "profile/ must not include export/"),
        ("cli/a.c", '#include "record/record.h"', "cli/ must not include record/"),
        ("record/a.c", '#include "dig/walk.h"', "record/ must not include dig/"),
        ("dig/a.c", '#include "record/record.h"', "dig/ must not include record/"),
        ("record/a.c", '#include "pymod/pymod.h"', "record/ must not include pymod/"),
        ("export/a.c", '#include "cli/view.h"', "export/ must not include cli/"),
        ("profile/a.c", "#include <Python.h>", "Python.h does not belong in profile/"),
        ("cli/a.c", "  #  include <Python.h>", "Python.h does not belong in cli/"),
        ("record/native/a.c", '#include "Python.h"', "Python.h does not belong in record/"),
        ("record/a.c", "#if PY_VERSION_HEX >= 0x030d0000", "only cpython/ may ask"),
        ("pymod/a.c", "#define Py_BUILD_CORE 1", "only cpython/ may ask"),
        ("pymod/a.c", '#include "internal/pycore_frame.h"', "only cpython/ may ask"),
        ("base/a.c", '#include "neighbour.h"', "include paths start with a folder of src/"),
        ("drawer/a.c", "", "drawer/ is no known layer"),
    ],
)
def test_violation_is_found(repository, tmp_path, name, line, complaint):
    result = check(repository, tmp_path, {name: f"/* a */\n{line}\n"})
    assert result.returncode == 1
    assert complaint in result.stdout
    place = f"{tmp_path / name}:{2 if line else 1}:"
    assert result.stdout.startswith(place)


def test_file_that_is_not_built_is_found(repository, tmp_path):
    files = {"meson.build": "", "base/meson.build": "base_sources = files(\n  'a.c',\n)\n"}
    files |= {"base/a.c": "", "base/sub/b.c": ""}
    result = check(repository, tmp_path, files)
    assert (result.returncode, result.stdout.count("\n")) == (1, 1)
    assert "sub/b.c:1: not built" in result.stdout


def test_what_keeps_to_the_layers_passes(repository, tmp_path):
    files = {
        "meson.build": "files('base/a.c', 'ledger/a.c', 'cpython/a.c', 'record/hooks.c', 'pymod/a.c')",
        "base/a.c": "#include <stdio.h>\n",
        "ledger/a.c": '/* #include "record/record.h" */\n// #include <Python.h>\n#include "base/a.h"\n',
        "cpython/a.c": '#include <Python.h>\n#if PY_VERSION_HEX\n#include "internal/pycore_frame.h"\n',
        "record/hooks.c": '#include <Python.h>\n#include "ledger/write.h"\n',
        "pymod/a.c": '#include <Python.h>\n#include "record/record.h"\n#include "table/b.h"\n',
    }
    result = check(repository, tmp_path, files)
    assert (result.returncode, result.stdout) == (0, "layers: 5 files keep to them\n")


def test_the_sources_keep_to_the_layers(repository):
    if not (repository / "src").is_dir():
        pytest.skip("no sources here")
    result = check(repository, repository / "src", {})
    assert result.returncode == 0, result.stdout
