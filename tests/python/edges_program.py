"""Makes objects of many classes, takes a heap snapshot, and notes what gc.get_referents() says of them.

edges_program.py SNAPSHOT TRUTH: a JSON object, address -> addresses it refers to.
"""

# ruff: noqa: B006, B039, B905, RUF012

import asyncio
import collections
import contextvars
import dataclasses
import functools
import gc
import itertools
import json
import sys
import types
import weakref

import barrow


class Plain:
    def __init__(self):
        self.a, self.b, self.c = [1], {2: 3}, "four"


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self):
        self.left, self.right = [1], (2, [3])


class SlottedChild(Slotted):
    def __init__(self):
        super().__init__()
        self.more = [4]


class Weakly(Slotted):
    __slots__ = ("__weakref__", "extra")


class Dict(dict):
    pass


class List(list):
    pass


class Set(set):
    pass


class Text(str):
    pass


class Number(int):
    pass


class Exc(ValueError):
    def __init__(self, *args):
        super().__init__(*args)
        self.detail = [args]


class Meta(type):
    pass


class Made(metaclass=Meta):
    registry = [[]]


@dataclasses.dataclass(slots=True)
class Data:
    x: list
    y: dict


Point = collections.namedtuple("Point", "x y")


def generator():
    local = [1]
    inner = {"k": local}
    yield local, inner


async def coroutine():
    value = [1]
    await asyncio.sleep(0)
    return value


def closure():
    kept = [1]

    def inner(default=[2], *, keyword=(3, [4])):
        return kept, default, keyword

    return inner


def raised():
    try:
        raise Exc("a", [1])
    except Exc as error:
        return error


def frame():
    local = [5]
    return sys._getframe(), local


materialised = Plain()
vars(materialised)["later"] = [1]
emptied = Plain()
emptied.__dict__ = {"other": [1]}
holes = Plain()
del holes.b
started = generator()
next(started)
suspended = coroutine()
suspended.send(None)
bound = Plain()
bound.own = Plain.__init__.__get__(bound)
things = [
    Plain(), materialised, emptied, holes, Slotted(), SlottedChild(), Weakly(), Data([1], {}), Point([1], {}),
    Dict(a=[1], b=[2]), Dict({(1, 2): [3]}), List([[1], [2]]), Set([(1,), frozenset((2,))]), Text("x"), Number(5),
    collections.OrderedDict(a=[1], b=[2]), collections.defaultdict(list, a=[1]), collections.Counter("abc"),
    collections.deque([[1], [2], [3]] * 70), collections.ChainMap({}, {"a": [1]}), types.SimpleNamespace(a=[1]),
    {}, {1: [2]}, {"a": [1], 2: [3]}, [], [[1]], (), ([1],), {frozenset([1])}, generator(), started, suspended,
    closure(), raised(), frame()[0], functools.partial(closure, [1], k=[2]), functools.lru_cache(closure),
    Made, Meta, types.MappingProxyType({"a": [1]}), property(closure), staticmethod(closure), classmethod(closure),
    iter([[1]]), iter({"a": [1]}.items()), itertools.chain([[1]], [[2]]), itertools.tee(iter([[1], [2]]))[0],
    itertools.cycle([[1]]), map(closure, [[1]]), filter(closure, [[1]]), zip([[1]], [[2]]), enumerate([[1]]),
    slice([1], [2]),
    weakref.ref(bound, closure()), weakref.WeakValueDictionary({"a": bound}), weakref.WeakKeyDictionary({bound: [1]}),
    bound, bound.own, contextvars.copy_context(), contextvars.ContextVar("v", default=[1]), memoryview(bytearray(10)),
    sys, types.ModuleType("module"), len, [].append, type("Late", (Plain,), {"field": [1]}),
    super(SlottedChild, SlottedChild()),
]  # fmt: skip
shared = [[number] for number in range(2000)]
things.append({f"key{number}": shared[number] for number in range(2000)})
things.append(Dict({number: shared[number] for number in range(2000)}))
things += [Plain() for _ in range(100)]
gc.collect()
gc.disable()
truth = {}
for thing in things:
    truth[id(thing)] = sorted(id(referent) for referent in gc.get_referents(thing))
barrow.dig(sys.argv[1])
changed = [address for thing, address in zip(things, truth, strict=True) if id(thing) != address]
same = {
    address: referents
    for thing, (address, referents) in zip(things, truth.items(), strict=True)
    if sorted(id(referent) for referent in gc.get_referents(thing)) == referents
}
assert not changed
with open(sys.argv[2], "w", encoding="utf-8") as file:
    json.dump({"same": same, "all": len(truth)}, file)
