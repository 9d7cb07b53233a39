"""Programs that tests look into from outside.

attach_target.py MODE    prints a line of JSON once it is in that state, and stays in it
"""

from __future__ import annotations

import array
import collections
import gc
import itertools
import json
import os
import select
import sys
import threading
import time

N = 500


class Plain:
    def __init__(self, n: int) -> None:
        self.number, self.real, self.text = n + 1_000_000, float(n), f"text {n}"


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, n: int) -> None:
        self.left, self.right = complex(n, 1), None


class Bare:
    pass


class Words(list):
    pass


class Outer:
    class Inner:
        pass


class Number(int):
    pass


class Held:
    """Reached through a container of its own each."""

    __slots__ = ()


Point = collections.namedtuple("Point", "x y")


def planted() -> dict[str, object]:
    """What a census must find, each exactly."""
    ordered: collections.OrderedDict[int, Held] = collections.OrderedDict()
    for i in range(N):
        ordered[i] = Held()
    deque: collections.deque[Held] = collections.deque(Held() for _ in range(N + 7))
    for _ in range(7):
        deque.popleft()
    shrunk = [Held() for _ in range(N)]
    del shrunk[N // 2 :]
    return {
        "plain": [Plain(i) for i in range(N)],
        "slotted": [Slotted(i) for i in range(2 * N)],
        "bare": [Bare() for _ in range(N)],
        "words": [Words(["a"]) for _ in range(N)],
        "inner": [Outer.Inner() for _ in range(N)],
        "number": [Number(i) for i in range(N)],
        "points": [Point(i, None) for i in range(3 * N)],
        "ordered": ordered,  # N Held
        "deque": deque,  # N
        "set": {Held() for _ in range(N)},  # N
        "frozenset": frozenset(Held() for _ in range(4)),  # 4
        "nested": tuple((("x", (Held(),)),) for _ in range(N)),  # N
        "dict": {f"a{i}": {i: Held()} for i in range(N)},  # N
        "shrunk": shrunk,  # N / 2
        "closure": [(lambda held: lambda: held)(Held()) for _ in range(N)],  # N
        "generators": [(held for held in [Held()]) for _ in range(N)],  # N
        "array": array.array("d", [0.0]) * N,
        "bytearray": [bytearray(1000) for _ in range(N)],
    }


def census(freeze: bool = False) -> dict[str, object]:
    keep = planted()
    sys.modules[__name__].__dict__["keep"] = keep
    gc.collect()
    tracked = len(gc.get_objects()) + gc.get_freeze_count()
    if freeze:
        gc.freeze()
    counts = {
        "Plain": N,
        "Slotted": 2 * N,
        "Bare": N,
        "Words": N,
        "Outer.Inner": N,
        "Number": N,
        "Point": 3 * N,
        "Held": 7 * N + 4 + N // 2,
    }
    return {"classes": {f"__main__.{name}": count for name, count in counts.items()}, "tracked": tracked}


def shapes() -> dict[str, object]:
    """Objects of one size each, alone of their class: the allocator's bytes of one, by the rules.

    Instances of classes made by a statement have the collector's two words before them, and space for one
    item more than they have.
    """
    text = 96 if sys.version_info < (3, 12) else 80
    kinds = {}
    expected = {}

    def plant(name: str, base: type, make: object, real: int, slots: tuple[str, ...] = ()) -> None:
        kind = type(name, (base,), {"__slots__": slots})
        kinds[name] = [make(kind) for _ in range(50)]  # type: ignore[operator]
        expected[f"__main__.{name}"] = real

    plant("S0", object, lambda k: k(), 32)
    plant("S1", object, lambda k: k(), 48, ("a",))
    plant("S4", object, lambda k: k(), 64, ("a", "b", "c", "d"))
    plant("Tuple3", tuple, lambda k: k((1, 2, 3)), 80)
    plant("List100", list, lambda k: k([None] * 100), 64 + 816)
    plant("Dict0", dict, lambda k: k(), 64)
    plant("Dict5", dict, lambda k: k(dict.fromkeys("abcde")), 64 + 128)
    plant("Dict6", dict, lambda k: k({i: 0 for i in range(6)}), 64 + 288)
    plant("Set4", set, lambda k: k("abcd"), 224)
    plant("Set30", set, lambda k: k(range(30)), 224 + 2064)
    plant("Float", float, lambda k: k(1.5), 48)
    plant("Bytes100", bytes, lambda k: k(100), 160)
    plant("Text100", str, lambda k: k("x" * 100), text + 112)
    sys.modules[__name__].__dict__["shapes_keep"] = kinds
    return {"sizes": expected}


class Steady:
    pass


class Fleeting:
    def __init__(self) -> None:
        self.me = self


def busy() -> dict[str, object]:
    sys.modules[__name__].__dict__["steady"] = [Steady() for _ in range(20_000)]

    def churn() -> None:
        ring: collections.deque[object] = collections.deque(maxlen=5000)
        while True:
            ring.append([Fleeting(), {"a": {}, "b": (1, [])}])

    for _ in range(2):
        threading.Thread(target=churn, daemon=True).start()
    return {}


def spin() -> None:
    while True:
        sum(range(100))


def epoll_wait() -> None:
    reader, _ = os.pipe()
    waiting = select.epoll()
    waiting.register(reader)
    waiting.poll(60)


def wait_for_thread() -> None:
    worker = threading.Thread(target=spin, daemon=True)
    worker.start()
    worker.join()


STATES = {
    "spin": spin,
    "sleep": lambda: time.sleep(60),
    "epoll": epoll_wait,
    "lock": lambda: threading.Event().wait(),
    "join": wait_for_thread,
    "input": lambda: sys.stdin.read(),
    "c": lambda: collections.deque(itertools.repeat(0), maxlen=0),
}


def main(mode: str) -> None:
    if mode == "no-barrow":
        sys.modules["barrow"] = None  # type: ignore[assignment]
    state = {"census": census, "frozen": lambda: census(True), "shapes": shapes, "busy": busy}.get(mode, dict)()
    print(json.dumps(state), flush=True)
    if mode == "nap":
        names = set(globals()) | {"names", "begin"}
        begin = time.monotonic()
        time.sleep(2)
        slept = time.monotonic() - begin
        left = sorted(set(globals()) - names)
        print(json.dumps({"slept": slept, "left": left, "path": sys.path}), flush=True)
        sys.stdin.read()
        return
    STATES.get(mode, STATES["input"])()


if __name__ == "__main__":
    main(sys.argv[1])
