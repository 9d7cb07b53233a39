"""The installed package: what the wheel holds, how it starts, what importing it costs."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from runner import barrow_exe, clean_environment

import barrow

SITE = Path(sysconfig.get_path("platlib"))
PACKAGE = Path(barrow.__file__).parent


def python(*arguments, env=None, **options):
    return subprocess.run(
        [sys.executable, *arguments],
        env=clean_environment(env),
        cwd=options.pop("cwd", "/"),
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


def test_tests_see_the_installed_package(repository):
    assert repository not in PACKAGE.parents or PACKAGE.parent == SITE


def test_wheel_has_everything():
    names = {str(file) for file in importlib.metadata.files("barrow")}
    assert "barrow.pth" in names
    assert {"barrow/__init__.py", "barrow/py.typed", "barrow/_core.pyi"} <= names
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    assert f"barrow/_core{suffix}" in names
    assert any(name.endswith("/bin/barrow") for name in names)


def test_everything_in_the_sources_is_installed(repository):
    if not (repository / "barrow").is_dir():
        pytest.skip("no sources here")
    sources = {
        p.name for p in (repository / "barrow").iterdir() if p.suffix in {".py", ".pyi", ".typed"}
    }
    installed = {path.name for path in PACKAGE.iterdir()}
    assert sources <= installed


def test_version_is_one():
    printed = subprocess.run(
        [barrow_exe(), "--version"], capture_output=True, text=True, check=True
    )
    assert printed.stdout == f"barrow {barrow.__version__}\n"
    assert importlib.metadata.version("barrow") == barrow.__version__


def test_command_does_not_link_python():
    needed = subprocess.run(
        ["ldd", barrow_exe()], capture_output=True, text=True, check=True
    ).stdout
    assert "libc.so" in needed
    assert "python" not in needed


def test_extension_exports_only_its_init_function():
    import barrow._core as core

    symbols = subprocess.run(
        ["nm", "-D", "--defined-only", core.__file__], capture_output=True, text=True, check=True
    ).stdout.split()[2::3]
    assert symbols == ["PyInit__core"]


def test_needs_no_other_package():
    assert importlib.metadata.requires("barrow") is None


# ---- importing ----


def test_import_loads_nothing():
    code = (
        "import sys; before = set(sys.modules); import barrow;"
        "print(sorted(set(sys.modules) - before))"
    )
    result = python("-c", code)
    assert ast.literal_eval(result.stdout) == ["barrow"], result.stderr


def test_every_public_name_can_be_had():
    assert set(barrow.__all__) <= set(dir(barrow))
    for name in barrow.__all__:
        assert getattr(barrow, name) is not None
    with pytest.raises(AttributeError, match="colour"):
        barrow.colour  # noqa: B018


def test_public_names_are_documented():
    for name in ("Error", "Ledger", "LedgerError", "Table", "mark", "open", "record"):
        assert getattr(barrow, name).__doc__


# ---- barrow.pth ----


def test_pth_is_silent_and_imports_nothing():
    code = "import sys; print([m for m in sys.modules if m.startswith('barrow')])"
    for options in ([], ["-W", "error"], ["-X", "dev"], ["-I"], ["-bb"]):
        result = python(*options, "-c", code)
        assert (result.returncode, result.stdout, result.stderr) == (0, "[]\n", "")


def test_pth_costs_little():
    lines = (SITE / "barrow.pth").read_text().splitlines()
    assert len(lines) == 1
    code = (
        "import time, os\n"
        f"line = {lines[0]!r}\n"
        "times = []\n"
        "for _ in range(200):\n"
        "    start = time.perf_counter_ns(); exec(line); times.append(time.perf_counter_ns() - start)\n"
        "print(min(times))"
    )
    assert int(python("-c", code).stdout) < 50_000


def test_program_runs_when_recording_cannot_start():
    env = {"BARROW_RUN": "0" * 32, "BARROW_OUT": "/nowhere/x.barrow", "BARROW_OPTIONS": "scope=all"}
    result = python("-c", "print('ran')", env=env)
    assert (result.returncode, result.stdout) == (0, "ran\n")
    # Only the root process says something, and that in one line.
    assert result.stderr.count("\n") <= 1


def test_program_runs_when_the_extension_is_broken(tmp_path):
    shadow = tmp_path / "barrow"
    shadow.mkdir()
    (shadow / "__init__.py").touch()
    (shadow / "_core.py").write_text("raise ImportError('broken')")
    (shadow / "_start.py").write_text((PACKAGE / "_start.py").read_text())
    code = "import os; os.environ['BARROW_ROOT'] = str(os.getpid()); import barrow._start; print('ran')"
    result = python("-c", code, env={"PYTHONPATH": str(tmp_path)})
    assert (result.returncode, result.stdout) == (0, "ran\n")
    assert result.stderr == "barrow: not recording: broken\n"


# ---- python -m barrow ----


def test_module_is_the_command():
    result = python("-m", "barrow", "--version")
    assert result.stdout == f"barrow {barrow.__version__}\n"


def test_module_finds_the_command_by_metadata():
    from barrow.__main__ import executable

    assert os.path.samefile(executable(), barrow_exe())


@pytest.mark.parametrize(
    "argv, expected",
    [
        (["python", "-m", "barrow", "run", "-X", "dev"], []),
        (["python", "-mbarrow"], []),
        (["python", "-I", "-Xdev", "-m", "barrow"], ["-I", "-Xdev"]),
        (["python", "-X", "dev", "-W", "error", "-Om", "barrow"], ["-Xdev", "-Werror", "-O"]),
        (["python", "-IsW", "ignore", "-m", "barrow"], ["-I", "-s", "-Wignore"]),
        (
            ["python", "--check-hash-based-pycs", "always", "-um", "barrow"],
            ["--check-hash-based-pycs", "always", "-u"],
        ),
    ],
)
def test_interpreter_options_are_kept(argv, expected):
    from barrow.__main__ import interpreter_options

    assert interpreter_options(argv) == expected


def test_interpreter_options_as_python_reads_them():
    """What the interpreter gets when the options are given again means the same."""
    code = "import sys; print(sys.flags, sys._xoptions, sys.warnoptions)"
    words = ["-X", "utf8", "-OW", "ignore::UserWarning", "-bI"]
    first = python(*words, "-c", code)
    from barrow.__main__ import interpreter_options

    again = python(*interpreter_options(["python", *words, "-m", "barrow"]), "-c", code)
    assert (first.returncode, first.stdout) == (0, again.stdout)
