"""Questions about objects of this process: `barrow.size()`, `growth()`, `referrers()`, `paths()`, `why()`.

Each looks at the heap as it is at that moment, in C, without running any of the program's code.
"""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from barrow import _core
from barrow import _dig as _dig  # tells the walk where barrow's own frames are
from barrow._foreign import buffer_bytes, buffer_class
from barrow._units import bytes_words, class_name, columns

STOP = ("modules", "classes", "code", "frames", "globals")
"""Where `size()` doesn't go on, unless its `stop` says otherwise."""

_STOP_BITS = {word: 1 << bit for bit, word in enumerate((*STOP, "functions"))}
_ROWS = 20


class ClassSize(NamedTuple):
    """How much of a size is objects of one class."""

    name: str
    objects: int
    bytes: int


@dataclass(frozen=True)
class Size:
    """What objects cost, in bytes as the allocators count them; made by `barrow.size()`."""

    own: int
    """Of the objects' own blocks: head, attributes, table or items."""
    deep: int
    """With everything they reach, each object once."""
    exclusive: int
    """Of these, what nothing but the objects keeps alive: what goes when they go."""
    objects: int
    """How many objects `deep` counts."""
    by_type: tuple[ClassSize, ...] = field(repr=False)
    """`deep` by class, largest first."""
    retained: int | None = None
    """What the whole heap would lose with the objects; only if it was asked for."""

    def __str__(self) -> str:
        many = "object" if self.objects == 1 else "objects"
        head = (
            f"{bytes_words(self.deep)} in {self.objects:,} {many}: own {bytes_words(self.own)}, "
            f"exclusive {bytes_words(self.exclusive)}"
        )
        if self.retained is not None:
            head += f", retained {bytes_words(self.retained)}"
        rows = [(bytes_words(row.bytes), f"{row.objects:,}", row.name) for row in self.by_type[:_ROWS]]
        lines = columns([("bytes", "objects", "class"), *rows], ">><")
        more = len(self.by_type) - _ROWS
        if more > 0:
            lines.append(f"… {more} more {'class' if more == 1 else 'classes'}")
        return "\n".join([head, *lines])


def size(
    obj: object,
    /,
    *objs: object,
    stop: Iterable[str | type] = STOP,
    retained: bool = False,
) -> Size:
    """Say what objects cost: own blocks, all they reach, what they alone keep alive.

        barrow.size(cache).deep               # bytes
        print(barrow.size(cache))             # a table by class

    Bytes are those of the blocks that the allocators gave, so the collector's head, spare room in lists
    and dicts, and rounding count.  A view of an array, buffer or memory costs its head; the memory is
    charged once, to its owner, if that is reached.

    stop: what isn't entered when it is met on the way (an object that was asked for always is).  Words:
        "modules", "classes", "code", "frames", "globals" (of functions), "functions"; or classes, whose
        objects are left out.  `stop=()` goes on to everything.  Weak references never lead on.
    retained: also find out what the whole heap would lose with the objects; that looks at all of it.
    """
    words = [word for word in stop if isinstance(word, str)]
    classes = tuple(cls for cls in stop if not isinstance(cls, str))
    unknown = [word for word in words if word not in _STOP_BITS]
    if unknown:
        raise ValueError(f"stop={unknown[0]!r} is unknown; there are {', '.join(_STOP_BITS)}, and classes")
    bits = sum({_STOP_BITS[word] for word in words})
    starts = (obj, *objs)
    shares, objects, deep, _, exclusive, rows, owners = _core.reach(starts, b"", classes, bits, buffer_class())
    extra = buffer_bytes(owners)
    table = sorted((ClassSize(class_name(cls), count, total) for cls, count, total in rows), key=_by_bytes)
    if extra:
        table.insert(0, ClassSize("pyarrow's memory", 0, extra))
        table.sort(key=_by_bytes)
    return Size(
        own=sum(own for own, _ in shares),
        deep=deep + extra,
        exclusive=exclusive + extra,
        objects=objects,
        by_type=tuple(table),
        retained=_core.why(0, None, *starts)["retained"] if retained else None,
    )


def _by_bytes(row: ClassSize) -> tuple[int, str]:
    return -row.bytes, row.name


# ---- growth ----------------------------------------------------------------------------------------


class Grown(NamedTuple):
    """A class that has more objects, or bytes, than before."""

    name: str
    objects: int
    bytes: int
    new_objects: int
    new_bytes: int


class Growth(list[Grown]):
    """The classes that grew, most new bytes first; printed as a table."""

    def __str__(self) -> str:
        if not self:
            return "no class grew"
        rows = [
            (f"{row.new_bytes:+,}", f"{row.new_objects:+,}", bytes_words(row.bytes), f"{row.objects:,}", row.name)
            for row in self
        ]
        return "\n".join(columns([("new bytes", "new objects", "bytes", "objects", "class"), *rows], ">>>><"))


def growth(limit: int | None = 20) -> Growth:
    """Tell which classes have grown since the last call, in objects or in bytes.

        barrow.growth()                       # from here on
        handle(requests)
        print(barrow.growth())

    Every object of the process is counted, with its true size, those included that the collector doesn't
    know.  What was counted is kept outside the program's heap: two calls in a row find nothing new, as
    long as the first one's answer isn't kept.  The first call compares with nothing.

    limit: give so many classes; None: all.
    """
    rows = sorted(_core.growth(), key=lambda row: (-row[4], -row[3], row[0]))
    return Growth(Grown(*row) for row in rows[:limit])


# ---- referrers and paths ---------------------------------------------------------------------------


class Referrer(NamedTuple):
    """Something that keeps an object alive directly."""

    object: Any
    """The object that refers to it; None if that is a root."""
    name: str
    """How: ".cache", "[17]", '["key"]'; of a root: "rows, local of main (app.py:12)"."""


def referrers(obj: object, /) -> list[Referrer]:
    """List what refers to an object, each reference by name: objects first, then roots.

    Roots are variables of running functions, modules, what the interpreter holds, and C code.  Weak
    references don't count.  barrow's own frames are left out.
    """
    return [Referrer(*row) for row in _core.referrers(obj)]


def paths(obj: object, /, limit: int = 5) -> list[str]:
    """Write the shortest paths from roots to an object, as expressions.

        >>> barrow.paths(session)
        ['app.server.sessions[17]', 'session, local of main (app.py:12)']

    Each leads over another last reference.  None if nothing but the collector would find the object.
    """
    return why(obj, limit=limit).paths


class Step(NamedTuple):
    """One reference of the path in `Why`."""

    name: str
    """".sessions"; of the first: where the path begins."""
    what: str
    """What it leads to: "dict", "app.Session", "module app"."""
    bytes: int
    retained: int
    """What goes with that object."""
    frees: int
    """What is freed if this one reference is cut."""
    holds: bool
    """The object that `why()` was asked about goes with what this leads to."""


class Birth(NamedTuple):
    """A line on the stack that made an object."""

    function: str
    file: str
    line: int


@dataclass(frozen=True)
class Why:
    """Why an object is alive; made by `barrow.why()`."""

    name: str
    """Its class."""
    address: int
    bytes: int
    """Of its own blocks."""
    retained: int
    """What goes with it."""
    retained_objects: int
    path: str
    """The shortest path from a root; "" if there is none."""
    steps: tuple[Step, ...] = field(repr=False)
    others: tuple[str, ...] = field(repr=False)
    """Other paths, over other references to it."""
    birth: tuple[Birth, ...] = field(repr=False)
    """While the process is recorded: the stack that made it, from the program's innermost line on."""

    @property
    def paths(self) -> list[str]:
        """`path` and `others`."""
        return [self.path, *self.others] if self.path else []

    @property
    def cut(self) -> tuple[str, int] | None:
        """The nearest single reference that frees the object if it is cut: its path, and the bytes that frees.

        None if no single one does.
        """
        for position in range(len(self.steps) - 1, -1, -1):
            step = self.steps[position]
            if step.frees and step.holds:
                return _path_words([step.name for step in self.steps[: position + 1]]), step.frees
        return None

    def __str__(self) -> str:
        lines = [f"{self.name} at {self.address:#x}, why it is alive: {bytes_words(self.bytes)}"]
        if not self.path:
            lines.append("  held by nothing: it goes when this call returns, or with the collector")
        else:
            lines.append(f"  {self.path}")
            rows: list[tuple[str, ...]] = [("frees", "held by", "")]
            for step in self.steps:
                start, comma, origin = step.name.partition(", ")
                rows.append((bytes_words(step.frees) if step.frees else "", start, step.what + comma + origin))
            lines += columns(rows, "><<")
        lines += [f"also held by: {path}" for path in self.others]
        many = "object" if self.retained_objects == 1 else "objects"
        line = f"frees: {bytes_words(self.retained)} in {self.retained_objects:,} {many} if it went"
        cut = self.cut
        if cut:
            line += f"; cutting {cut[0]} frees {bytes_words(cut[1])}"
        elif self.others:
            line += "; no single reference holds it"
        lines.append(line)
        if self.birth:
            stack = " ← ".join(f"{frame.function} {frame.file}:{frame.line}" for frame in self.birth[:4])
            lines.append(f"born: {stack}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _path_words(names: Sequence[str]) -> str:
    start, comma, origin = names[0].partition(", ")
    return start + "".join(names[1:]) + comma + origin


def why(obj: object, /, limit: int = 4) -> Why:
    """Say why an object is alive, in the words of the program, and what would go with it.

        >>> print(barrow.why(session))
        app.Session at 0x7f21c8a0b3d0, why it is alive: 64 B
          app.server.sessions[17]
        ...

    limit: how many paths to it to look for.  The whole heap is walked; how long that takes depends on
    its size, about a second for 3 million objects.  Other threads go on after the walk.
    """
    ledger = _core.record_path() if _core.recording() else None
    found = _core.why(max(limit, 1), ledger, obj)
    ((own, _),) = _core.reach((obj,), b"\1", (), 0)[0]
    return Why(
        name=f"class {class_name(obj)}" if isinstance(obj, type) else class_name(type(obj)),
        address=id(obj),
        bytes=own,
        retained=max(found["retained"], own),
        retained_objects=max(found["retained_objects"], 1),
        path=found["path"],
        steps=tuple(
            Step(name, what, total, retained, frees, holds)
            for name, what, _, total, retained, frees, holds in found["steps"]
        ),
        others=tuple(found["others"]),
        birth=tuple(Birth(*row) for row in found["birth"]),
    )
