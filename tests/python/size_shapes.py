"""Objects of many shapes, the blocks that making them took, and a snapshot of all.

    python size_shapes.py SNAPSHOT BLOCKS

BLOCKS becomes {shape: [[address, requested bytes, real bytes, is pymalloc's], …]}: the live blocks
that the allocators gave for EACH objects of that shape and what they brought along.  The same was
made WARM times before, so that classes have found their layout; shapes whose names begin with
`first` are made without.  Nothing is touched between its window and the snapshot.

Free lists would mix shapes: an object made in one window may lie in a block of an earlier one, and a
block of a window go to an object made later.  They are emptied before each window, and what is in
them after it doesn't belong to the window.
"""

from __future__ import annotations

import array
import asyncio
import collections
import contextvars
import copy
import ctypes
import dataclasses
import datetime
import decimal
import fractions
import functools
import gc
import io
import itertools
import json
import operator
import pathlib
import queue
import random
import re
import socket
import struct
import sys
import threading
import types
import typing
import uuid
import weakref
from collections.abc import Callable
from typing import Any

import blocks

import barrow

EACH, WARM = 20, 260
SHAPES: dict[str, tuple[Callable[[int], Any], int]] = {}


def shape(make: Callable[[int], Any], *, name: str = "", warm: int = WARM) -> Callable[[int], Any]:
    SHAPES[name or make.__name__] = make, warm
    return make


def text(i: int, length: int = 0) -> str:
    return f"{i:06d}".ljust(length, "x")


# ---- instances ----------------------------------------------------------------------------------


class Three:
    def __init__(self, i: int) -> None:
        self.a = self.b = self.c = None


class Eight:
    def __init__(self, i: int) -> None:
        self.a = self.b = self.c = self.d = self.e = self.f = self.g = self.h = None


class Forty:
    def __init__(self, i: int) -> None:
        for n in range(40):
            setattr(self, f"attribute{n}", None)


class Empty:
    pass


class First3(Three):
    pass


class First8(Eight):
    pass


class Materialised(Three):
    pass


class Unshared(Three):
    pass


class Slots2:
    __slots__ = ("a", "b")

    def __init__(self) -> None:
        self.a = self.b = None


class SlotsWeak:
    __slots__ = ("__weakref__", "a")


class SlotsDict(Slots2):
    __slots__ = ("__dict__", "c")


class SubDict(dict):
    pass


class SubList(list):
    pass


class SubInt(int):
    pass


class SubStr(str):
    pass


class SubTuple(tuple):
    __slots__ = ()


@dataclasses.dataclass
class Data:
    a: object
    b: object = None


@dataclasses.dataclass(slots=True)
class SlotData:
    a: object
    b: object = None


class Pair(typing.NamedTuple):
    a: object
    b: object


class Failure(Exception):
    def __init__(self, i: int) -> None:
        super().__init__()
        self.code = None
        self.detail = None


def with_attributes(thing: Any, **values: object) -> Any:
    for name, value in values.items():
        setattr(thing, name, value)
    return thing


def without(thing: Any, *names: str) -> Any:
    for name in names:
        delattr(thing, name)
    return thing


def materialised(i: int) -> Any:
    thing = Materialised(i)
    _ = thing.__dict__
    return thing


def unshared(i: int) -> Any:
    thing = Unshared(i)
    thing.__dict__[7] = None
    return thing


shape(lambda i: Empty(), name="instance_empty")
shape(Three, name="instance_3")
shape(Eight, name="instance_8")
shape(Forty, name="instance_40")
shape(First3, name="first_instance_3", warm=0)
shape(First8, name="first_instance_8", warm=0)
shape(materialised, name="instance_with_dict")
shape(unshared, name="instance_unshared_keys")
shape(lambda i: without(Three(i), "b"), name="instance_deleted_attribute")
shape(lambda i: with_attributes(Empty(), **{f"own{i}": None}), name="instance_own_names")
shape(lambda i: Slots2(), name="slots")
shape(lambda i: SlotsWeak(), name="slots_weakref")
shape(lambda i: SlotsDict(), name="slots_dict_empty")
shape(lambda i: with_attributes(SlotsDict(), x=None), name="slots_dict_used")
shape(lambda i: SubDict(a=None), name="dict_subclass")
shape(lambda i: with_attributes(SubDict(), a=None), name="dict_subclass_attribute")
shape(lambda i: SubList([None] * 5), name="list_subclass")
shape(lambda i: SubInt(i + 1000), name="int_subclass")
shape(lambda i: SubStr(text(i, 30)), name="str_subclass")
shape(lambda i: SubTuple((None, None)), name="tuple_subclass")
shape(lambda i: Data(None), name="dataclass")
shape(lambda i: SlotData(None), name="dataclass_slots")
shape(lambda i: Pair(None, None), name="namedtuple")
shape(lambda i: types.SimpleNamespace(a=None, b=None), name="simple_namespace")
shape(Failure, name="exception_attributes")
shape(lambda i: ValueError(text(i, 20)), name="exception")

# ---- containers ---------------------------------------------------------------------------------


def keyed(n: int, i: int) -> dict[int, None]:
    return dict.fromkeys(range(n))


def deleted_keys(i: int) -> dict[str, None]:
    names = dict.fromkeys(NAMES[:20])
    for name in NAMES[:15]:
        del names[name]
    return names


def appended(n: int) -> list[None]:
    items: list[None] = []
    for _ in range(n):
        items.append(None)
    return items


def shrunk() -> list[None]:
    items = appended(40)
    del items[3:]
    return items


NAMES = [f"name{n}" for n in range(300)]
for n in (0, 1, 2, 7, 20, 64, 65):
    shape(lambda i, n=n: tuple([None] * n), name=f"tuple_{n}")
for n in (0, 1, 4, 5, 100):
    shape(lambda i, n=n: [None] * n, name=f"list_{n}")
for n in (1, 5, 9, 33, 200):
    shape(lambda i, n=n: appended(n), name=f"list_appended_{n}")
shape(lambda i: shrunk(), name="list_shrunk")
shape(lambda i: [None for _ in range(10)], name="list_comprehension")
shape(lambda i: {}, name="dict_empty")
for n in (1, 5, 6, 11, 22, 100, 200):
    shape(lambda i, n=n: dict.fromkeys(NAMES[:n]), name=f"dict_str_{n}")
for n in (1, 6, 50, 250):
    shape(lambda i, n=n: keyed(n, i), name=f"dict_int_{n}")
shape(lambda i: {"a": None, "b": None}, name="dict_literal")
shape(lambda i: {"a": None, 1: None}, name="dict_mixed")
shape(deleted_keys, name="dict_deleted_keys")
shape(lambda i: {**dict.fromkeys(NAMES[:12])}, name="dict_copied")
for n in (0, 4, 5, 18, 19, 100, 256):
    shape(lambda i, n=n: set(range(n)), name=f"set_{n}")
shape(lambda i: frozenset(range(3)), name="frozenset_3")
shape(lambda i: frozenset(range(30)), name="frozenset_30")
shape(lambda i: collections.deque(), name="deque_empty")
shape(lambda i: collections.deque([None] * 200), name="deque_200")
shape(lambda i: collections.deque([None] * 3, maxlen=3), name="deque_bounded")
shape(lambda i: collections.OrderedDict.fromkeys(NAMES[:3]), name="ordered_dict_3")
shape(lambda i: collections.OrderedDict.fromkeys(NAMES[:50]), name="ordered_dict_50")
shape(lambda i: collections.defaultdict(list, a=None), name="defaultdict")
shape(lambda i: collections.Counter("abcab"), name="counter")
shape(lambda i: collections.ChainMap({"a": None}), name="chain_map")
shape(lambda i: collections.UserList([None]), name="user_list")
shape(lambda i: types.MappingProxyType({"a": None}), name="mapping_proxy")
shape(lambda i: array.array("d", [0.0] * 10), name="array")
shape(lambda i: array.array("i"), name="array_empty")

# ---- texts and numbers --------------------------------------------------------------------------


def with_utf8(value: str) -> str:
    """A string keeps its UTF-8 form once C code has asked for it."""
    AS_UTF8(value)
    return value


def grown(i: int) -> bytearray:
    buffer = bytearray()
    for _ in range(50):
        buffer += b"x"
    return buffer


AS_UTF8 = ctypes.pythonapi.PyUnicode_AsUTF8
AS_UTF8.argtypes, AS_UTF8.restype = [ctypes.py_object], ctypes.c_void_p
for n in (7, 15, 23, 100, 471, 472, 600, 5000):
    shape(lambda i, n=n: text(i, n), name=f"str_ascii_{n}")
shape(lambda i: text(i) + "é" * 20, name="str_latin1")
shape(lambda i: text(i) + "Ω" * 20, name="str_ucs2")
shape(lambda i: text(i) + "𝛀" * 20, name="str_ucs4")
shape(lambda i: with_utf8(text(i) + "é" * 40), name="str_latin1_utf8")
shape(lambda i: with_utf8(text(i) + "Ω" * 40), name="str_ucs2_utf8")
shape(lambda i: text(i).encode() * 5, name="bytes")
shape(lambda i: bytes(700), name="bytes_700")
shape(lambda i: bytearray(100), name="bytearray")
shape(lambda i: bytearray(), name="bytearray_empty")
shape(grown, name="bytearray_appended")
for n in range(1, 11):
    shape(lambda i, n=n: (1 << 30 * n) - 1 - i, name=f"int_{n}_digits")
shape(lambda i: (1 << 40) + i, name="int_sum")
shape(lambda i: -(10**12) - i, name="int_negative")
shape(lambda i: i * 0.5, name="float")
shape(lambda i: complex(i, 1), name="complex")
shape(lambda i: decimal.Decimal(i) / 7, name="decimal")
shape(lambda i: decimal.Decimal("9" * 120) - i, name="decimal_120", warm=300)
shape(lambda i: fractions.Fraction(i + 1, 100_003), name="fraction")
shape(lambda i: range(i + 1000, 10**6), name="range")
shape(lambda i: slice(None, None), name="slice")
shape(lambda i: datetime.datetime(2020, 1, 1), name="datetime")
shape(lambda i: datetime.date(2020, 1, 1), name="date")
shape(lambda i: datetime.timedelta(1), name="timedelta")
shape(lambda i: datetime.time(1), name="time")
shape(lambda i: datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), name="datetime_utc")
shape(lambda i: uuid.UUID(int=i << 90), name="uuid")
shape(lambda i: pathlib.PurePosixPath("/a", text(i)), name="path")

# ---- functions and what runs --------------------------------------------------------------------


def closure(i: int) -> Callable[[], Any]:
    a = b = None
    return lambda: (a, b)


def defaults(i: int) -> Callable[[], Any]:
    def function(a: object = None, *, b: object = None) -> None:
        pass

    return function


def generate(a: object, b: object) -> Any:
    yield a
    yield b


def started(i: int) -> Any:
    generator = generate(None, None)
    next(generator)
    return generator


async def wait(a: object) -> None:
    await asyncio.sleep(0)


async def stream() -> Any:
    yield None


def frame(i: int) -> types.FrameType:
    a = b = None  # noqa: F841
    return sys._getframe()


def caught(i: int) -> ValueError:
    try:
        raise ValueError
    except ValueError as error:
        return error.with_traceback(error.__traceback__)


def cached(i: int) -> Any:
    function = functools.lru_cache(maxsize=16)(len)
    for value in KEYS[:5]:
        function(value)
    return function


def cached_unbounded(i: int) -> Any:
    function = functools.lru_cache(maxsize=None)(len)
    for value in KEYS[:5]:
        function(value)
    return function


KEYS = ["one", "two", "three", "four", "five", "six"]
SOURCE = "def f(a, b=1):\n    c = [a, b]\n    return {'x': c, 'y': lambda: c}\n"
shape(lambda i: lambda: None, name="function")
shape(closure, name="closure_2_cells")
shape(defaults, name="function_defaults")
shape(lambda i: with_attributes(lambda: None, tag=None), name="function_attribute")
shape(lambda i: [].append, name="builtin_method")
shape(lambda i: THREE.__init__, name="bound_method")
shape(lambda i: functools.partial(len, NAMES), name="partial")
shape(lambda i: functools.partial(print, end=""), name="partial_keywords")
shape(cached, name="lru_cache")
shape(cached_unbounded, name="lru_cache_unbounded")
shape(lambda i: generate(None, None), name="generator")
shape(started, name="generator_started")
shape(lambda i: (n for n in NAMES), name="generator_expression")
shape(lambda i: wait(None), name="coroutine")
shape(lambda i: stream(), name="async_generator")
shape(frame, name="frame")
shape(caught, name="traceback")
shape(lambda i: compile(SOURCE, "shape.py", "exec"), name="code", warm=60)
shape(lambda i: types.CellType(None), name="cell")
shape(lambda i: property(len), name="property")
shape(lambda i: staticmethod(len), name="staticmethod")
shape(lambda i: classmethod(len), name="classmethod")
shape(lambda i: operator.attrgetter("a", "b.c"), name="attrgetter", warm=300)
shape(lambda i: operator.itemgetter(0), name="itemgetter")
shape(lambda i: operator.methodcaller("a"), name="methodcaller")
shape(lambda i: weakref.ref(THREE, lambda r: None), name="weakref_callback")
shape(lambda i: weakref.ref(TARGETS[i]), name="weakref")
shape(lambda i: weakref.proxy(TARGETS[i]), name="weak_proxy")
shape(lambda i: weakref.WeakValueDictionary(), name="weak_value_dictionary")
shape(lambda i: weakref.WeakSet(), name="weak_set")
shape(lambda i: iter([None]), name="list_iterator")
shape(lambda i: iter({"a": None}), name="dict_iterator")
shape(lambda i: iter((None,)), name="tuple_iterator")
shape(lambda i: iter(range(i + 2)), name="range_iterator")
shape(lambda i: enumerate(NAMES), name="enumerate")
shape(lambda i: zip(NAMES, NAMES, strict=False), name="zip")
shape(lambda i: map(len, NAMES), name="map")
shape(lambda i: reversed(NAMES), name="reversed")
shape(lambda i: itertools.chain(NAMES, NAMES), name="itertools_chain")
shape(lambda i: itertools.count(), name="itertools_count")
shape(lambda i: itertools.islice(NAMES, 5), name="itertools_islice")
shape(lambda i: itertools.product("ab", "cd"), name="itertools_product")
shape(lambda i: itertools.permutations("abc"), name="itertools_permutations")
shape(lambda i: itertools.groupby(NAMES), name="itertools_groupby")
shape(lambda i: itertools.tee(NAMES), name="itertools_tee")
shape(lambda i: itertools.cycle(NAMES), name="itertools_cycle")

# ---- classes, modules, buffers and the system ---------------------------------------------------


class MadeBase:
    """The dict of its subclasses has room for what is made in the window, as have the other two."""


class SlotsBase:
    __slots__ = ()


class MethodsBase:
    pass


def class_with_methods(i: int) -> type:
    class Thing(MethodsBase):
        """A documented class."""

        limit = 1

        def method(self) -> None:
            pass

        @property
        def value(self) -> int:
            return 1

    return Thing


def joined(i: int) -> io.StringIO:
    out = io.StringIO()
    for _ in range(10):
        out.write("some words ")
    return out


def written(i: int) -> io.BytesIO:
    out = io.BytesIO()
    for _ in range(100):
        out.write(b"some words ")
    return out


def context(i: int) -> contextvars.Context:
    copied = contextvars.copy_context()
    copied.run(VARIABLE.set, None)
    return copied


def module(i: int) -> types.ModuleType:
    made = types.ModuleType("made")
    made.value = None  # type: ignore[attr-defined]
    return made


VARIABLE: contextvars.ContextVar[object] = contextvars.ContextVar("variable")
TOKEN_VARIABLE: contextvars.ContextVar[object] = contextvars.ContextVar("other")
LOOP = asyncio.new_event_loop()
shape(lambda i: type("Made", (MadeBase,), {}), name="class", warm=60)
shape(lambda i: type("Made", (SlotsBase,), {"__slots__": ("a", "b")}), name="class_slots", warm=60)
shape(class_with_methods, name="class_methods", warm=60)
shape(module, name="module")
shape(lambda i: types.GenericAlias(list, (int,)), name="generic_alias")
shape(lambda i: memoryview(TEXT), name="memoryview")
shape(lambda i: memoryview(TEXT)[2:5], name="memoryview_slice")
shape(lambda i: io.BytesIO(), name="bytes_io_empty")
shape(lambda i: io.BytesIO(TEXT), name="bytes_io_shared")
shape(written, name="bytes_io_written")
shape(lambda i: io.StringIO(), name="string_io_empty")
shape(joined, name="string_io_written")
shape(lambda i: re._compiler.compile(rf"\b(\w+){text(i)}[a-z]*"), name="pattern", warm=30)
shape(lambda i: PATTERN.match("ab"), name="match")
shape(context, name="context")
shape(lambda i: contextvars.ContextVar("made"), name="context_variable")
shape(lambda i: TOKEN_VARIABLE.set(None), name="context_token")
shape(lambda i: threading.Lock(), name="lock")
shape(lambda i: threading.RLock(), name="rlock")
shape(lambda i: threading.Condition(), name="condition")
shape(lambda i: threading.local(), name="thread_local")
shape(lambda i: queue.SimpleQueue(), name="simple_queue")
shape(lambda i: queue.Queue(), name="queue", warm=60)
shape(lambda i: socket.socket(), name="socket", warm=30)
shape(lambda i: LOOP.create_future(), name="future")
shape(lambda i: random.Random(1), name="random", warm=30)
shape(lambda i: struct.Struct(f"<{i + 1}sIQ"), name="struct", warm=110)
shape(lambda i: json.JSONEncoder(), name="json_encoder")
shape(lambda i: copy.copy(THREE), name="copied_instance")

# Blocks so large that the C library asks the kernel for each.
shape(lambda i: [None] * 40_000, name="list_40000", warm=3)
shape(lambda i: dict.fromkeys(range(20_000)), name="dict_20000", warm=3)
shape(lambda i: set(range(5000)), name="set_5000", warm=3)
shape(lambda i: bytes(300_000), name="bytes_300000", warm=3)
shape(lambda i: bytearray(300_000), name="bytearray_300000", warm=3)
shape(lambda i: text(i, 300_000), name="str_300000", warm=3)
shape(lambda i: tuple([None] * 40_000), name="tuple_40000", warm=3)
shape(lambda i: array.array("d", bytes(400_000)), name="array_50000", warm=3)

THREE = Three(0)
TARGETS = [Three(n) for n in range(WARM + EACH + 100)]
TEXT = b"some text that is long enough"
PATTERN = re.compile("(a)(b)")


def drain() -> list[Any]:
    """What free lists can hold, and a little more.  Makes and drops nothing else meanwhile."""
    made: list[Any] = []
    for n in range(255):
        made.append(contextvars.copy_context())
        if n < 120:
            made.append(n * 0.5)
            made.append(n + (1 << 29))
        if n < 90:
            made.append([])
            made.append({"key": None})
            made.append({})
        if n < 40:
            made.append(THREE.__init__)
            made.append(made.append)
            made.append(weakref.ref(Three))
            made.append(slice(n))
            made.append(complex(1, n))
            made.append(generate(None, None))
    for n in range(1, 21):
        for _ in range(60):
            made.append(tuple(NONES[n]))
    for _ in range(20):
        made.append(iter(NAMES))
        made.append(iter(NONES[1]))
        made.append(iter(()))
        made.append(iter(EMPTY))
    return made


def fill(number: int, make: Callable[[int], Any], warm: int) -> list[Any]:
    kept: list[Any] = [None] * (warm + EACH)
    for i in range(warm):
        kept[i] = make(i)
    DRAINED.append(drain())
    blocks.open(number)
    for i in range(warm, warm + EACH):
        kept[i] = make(i)
    blocks.close()
    DRAINED.append(drain())
    for item in (DRAINED[-1], *DRAINED[-1]):
        blocks.disown(item)
    return kept


EMPTY = range(0)
NONES = [[None] * n for n in range(21)]
DRAINED: list[list[Any]] = []


def main(snapshot: str, report: str) -> None:
    gc.disable()
    kept = {name: fill(number, *made) for number, (name, made) in enumerate(SHAPES.items(), 1)}
    found = {name: blocks.live(number) for number, name in enumerate(SHAPES, 1)}
    blocks.restore()
    with open(report, "w") as out:
        json.dump(found, out)
    if snapshot != "-":
        barrow.dig(snapshot)
    assert len(kept) == len(SHAPES)


if __name__ == "__main__":
    main(*sys.argv[1:])
