"""Stands in for pympler.asizeof: sizes of objects with what they refer to, as the allocators count them."""

import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, TextIO

from barrow import _core
from barrow import _dig as _dig  # tells the walk where barrow's own frames are

__all__ = [
    "Asized",
    "Asizer",
    "adict",
    "amapped",
    "asized",
    "asizeof",
    "asizesof",
    "basicsize",
    "flatsize",
    "itemsize",
    "leng",
    "named_refs",
    "refs",
]

# As barrow's walk numbers them: places to stop, and kinds of names of references.
_MODULES, _CLASSES, _CODE, _FRAMES, _GLOBALS, _FUNCTIONS = (1 << bit for bit in range(6))
_ATTRIBUTE, _INDEX, _KEY, _VALUE, _ELEMENT, _VARIABLE, _CLASS = range(1, 8)

_CODE_LIKE = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, CodeType)
_OPTIONS = {
    "above", "align", "all", "clip", "code", "cutoff", "derive", "detail", "frames", "ignored", "infer",
    "limit", "stats", "stream",
}  # fmt: skip
_GC_HEAD = 16
_HAVE_GC = 1 << 14


class Asized:
    """The size of an object and of what it refers to: made by asized()."""

    __slots__ = ("flat", "name", "refs", "size")

    def __init__(self, size: int, flat: int, refs: "tuple[Asized, ...]" = (), name: str | None = None) -> None:
        self.size = size
        self.flat = flat
        self.refs = refs
        self.name = name

    def __str__(self) -> str:
        return f"size {self.size!r}, flat {self.flat!r}, refs[{len(self.refs)}], name {self.name!r}"

    def format(
        self,
        format: str = "%(name)s size=%(size)d flat=%(flat)d",
        depth: int = -1,
        order_by: str = "size",
        indent: str = "",
    ) -> str:
        """Write it and what it refers to, a line each, indented by depth."""
        lines = [indent + format % {"size": self.size, "flat": self.flat, "name": self.name}]
        if depth and self.refs:
            rows = sorted(self.refs, key=lambda row: getattr(row, order_by), reverse=order_by in ("size", "flat"))
            lines += [row.format(format, depth - 1, order_by, indent + "    ") for row in rows]
        return "\n".join(lines)

    def get(self, name: str, dflt: "Asized | None" = None) -> "Asized | None":
        """Give the part of that name."""
        return next((ref for ref in self.refs if ref.name == name), dflt)


class Asizer:
    """Sizes objects; what was counted once isn't counted again until reset()."""

    def __init__(self, **opts: Any) -> None:
        self._excluded: list[object] = []
        self._classes: tuple[type, ...] = ()
        self.reset(**opts)

    def reset(self, **opts: Any) -> None:
        """Forget what was counted, and set options; those that aren't given are as at the start."""
        _check(opts)
        self.code = bool(opts.get("code") or opts.get("all"))
        self.frames = bool(opts.get("frames"))
        self.detail = int(opts.get("detail", 0))
        self.limit = int(opts.get("limit", 100))
        self.align = int(opts.get("align", 8))
        self.stats = float(opts.get("stats", 0))
        self.stream: TextIO | None = opts.get("stream")
        self._given: list[object] = []
        self.total = 0
        self.objects = 0

    def set(self, **opts: Any) -> None:
        """Change options."""
        _check(opts)
        for name, value in opts.items():
            if value is not None:
                setattr(self, name, value)

    def exclude_objs(self, *objs: object) -> None:
        """Leave objects, and what only they lead to, out of sizes."""
        self._excluded += objs

    exclude_refs = exclude_objs

    def exclude_types(self, *objs: object) -> None:
        """Leave objects of classes out: of the given ones, or of the given objects' classes."""
        self._classes += tuple(obj if isinstance(obj, type) else type(obj) for obj in objs)

    def _stops(self) -> int:
        stops = _MODULES | _GLOBALS
        if not self.frames:
            stops |= _FRAMES
        return stops if self.code else stops | _CLASSES | _CODE | _FUNCTIONS

    def _is_left_out(self, obj: object) -> bool:
        if isinstance(obj, FrameType):
            return not self.frames
        return (isinstance(obj, _CODE_LIKE) and not self.code) or isinstance(obj, self._classes)

    def _sizes(self, objs: "tuple[object, ...] | list[object]", flat: bytes = b"") -> list[tuple[int, int]]:
        """Give (own bytes, bytes with what is reached) of each; what was counted before is 0."""
        before = (*self._excluded, *self._given)
        known = bytes([1]) * len(self._excluded) + bytes(len(self._given))
        wanted = [obj for obj in objs if not self._is_left_out(obj)]
        marks = bytes(mark for obj, mark in zip(objs, flat, strict=True) if not self._is_left_out(obj)) if flat else b""
        found = _core.reach((*before, *wanted), known + marks, self._classes, self._stops())
        self.objects = found[1]
        sizes = iter(found[0][len(before) :])
        return [(0, 0) if self._is_left_out(obj) else next(sizes) for obj in objs]

    def asizesof(self, *objs: object, **opts: Any) -> tuple[int, ...]:
        """Size objects: each without what those before it lead to."""
        self.set(**opts)
        sizes = tuple(size for _, size in self._sizes(objs))
        self._given += objs
        self.total += sum(sizes)
        if self.stats:
            self.print_stats(objs)
        return sizes

    def asizeof(self, *objs: object, **opts: Any) -> int:
        """Size objects together."""
        return sum(self.asizesof(*objs, **opts))

    def asized(self, *objs: object, **opts: Any) -> Any:
        """Size objects, with what they refer to down to `detail` levels: an Asized, or a tuple of them."""
        self.set(**opts)
        plan = _Plan(self, objs, self.detail)
        found = plan.sizes()
        self._given += objs
        self.total += sum(row.size for row in found)
        return found[0] if len(found) == 1 else found

    def print_stats(self, objs: tuple[object, ...] = (), **unused: Any) -> None:
        """Print what was sized."""
        out = self.stream or sys.stdout
        print(f"\nasizeof({', '.join(_name(obj) for obj in objs[:3])}) ...", file=out)
        print(f" {self.total} bytes", file=out)
        print(f" {len(self._given)} object{'s' if len(self._given) != 1 else ''} given", file=out)
        print(f" {self.objects} objects sized", file=out)


class _Plan:
    """Sizes a tree of objects in one walk: nodes in preorder, those with parts count their own only."""

    def __init__(self, sizer: Asizer, objs: tuple[object, ...], detail: int) -> None:
        self.sizer = sizer
        self.nodes: list[object] = []
        self.names: list[str] = []
        self.parts: list[list[int]] = []
        seen: set[int] = set()
        self.tops = [self._add(obj, _name(obj), detail, seen) for obj in objs]

    def _add(self, obj: object, name: str, detail: int, seen: set[int]) -> int:
        place = len(self.nodes)
        self.nodes.append(obj)
        self.names.append(name)
        self.parts.append([])
        if detail > 0 and id(obj) not in seen and not self.sizer._is_left_out(obj):
            seen.add(id(obj))
            self.parts[place] = [
                self._add(part, label, detail - 1, seen) for label, part in named_refs(obj, code=self.sizer.code)
            ]
        return place

    def sizes(self) -> tuple[Asized, ...]:
        shares = self.sizer._sizes(self.nodes, bytes(bool(parts) for parts in self.parts))
        return tuple(self._asized(place, shares) for place in self.tops)

    def _asized(self, place: int, shares: list[tuple[int, int]]) -> Asized:
        own, size = shares[place]
        parts = tuple(self._asized(part, shares) for part in self.parts[place])
        return Asized(size + sum(part.size for part in parts), own, parts, self.names[place])


def _check(opts: dict[str, Any]) -> None:
    for name in opts:
        if name not in _OPTIONS:
            raise KeyError(f"invalid option: {name!r}; there are {', '.join(sorted(_OPTIONS))}")


def _name(obj: object, limit: int = 80) -> str:
    try:
        text = repr(obj)
    except Exception:
        text = object.__repr__(obj)
    return text if len(text) <= limit else f"{text[: limit // 2 - 2]}....{text[2 - limit // 2 :]}"


# ---- functions -------------------------------------------------------------------------------------


def asizeof(*objs: object, **opts: Any) -> int:
    """Size objects with everything they refer to, together.

    Options: `code=True` counts classes, functions and code objects too, `frames=True` frames; the others
    of pympler's are taken and change nothing, as these sizes aren't estimates.
    """
    return Asizer(**opts).asizeof(*objs) if objs else 0


def asizesof(*objs: object, **opts: Any) -> tuple[int, ...]:
    """Size objects with everything they refer to, each without what those before it lead to."""
    return Asizer(**opts).asizesof(*objs) if objs else ()


def asized(*objs: object, **opts: Any) -> Any:
    """Size objects and, down to `detail` levels, their parts: an Asized, or a tuple of them."""
    return Asizer(**opts).asized(*objs)


def flatsize(obj: object, align: int = 0, **opts: Any) -> int:
    """Size an object's own blocks."""
    ((own, _),) = _core.reach((obj,), b"\1", (), 0)[0]
    return own


def basicsize(obj: object, **opts: Any) -> int:
    """Size the part that all objects of the class have, with the collector's head."""
    cls = type(obj)
    return cls.__basicsize__ + (_GC_HEAD if cls.__flags__ & _HAVE_GC else 0)


def itemsize(obj: object, **opts: Any) -> int:
    """Size an item of an object that has such in its own or in a block beside it; 0: it has none."""
    if isinstance(obj, list):
        return 8
    if isinstance(obj, (dict, set, frozenset)):
        return 16
    return int(type(obj).__itemsize__)


def leng(obj: object, **opts: Any) -> int | None:
    """Count an object's items; None if it has none."""
    try:
        return len(obj) if itemsize(obj) else None  # type: ignore[arg-type]
    except TypeError:
        return None


def named_refs(obj: object, **opts: Any) -> list[tuple[str, Any]]:
    """List what an object refers to: (name, object).  Without its class unless `code`."""
    found = []
    for kind, name, target in _core.links(obj):
        if kind == _CLASS and not (opts.get("code") or opts.get("all")):
            continue
        if kind == _INDEX:
            words = f"[{name}]"
        elif kind == _KEY:
            words = f"[K] {_name(target, 60)}"
        elif kind == _VALUE:
            words = f"[V] {_name(name, 30)}: {_name(target, 50)}"
        elif kind in (_ATTRIBUTE, _VARIABLE) and isinstance(name, str):
            words = name
        else:
            words = _name(target, 60)
        found.append((words, target))
    return found


def refs(obj: object, **opts: Any) -> Iterator[Any]:
    """Give what an object refers to."""
    return (target for _, target in named_refs(obj, **opts))


def adict(*classes: type) -> bool:
    """Do nothing: objects of every class are known."""
    return True


def amapped(percentage: int | None = None) -> int:
    """Tell that mapped memory counts as it is: whole if it is the program's, not if it is a file's."""
    return 100
