"""Heap snapshots of this process: `barrow.dig()`."""

import os

from barrow import _core
from barrow._open import StrPath

_core.dig_prepare(os.path.dirname(os.path.abspath(__file__)) + os.sep)


def dig(
    path: StrPath | None = None,
    *,
    fork: bool = False,
    label: str | None = None,
    values: bool = False,
) -> str:
    """Take a heap snapshot: every object of this process, what it costs, what refers to it.

        barrow.dig("now.barrow")          # then: barrow types now.barrow, barrow why now.barrow dict

    path: the ledger to write, which must not exist.  None: into the recording under way, so that each
        object is known with the line that made it.  A file of its own knows those lines too if this process
        is being recorded.
    fork: let a forked child do it.  This thread waits for the child, others go on meanwhile: the program
        stands still for as long as the fork takes, and may need up to twice its memory.  Needs a path.
    label: a name for the snapshot.
    values: store the first characters of texts and numbers too.  Without it the file holds names (of
        classes, attributes, modules, variables) and hashes of contents, but no contents.

    Returns the path of the ledger.  No Python code runs meanwhile, and nothing in the program changes.

    Errors: ValueError if there is nowhere to write to, barrow.LedgerError if the file can't be written,
    MemoryError, and barrow.Error if this interpreter's objects aren't as barrow knows them.
    """
    if path is None:
        if fork:
            raise ValueError("dig(fork=True) needs a path: the child can't write into the recording")
        if not _core.recording():
            raise ValueError("dig() needs a path, as nothing is being recorded")
        _core.dig(None, label, False, values)
        return _core.record_path()
    full = os.path.abspath(path)
    _core.dig(full, label, fork, values)
    return full
