"""Find out where a Python program's memory goes, why it stays, and how to need less of it.

    with barrow.record("run.barrow"):        # record a part of a program
        work()
    ledger = barrow.open("run.barrow")       # read what was recorded
    for row in ledger.table(metric="peak", by="line", limit=10):
        print(row.file, row.line, row.bytes)

Programs are recorded whole, unchanged, by ``barrow run app.py``.

Importing this package loads nothing: each name is loaded when it is first used.
"""

# Known to type checkers as true; importing `typing` would cost more than all of the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from barrow._core import Error as Error
    from barrow._core import LedgerError as LedgerError
    from barrow._core import __version__ as __version__
    from barrow._dig import dig as dig
    from barrow._heap import growth as growth
    from barrow._heap import paths as paths
    from barrow._heap import referrers as referrers
    from barrow._heap import size as size
    from barrow._heap import why as why
    from barrow._ipython import load_ipython_extension as load_ipython_extension
    from barrow._lines import profile as profile
    from barrow._open import Ledger as Ledger
    from barrow._open import Table as Table
    from barrow._open import open as open
    from barrow._record import mark as mark
    from barrow._record import record as record
    from barrow._tracker import Tracker as Tracker
    from barrow._watch import ConfigError as ConfigError
    from barrow._watch import Watch as Watch
    from barrow._watch import watch as watch

__all__ = [
    "ConfigError",
    "Error",
    "Ledger",
    "LedgerError",
    "Table",
    "Tracker",
    "Watch",
    "__version__",
    "dig",
    "growth",
    "load_ipython_extension",
    "mark",
    "open",
    "paths",
    "profile",
    "record",
    "referrers",
    "size",
    "watch",
    "why",
]

_HOMES = {
    "Error": "_core",
    "LedgerError": "_core",
    "__version__": "_core",
    "Ledger": "_open",
    "Table": "_open",
    "dig": "_dig",
    "growth": "_heap",
    "paths": "_heap",
    "referrers": "_heap",
    "size": "_heap",
    "why": "_heap",
    "Tracker": "_tracker",
    "open": "_open",
    "profile": "_lines",
    "load_ipython_extension": "_ipython",
    "mark": "_record",
    "record": "_record",
    "ConfigError": "_watch",
    "Watch": "_watch",
    "watch": "_watch",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'barrow' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"barrow.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
