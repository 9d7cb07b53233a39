"""pympler.classtracker, on barrow's walk of the heap."""

from barrow.compat._pympler.classtracker import (
    ClassTracker,
    Snapshot,
    TrackedObject,
    track_object_creation,
    track_object_deletion,
)

__all__ = [
    "ClassTracker",
    "Snapshot",
    "TrackedObject",
    "track_object_creation",
    "track_object_deletion",
]
