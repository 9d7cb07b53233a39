"""Stands in for pympler.muppy: lists of all objects of the process."""

import gc
import sys
from types import FrameType
from typing import Any

from barrow import _core
from barrow import _dig as _dig  # tells the walk where barrow's own frames are


def own_sizes(objects: list[Any]) -> list[int]:
    """Size each object's own blocks; one that is there twice counts each time."""
    sizes = _core.reach(tuple(objects), bytes([1]) * len(objects), (), 0)[0]
    known: dict[int, int] = {}
    for obj, (own, _) in zip(objects, sizes, strict=True):
        known.setdefault(id(obj), own)
    return [known[id(obj)] for obj in objects]


def ignore_object(obj: Any) -> bool:
    """Tell whether get_objects() leaves an object out: frames, which come and go with its own calls."""
    return isinstance(obj, FrameType)


def get_objects(remove_dups: bool = True, include_frames: bool = False) -> list[Any]:
    """List all objects, those included that the collector doesn't track."""
    gc.collect()
    objects = _core.every_object()
    return objects if include_frames else [obj for obj in objects if type(obj) is not FrameType]


def get_size(objects: list[Any]) -> int:
    """Add up the objects' own sizes."""
    return sum(own_sizes(objects))


def get_diff(left: list[Any], right: list[Any]) -> dict[str, list[Any]]:
    """Tell which objects are only in the second list ("+"), and only in the first ("-")."""
    in_left, in_right = {id(obj) for obj in left}, {id(obj) for obj in right}
    return {
        "+": [obj for obj in right if id(obj) not in in_left],
        "-": [obj for obj in left if id(obj) not in in_right],
    }


def sort(objects: list[Any]) -> list[Any]:
    """Sort objects by their own sizes, small ones first."""
    sizes = own_sizes(objects)
    return [objects[place] for place in sorted(range(len(objects)), key=sizes.__getitem__)]


def filter(objects: list[Any], Type: type | None = None, min: int = -1, max: int = -1) -> list[Any]:
    """Choose objects by class, and by the least and the most bytes of their own."""
    if min > max > -1:
        raise ValueError("minimum must be smaller than maximum")
    chosen = [obj for obj in objects if Type is None or isinstance(obj, Type)]
    if min < 0 and max < 0:
        return chosen
    sizes = own_sizes(chosen)
    return [obj for obj, size in zip(chosen, sizes, strict=True) if size >= min and (max < 0 or size <= max)]


def get_referents(object: Any, level: int = 1) -> list[Any]:
    """List what an object refers to, `level` steps far, each object once."""
    found = {id(obj): obj for obj in gc.get_referents(object)}
    if level > 1:
        for obj in list(found.values()):
            found.update((id(other), other) for other in get_referents(obj, level - 1))
    return list(found.values())


def print_summary() -> None:
    """Print how many objects there are of each class, and how large they are."""
    from barrow.compat._pympler import summary

    summary.print_(summary.process_summary(), file=sys.stdout)
