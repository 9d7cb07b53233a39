"""Chains of references from an object, and to it."""

import gc
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from barrow import _core
from barrow import _dig as _dig  # tells the walk where barrow's own frames are


def is_proper_module(obj: Any) -> bool:
    """Tell whether it is a module, and the one that `sys.modules` has under its name."""
    return isinstance(obj, ModuleType) and obj is sys.modules.get(getattr(obj, "__name__", ""))


def at(addr: int) -> Any:
    """Give the tracked object at an address, None if there is none."""
    return next(iter(at_addrs({addr})), None)


def at_addrs(address_set: Iterable[int]) -> list[Any]:
    """List the tracked objects at addresses."""
    wanted = set(address_set)
    return [obj for obj in gc.get_objects() if id(obj) in wanted]


def get_leaking_objects(objects: Iterable[Any] | None = None) -> list[Any]:
    """List the tracked objects that no tracked object refers to.

    They are held by C code or by a running function, or an extension has lost count of them.
    """
    if objects is None:
        gc.collect()
        return _core.unreferred()
    known = list(objects)
    left = {id(obj) for obj in known}
    for obj in known:
        left.difference_update(map(id, gc.get_referents(obj)))
    return [obj for obj in known if id(obj) in left]


def find_ref_chain(
    obj: Any, predicate: Callable[[Any], bool], max_depth: int = 20, extra_ignore: Iterable[int] = ()
) -> list[Any]:
    """Find a shortest chain of references from an object to one for which `predicate` is true.

    extra_ignore: ids of objects that it must not lead through.  Gives [obj] if there is none.
    """
    seen = {id(obj), *extra_ignore}
    chains: list[tuple[Any, int | None]] = [(obj, None)]
    depth = {0: 0}
    for position, (target, _) in enumerate(chains):
        if predicate(target):
            return _chain(chains, position)
        if depth[position] >= max_depth:
            continue
        for referent in gc.get_referents(target):
            if id(referent) not in seen:
                seen.add(id(referent))
                depth[len(chains)] = depth[position] + 1
                chains.append((referent, position))
    return [obj]


def _chain(chains: list[tuple[Any, int | None]], position: int | None) -> list[Any]:
    """Give the objects on the way to one, the first first."""
    found = []
    while position is not None:
        found.append(chains[position][0])
        position = chains[position][1]
    return found[::-1]


def find_backref_chain(
    obj: Any, predicate: Callable[[Any], bool], max_depth: int = 20, extra_ignore: Iterable[int] = ()
) -> list[Any]:
    """Find a shortest chain of references that leads to an object from one for which `predicate` is true.

    extra_ignore: ids of objects that it must not lead through.  Gives [obj] if there is none.
    """
    if predicate(obj):
        return [obj]
    ignored = tuple(at_addrs(extra_ignore)) if extra_ignore else ()
    if predicate is is_proper_module:
        chain = _backref_chain(obj, predicate, max_depth, ignored, ModuleType)
        if chain:
            return chain
    return _backref_chain(obj, predicate, max_depth, ignored, None) or [obj]


def _backref_chain(
    obj: Any,
    predicate: Callable[[Any], bool],
    max_depth: int,
    ignored: tuple[Any, ...],
    until: type | None,
) -> list[Any]:
    objects, referrers = _core.ancestors((obj,), max_depth, ignored, (), until)
    towards: dict[int, int] = {0: 0}
    for position, sources in enumerate(referrers):
        for source in sources or ():
            towards.setdefault(source, position)
    for position in sorted(towards)[1:]:
        if predicate(objects[position]):
            chain = [objects[position]]
            while position:
                position = towards[position]
                chain.append(objects[position])
            return chain
    return []
