"""Fixtures of the page's tests: a browser, pages, recordings of known programs.

Needs the `playwright` package and Chromium (BARROW_CHROMIUM names another than /usr/bin/chromium);
without them the tests are skipped.  BARROW_WEB_PAGE is a page as `npm run build` writes it, to be
tested in place of the one in the executable.  Screenshots go to build/screens.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCREENS = ROOT / "build" / "screens"
PROGRAMS = HERE / "programs"
CHROMIUM = os.environ.get("BARROW_CHROMIUM", "/usr/bin/chromium")
sys.path.insert(0, str(HERE))

playwright = pytest.importorskip("playwright.sync_api")

import make_page  # noqa: E402

ELEMENT = re.compile(r'<script type="application/x-barrow" id="\w+">[^<]*</script>\n?')


def command() -> str:
    return os.environ.get("BARROW_EXE") or str(Path(sys.executable).parent / "barrow")


def barrow(*words: str | Path) -> str:
    done = subprocess.run([command(), *map(str, words)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def figures(*words: str | Path) -> Any:
    """What a view writes as JSON."""
    return json.loads(barrow(*words, "--json"))


# ---- recordings ----


@pytest.fixture(scope="session")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """programs/before/shop.py and programs/after/shop.py, recorded."""
    folder = tmp_path_factory.mktemp("ledgers")
    made = {}
    for name in ("before", "after"):
        made[name] = folder / f"{name}.barrow"
        barrow("run", "-q", "--python", sys.executable, "-o", made[name], PROGRAMS / name / "shop.py")
    return made


@pytest.fixture(scope="session")
def report(ledgers: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of after/shop.py, compared with before/shop.py."""
    page = tmp_path_factory.mktemp("report") / "shop.html"
    barrow("report", "-o", page, "--base", ledgers["before"], ledgers["after"])
    if other := os.environ.get("BARROW_WEB_PAGE"):
        data = "".join(ELEMENT.findall(page.read_text(encoding="utf-8")))
        page.write_text(Path(other).read_text(encoding="utf-8").replace(make_page.MARKER, data), encoding="utf-8")
    return page


@pytest.fixture(scope="session")
def template(report: Path) -> str:
    """The page without data: what the executable holds."""
    text = report.read_text(encoding="utf-8")
    first = ELEMENT.search(text)
    assert first
    text = ELEMENT.sub("", text)
    return text[: first.start()] + make_page.MARKER + text[first.start() :]


@pytest.fixture
def made(template: str, tmp_path: Path) -> Callable[..., Path]:
    """Writes a page of made-up recordings."""

    def make(main: make_page.Recording, base: make_page.Recording | None = None) -> Path:
        path = tmp_path / "made.html"
        path.write_text(make_page.page(template, main, base), encoding="utf-8")
        return path

    return make


# ---- pages ----


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if not os.access(CHROMIUM, os.X_OK):
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def show(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page from its file.  At the end: no error was logged, and nothing else was asked for."""
    contexts: list[Any] = []
    troubles: list[str] = []

    def open_page(path: Path, fragment: str = "", width: int = 1280, height: int = 800, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda said: troubles.append(f"console: {said.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith((path.as_uri(), "data:")) else troubles.append(f"request: {asked.url}")
            ),
        )
        page.goto(f"{path.as_uri()}#{fragment}")
        page.wait_for_selector("[data-view]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []
