"""Every program in tests/targets, recorded: the ledger says what the program's head says."""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from native import libraries, target_environment
from runner import TARGETS, Result, execute, ledger, plain, record, run_words
from truth import Truth, applies, compare, consistency, read_truth

# Allocators that stand in for the usual ones: environment of the program.
VARIANTS = {
    "malloc": {"PYTHONMALLOC": "malloc"},
    "debug": {"PYTHONMALLOC": "debug"},
    "jemalloc": {"LD_PRELOAD": "libjemalloc.so.2"},
    "tcmalloc": {"LD_PRELOAD": "libtcmalloc_minimal.so.4"},
}


def _cases() -> list[object]:
    cases = []
    for path in sorted(TARGETS.glob("*.py")):
        truth = read_truth(path)
        if not truth.claims and not truth.summary:
            continue
        for variant in ["", *truth.words.get("also", [])]:
            name = f"{path.stem}-{variant}" if variant else path.stem
            cases.append(pytest.param(path, variant, id=name))
    return cases


def _missing(truth: Truth, variant: str) -> str | None:
    """Why the target can't be run here."""
    if not applies(truth):
        return f"only for {truth.only}"
    for need in truth.words.get("needs", []):
        if need.startswith("lib:"):
            if not ctypes.util.find_library(need[4:]):
                return f"no library {need[4:]}"
        elif not importlib.util.find_spec(need):
            return f"no module {need}"
    library = VARIANTS.get(variant, {}).get("LD_PRELOAD")
    if library:
        done = execute(["/bin/true"], env={"LD_PRELOAD": library})
        if done.stderr:
            return f"no {library}"
    return None


def _run(truth: Truth, variant: str, output: Path) -> tuple[Result, Result]:
    """The target under barrow, and without."""
    env = target_environment(VARIANTS.get(variant, {}))
    for setting in truth.words.get("env", []):
        name, _, value = setting.partition("=")
        env[name] = value.replace("$KNOWN", str(libraries()))
    program = ["-m", truth.path.stem] if truth.module else [str(truth.path)]
    program += truth.words.get("args", [])
    options = tuple(truth.words.get("options", []))
    recorded = record(output, *program, options=options, env=env, cwd=TARGETS)
    return recorded, plain(*program, env=env, cwd=TARGETS)


@pytest.mark.parametrize(("path", "variant"), _cases())
def test_target(path: Path, variant: str, tmp_path: Path) -> None:
    truth = read_truth(path)
    if reason := _missing(truth, variant):
        pytest.skip(reason)
    output = tmp_path / "target.barrow"
    recorded, alone = _run(truth, variant, output)
    assert recorded.status == alone.status == truth.status, recorded.stderr + alone.stderr
    assert recorded.stderr.startswith(alone.stderr)
    for line in recorded.stdout.splitlines():
        kind, _, text = line.partition(": ")
        if kind == "skip":
            pytest.skip(text)
        if kind in ("truth", "stack", "rows", "summary"):
            truth.add(kind, text)

    book = ledger(output)
    wrong = compare(truth, book) + consistency(book)
    assert not wrong, "\n".join(wrong)
    assert book.summary["complete"] is True
    given_up = {name: n for name, n in book.summary["dropped"].items() if n}
    assert not given_up.keys() - set(truth.dropped), given_up


def test_there_are_enough_targets() -> None:
    assert len({case.values[0] for case in _cases()}) >= 40


def test_unknown_frees_are_exact(tmp_path: Path) -> None:
    """Blocks that a preloaded library made before the recording: each free counts one."""
    program = "import ctypes, sys; ctypes.CDLL(sys.argv[1]).early_free(int(sys.argv[2]))"
    library = str(libraries() / "libearly.so")
    counts = []
    for number in (10, 77):
        output = tmp_path / f"{number}.barrow"
        words = [*run_words(output), "-c", program, library, str(number)]
        # Without random addresses, so that the interpreter's own frees are the same each time.
        done = execute(["setarch", "-R", *words], env={"LD_PRELOAD": library})
        assert done.status == 0, done.stderr
        counts.append(ledger(output).summary["unknown_frees"])
    assert counts[1] - counts[0] == 67


def _is_fixed(python: str) -> bool:
    """True of an executable that is not position independent."""
    with open(python, "rb") as file:
        head = file.read(18)
    return head[:4] == b"\x7fELF" and head[16] == 2


@pytest.fixture(scope="session")
def fixed_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter like Debian's, which is not position independent, with barrow installed."""
    if _is_fixed(os.path.realpath(sys.executable)):
        return sys.executable
    system = f"/usr/bin/python3.{sys.version_info[1]}"
    if not os.path.exists(system) or not _is_fixed(system):
        pytest.skip("no such interpreter here")
    venv = tmp_path_factory.mktemp("fixed")
    subprocess.run([system, "-m", "venv", "--without-pip", str(venv)], check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    package = Path(importlib.util.find_spec("barrow").origin).parent
    shutil.copytree(package, site / "barrow")
    shutil.copy(package.parent / "barrow.pth", site)
    return str(venv / "bin" / "python")


@pytest.mark.parametrize("name", ["threads_100", "pymem_domains", "libc_callers", "table_in_data"])
def test_interpreter_at_a_fixed_address(name: str, fixed_python: str, tmp_path: Path) -> None:
    """Its own addresses of malloc and free are the hooks': the originals must come from elsewhere."""
    truth = read_truth(TARGETS / f"{name}.py")
    output = tmp_path / "fixed.barrow"
    done = record(output, truth.path, python=fixed_python, env=target_environment())
    assert done.status == 0, done.stderr
    book = ledger(output)
    assert compare(truth, book) + consistency(book) == []
    assert book.summary["allocations"] > 0
