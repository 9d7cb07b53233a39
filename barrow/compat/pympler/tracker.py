"""pympler.tracker, on barrow's walk of the heap."""

from barrow.compat._pympler.tracker import ObjectTracker, SummaryTracker

__all__ = [
    "ObjectTracker",
    "SummaryTracker",
]
