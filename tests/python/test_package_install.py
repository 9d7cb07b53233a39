"""`pip install .` as a user does it: a new environment, nothing but a compiler and Python's headers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """The bin directory of a new environment with barrow, built in isolation from the sources."""
    repository = Path(__file__).resolve().parents[2]
    if not (repository / "meson.build").exists():
        pytest.skip("no sources here")
    directory = tmp_path_factory.mktemp("fresh")
    venv = directory / "venv"
    # The scripts directory of the tests' environment has meson and ninja: they must not help.
    own = str(Path(sys.executable).parent)
    path = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if p != own)
    environment = {**os.environ, "PATH": path}
    environment.pop("VIRTUAL_ENV", None)
    subprocess.run([sys.executable, "-m", "venv", venv], check=True, env=environment)
    install = [venv / "bin/python", "-m", "pip", "install", "-q", repository]
    install.append(f"--config-settings=build-dir={directory / 'build'}")
    done = subprocess.run(install, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return venv / "bin"


def run(*arguments, cwd):
    return subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, timeout=60)


def test_command_records_and_shows(fresh, tmp_path):
    (tmp_path / "app.py").write_text(
        "kept = [bytearray(1000) for _ in range(1000)]\nprint('done')\n"
    )
    recorded = run(fresh / "barrow", "run", "-q", "-o", "app.barrow", "app.py", cwd=tmp_path)
    assert (recorded.returncode, recorded.stdout, recorded.stderr) == (0, "done\n", "")
    shown = run(fresh / "barrow", "table", "--json", "app.barrow", cwd=tmp_path)
    rows = json.loads(shown.stdout)["rows"]
    assert any(row["line"] == 1 and row["bytes"] >= 1_000_000 for row in rows)


def test_module_keeps_the_interpreter_and_its_options(fresh, tmp_path):
    code = "import sys; print(sys.prefix, sys.flags.optimize, sys.flags.dev_mode)"
    options = ["-O", "-X", "dev"]
    plain = run(fresh / "python", *options, "-c", code, cwd=tmp_path)
    recorded = run(
        *[fresh / "python", *options, "-m", "barrow", "run", "-q", "-o", "x.barrow", "-c", code],
        cwd=tmp_path,
    )
    assert recorded.stdout == plain.stdout == f"{fresh.parent} 1 True\n"
    assert (tmp_path / "x.barrow").exists()


def test_package_stands_alone(fresh, tmp_path):
    listed = run(fresh / "python", "-m", "pip", "list", "--format=json", cwd=tmp_path)
    names = {package["name"] for package in json.loads(listed.stdout)}
    assert names <= {"barrow", "pip", "setuptools"}


def test_manual_page_lies_where_man_looks(fresh):
    page = fresh.parent / "man/man1/barrow.1"
    assert page.read_text().startswith(".TH BARROW 1")
