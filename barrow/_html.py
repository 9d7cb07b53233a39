"""What notebooks show of a recording: the report's page in a frame, else its figures as a table."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

from barrow import _core

_PAGE = Path(__file__).with_name("_page.html")
_MOST_BYTES = 16 << 20  # a notebook keeps what its cells show
_HEIGHT = 720

# The page's scripts may run, and that is all: they reach neither the notebook nor any network.
_FRAME = (
    '<iframe title="barrow" sandbox="allow-scripts" referrerpolicy="no-referrer" '
    f'style="width: 100%; height: {_HEIGHT}px; border: 0" srcdoc="{{page}}"></iframe>'
)
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")

# Keys of summaries, of Ledger's and of a region's, and what they are called.
_FACTS = {
    "command": "command",
    "python": "python",
    "duration_s": "recorded",
    "peak_bytes": "peak",
    "live_bytes": "live at the end",
    "live_blocks": "in blocks",
    "total_bytes": "allocated",
    "allocations": "allocations",
    "temporary_allocations": "of them freed again at once",
    "max_rss_bytes": "max RSS",
}


def _bytes(value: int) -> str:
    """Give at most three digits, rounded down, as the command does."""
    unit = 0
    while value >> 10 * (unit + 1) and unit < len(_UNITS) - 1:
        unit += 1
    tenths = value * 10 >> 10 * unit
    return f"{tenths / 10} {_UNITS[unit]}" if unit and tenths < 100 else f"{tenths // 10} {_UNITS[unit]}"


def _fact(key: str, value: object) -> str:
    if isinstance(value, int) and key.endswith("_bytes"):
        return _bytes(value)
    if isinstance(value, int | float) and key.endswith("_s"):
        return f"{value:.2f} s"
    return f"{value:,}" if isinstance(value, int) else str(value)


def table(summary: Mapping[str, object], title: str) -> str:
    """Give the figures of a summary as a small HTML table."""
    rows = "".join(
        f"<tr><th style='text-align: left'>{name}</th>"
        f"<td style='text-align: left'>{escape(_fact(key, summary[key]))}</td></tr>"
        for key, name in _FACTS.items()
        if key in summary
    )
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"


def report(profile: _core.Profile, summary: Mapping[str, object]) -> str:
    """Give the report's page in a frame.

    Without the page (barrow was built without npm), and when it would burden the notebook: a table.
    """
    template = _PAGE.read_bytes() if _PAGE.exists() else b""
    if not template:
        return table(summary, "barrow")
    page = profile.report(template, None, True)
    if len(page) > _MOST_BYTES:
        size = _bytes(len(page))
        return table(summary, f"the report is too large for a notebook ({size}): see barrow report")
    return _FRAME.format(page=escape(page.decode()))
