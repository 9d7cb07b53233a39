"""pympler.classtracker_stats, on barrow's walk of the heap."""

from barrow.compat._pympler.classtracker import ConsoleStats, Stats

__all__ = [
    "ConsoleStats",
    "Stats",
]
