"""Tables in logs: `LogFile`."""

import logging
import re

_INCREMENT = re.compile(r"MiB\s+(-?[0-9.]+) MiB")
_HEADINGS = ("Filename:", "Line Contents")


class LogFile:
    """A stream for tables that writes to the logger `name`.

    reportIncrementFlag: of the lines, only those that have used more memory than before.
    """

    def __init__(self, name: str | None = None, reportIncrementFlag: bool = False) -> None:
        self.logger = logging.getLogger(name)
        self.reportIncrementFlag = reportIncrementFlag

    def write(self, msg: str, level: int = logging.INFO) -> None:
        if not self.reportIncrementFlag or self._is_wanted(msg):
            self.logger.log(level, msg)

    @staticmethod
    def _is_wanted(msg: str) -> bool:
        increment = _INCREMENT.search(msg)
        if increment:
            return float(increment[1]) > 0
        return any(heading in msg for heading in _HEADINGS)

    def flush(self) -> None:
        for handler in self.logger.handlers:
            handler.flush()
