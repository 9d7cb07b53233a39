"""Watching a service: a census of its classes every so often, as log records and in a ledger.

    watch = barrow.watch("app.yaml")     # or the same as a dict; the section
    ...                                  # general.monitoring.memory_profiling counts
    watch.stop()

`BARROW_CONFIG=app.yaml python app.py` does it without a change of the program.
"""

from __future__ import annotations

import os
import sys

from barrow import _core

# Known to type checkers as true.  This is loaded while interpreters start (BARROW_CONFIG): nothing else is.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, TypeAlias

    from barrow._open import StrPath

    # Where it stands, for errors; its key, None: it stands where the section should; its value.
    Setting: TypeAlias = tuple[str, str | None, object]
    # enabled, interval_seconds, top_n_classes, every object?, ledger
    Config: TypeAlias = tuple[bool, int, int, bool, str | None]

LOGGER = "memory_profiler"
SECTION = ("general", "monitoring", "memory_profiling")


class ConfigError(_core.Error, ValueError):
    """A configuration that can't be used; the text says where, which key and what is allowed."""


class Watch:
    """A census of this process's classes every so often; made by `barrow.watch()`.

    It goes on in forked children, each for itself.  It can be used as a context manager.
    """

    def __init__(self, enabled: bool, interval_seconds: int, top_n_classes: int, is_all: bool) -> None:
        self.enabled = enabled
        """Whether the configuration asks for it; if not, nothing runs."""
        self.interval_seconds = interval_seconds
        self.top_n_classes = top_n_classes
        self.scope = "all" if is_all else "tracked"
        self.ledger: str | None = None
        """The path of the ledger it writes beside a recording's, if the configuration names one."""

    @property
    def running(self) -> bool:
        """True until stop(), or until another watch() took its place."""
        return _current is self

    def census(self) -> None:
        """Take a census now, besides those that are due: a log record, and an entry of the ledgers."""
        _tick(self)

    def stop(self) -> None:
        """End it; once it returns no more records come.  Calling it again does nothing."""
        if self.running:
            _stop(at_exit=False)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *unused: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "running" if self.running else "not running"
        return f"<barrow.Watch every {self.interval_seconds} s, {state}>"


_current: Watch | None = None
_is_prepared = False


def watch(config: StrPath | Mapping[str, Any]) -> Watch:
    """Watch this process as a configuration says; see docs/guide/watch.md.

    config: the path of a YAML file, or what such a file holds.  Only its section
    `general.monitoring.memory_profiling` is looked at:

        enabled: true            # boolean, default false
        interval_seconds: 60     # integer, default 60, minimum 10
        top_n_classes: 50        # integer, default 50, minimum 1
        scope: tracked           # what the garbage collector tracks (default), or `all` objects
        ledger: app.barrow       # also write the censuses to a ledger of their own

    Each interval one INFO record goes to the logger `memory_profiler`, and an entry to the ledger of
    the recording, if there is one.  A later call takes the place of an earlier one.

    Raises barrow.ConfigError (a ValueError) if anything in the section is not as it should be,
    barrow.LedgerError if the ledger can't be written.
    """
    global _current
    if isinstance(config, str | bytes | os.PathLike):
        enabled, interval, top, is_all, ledger = _load(config)
    else:
        enabled, interval, top, is_all, ledger = _check(_settings_of_mapping(config))
    made = Watch(enabled, interval, top, is_all)
    _stop(at_exit=False)
    if not enabled:
        return made
    _prepare()
    if ledger is not None:
        made.ledger = _core.watch_ledger_open(ledger)
    _current = made
    _core.watch_start(interval, _on_time)
    return made


# ---- running ----


def _prepare() -> None:
    """Stop at the end of the program, and be gone while it forks: once a process."""
    global _is_prepared
    if _is_prepared:
        return
    import atexit

    atexit.register(_stop, at_exit=True)
    os.register_at_fork(
        before=_core.watch_before_fork,
        after_in_parent=_core.watch_after_fork_in_parent,
        after_in_child=_core.watch_after_fork_in_child,
    )
    _is_prepared = True


def _stop(at_exit: bool) -> None:
    global _current
    if _current is None:
        return
    _current = None
    _core.watch_stop()
    _core.watch_ledger_close(at_exit)


def _on_time() -> None:
    watch = _current
    if watch is not None:
        _tick(watch)


def _tick(watch: Watch) -> None:
    # A program that never imported logging has no handler for the record.
    wants_text = False
    if "logging" in sys.modules:
        import logging

        logger = logging.getLogger(LOGGER)
        wants_text = logger.isEnabledFor(logging.INFO)
    text = _core.watch_census(watch.scope == "all", watch.top_n_classes if wants_text else 0)
    if text is not None:
        _name_thread()
        logger.info(text)
        _forget_thread()


def _name_thread() -> None:
    """Give this thread, unless it is one of the program's, a name for formats with threadName."""
    import threading

    thread = threading.current_thread()
    if thread.name.startswith("Dummy-"):
        thread.name = "barrow-watch"


def _forget_thread() -> None:
    """Keep it out of threading.enumerate(); from 3.13 on the interpreter sees to that."""
    if sys.version_info < (3, 13):
        import threading

        if threading.current_thread().name == "barrow-watch":
            getattr(threading, "_active", {}).pop(threading.get_ident(), None)


# ---- configuration ----


def _check(settings: Iterator[Setting]) -> Config:
    try:
        return _core.watch_config_check(list(settings))
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _load(path: StrPath) -> Config:
    try:
        return _core.watch_config_load(path)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    except _core.Error as error:  # built without libyaml
        no_yaml = str(error)
    try:
        from barrow import _watch_yaml
    except ImportError:
        raise ConfigError(no_yaml) from None
    try:
        return _check(_watch_yaml.settings(path, SECTION))
    except _watch_yaml.UnreadableError as error:
        raise ConfigError(str(error)) from None


def _settings_of_mapping(config: Mapping[str, Any]) -> Iterator[Setting]:
    from collections.abc import Mapping

    section: object = config
    if not isinstance(section, Mapping):
        raise TypeError(f"watch() takes the path of a YAML file or a dict, not {type(config).__name__}")
    for i, name in enumerate(SECTION):
        if not isinstance(section, Mapping):
            return
        for misplaced in SECTION[i + 1 :]:
            if misplaced in section and name not in section:
                raise ConfigError(f"{misplaced}: this belongs into {'.'.join(SECTION[: SECTION.index(misplaced)])}")
        section = section.get(name)
    if isinstance(section, Mapping):
        for key, value in section.items():
            yield ".".join(SECTION) + ".", str(key), value
    elif section is not None:
        yield ".".join(SECTION[:-1]) + ".", None, section


# ---- BARROW_CONFIG ----


def start_from_environment() -> None:
    """Watch as the file says that BARROW_CONFIG names.

    Whatever goes wrong, the program runs: unwatched, with one line on standard error.
    """
    try:
        watch(os.environ["BARROW_CONFIG"])
    except Exception as error:
        if sys.stderr is not None:
            print(f"barrow: {error}", file=sys.stderr)
