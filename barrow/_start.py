"""Starts recording in a process that `barrow run` launched.

Imported by barrow.pth while the interpreter starts, and only if BARROW_RUN is set.  Whatever goes
wrong, the program runs: unrecorded, with one line on standard error from the root process.
"""

import os
import sys


def _start() -> None:
    try:
        from barrow import _core

        _core.start_from_environment()
        lines = os.environ.get("BARROW_LINES")
        if lines is not None:
            from barrow import _lines

            _lines.start(lines)
    except Exception as error:
        if os.environ.get("BARROW_ROOT") == str(os.getpid()) and sys.stderr is not None:
            print(f"barrow: not recording: {error}", file=sys.stderr)


_start()
