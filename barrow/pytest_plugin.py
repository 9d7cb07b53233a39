"""The pytest plugin: what it offers; what it does is loaded when a test asks for it.

    pytest --barrow                          # record each test, and show the hungriest
    @pytest.mark.limit_memory("24 MB")       # fail above a peak
    @pytest.mark.limit_leaks("1 MB")         # fail if a place leaves that much behind
    pytest --barrow-repeat 6                 # run each test several times: does memory grow?
    pytest --barrow --barrow-compare a.json  # against an earlier run

The markers have the signatures and the meaning of pytest-memray's.  Where that is installed too, ours
are `barrow_limit_memory` and `barrow_limit_leaks` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pytest

__all__ = ["Stack", "StackFrame"]


class StackFrame(NamedTuple):
    """One frame of a stack, for the `filter_fn` of `limit_leaks`."""

    function: str
    filename: str
    lineno: int


class Stack(NamedTuple):
    """Where memory was allocated: what `filter_fn` of `limit_leaks` decides about."""

    frames: tuple[StackFrame, ...]
    """The most recent call first; empty where no Python code ran."""


class Option(NamedTuple):
    """An option of the command line, `--barrow-NAME`, and its twin in the ini file, `barrow_NAME`."""

    name: str
    kind: type
    default: object
    argument: str | None
    help: str

    @property
    def key(self) -> str:
        return f"barrow_{self.name.replace('-', '_')}" if self.name else "barrow"


OPTIONS = [
    Option("", bool, False, None, "record the memory of each test and show the tests that need most"),
    Option("top", int, 5, "N", "tests to show (0: all)"),
    Option("sites", int, 3, "N", "lines to show of each, and of a failure"),
    Option(
        "repeat",
        int,
        1,
        "N",
        "run each test's body N times; from 5 on, a test whose live memory grows with each run fails",
    ),
    Option("json", str, "", "FILE", "write the figures of all tests to FILE"),
    Option("compare", str, "", "FILE", "compare with the figures in FILE, of an earlier --barrow-json"),
    Option("threshold", float, 5.0, "PERCENT", "differences to show when comparing"),
    Option("compare-fail", bool, False, None, "exit with status 1 if a test needs more than in the comparison"),
]
MARKERS = {
    "limit_memory": '(limit, *, current_thread_only=False): fail if the test needs that much memory, "24 MB"',
    "limit_leaks": "(location_limit, *, filter_fn=None, current_thread_only=False): "
    "fail if the memory that one place leaves behind is that much",
    "limit_leaked_objects": "(*, filter_fn=None): not supported by barrow",
}
OWN_PREFIX = "barrow_"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("barrow", "memory (barrow)")
    for option in OPTIONS:
        flag = f"--barrow-{option.name}" if option.name else "--barrow"
        if option.kind is bool:
            group.addoption(flag, dest=option.key, action="store_true", default=None, help=option.help)
        else:
            text = f"{option.help} ({option.default})" if option.default else option.help
            group.addoption(flag, dest=option.key, type=option.kind, default=None, metavar=option.argument, help=text)
        same = f"the same as {flag}"
        if option.kind is bool:
            parser.addini(option.key, same, type="bool")
        else:
            parser.addini(option.key, same)


def value(config: pytest.Config, name: str) -> object:
    """Give an option's value: the command line's, else the ini file's, else the default."""
    import pytest

    option = next(each for each in OPTIONS if each.name == name)
    given = config.getoption(option.key)
    if given is not None:
        return given
    written = config.getini(option.key)
    if written in ("", None, False):
        return option.default
    try:
        return option.kind(written)
    except ValueError:
        raise pytest.UsageError(f"{option.key} = {written}: expected a number") from None


def markers(config: pytest.Config) -> dict[str, str]:
    """Give the markers that are ours, each with the name that pytest-memray has for it."""
    names = {OWN_PREFIX + name: name for name in MARKERS}
    if not (config.pluginmanager.hasplugin("memray") or config.pluginmanager.hasplugin("memray_manager")):
        names.update({name: name for name in MARKERS})
    return names


def _load(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("barrow_recorder"):
        from barrow._pytest import Plugin

        config.pluginmanager.register(Plugin(config), "barrow_recorder")


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in markers(config).items():
        config.addinivalue_line("markers", name + MARKERS[meaning])
    if any(value(config, name) for name in ("", "json", "compare")) or value(config, "repeat") != 1:
        _load(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    names = markers(config)
    marked = [item for item in items if any(mark.name in names for mark in item.iter_markers())]
    if marked:
        from barrow import _pytest

        _pytest.check_markers(config, marked)
        _load(config)
