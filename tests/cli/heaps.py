"""Ledgers with heap snapshots for the tests of the command line, written without a recorder.

    heaps.py DIRECTORY     writes shop.barrow (of the program shop.py: three snapshots, births, points of time),
                           once.barrow (its last snapshot alone), plain.barrow (nothing recorded),
                           odd.barrow (names that want to write to the terminal)
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "data"))

import make_heap  # noqa: E402
from make_ledger import MS, OBJ, Ledger, Recording  # noqa: E402

RECORDED = 1_700_000_000  # when: make_ledger's header says so
BATCHES = (100, 200, 300)  # sessions at the time of each snapshot

TYPES = """
type object class=object
type type class=type flags=gc,type object=class_type
type dict class=dict flags=gc,container,dict
type list class=list flags=gc,container
type tuple class=tuple flags=gc,container
type deque class=deque module=collections flags=gc,container,heap
type str class=str flags=text
type float class=float flags=number
type function class=function flags=gc,function
type module class=module flags=gc,module
type Server class=Server module=__main__ flags=gc,heap object=class_Server
type Session class=Session module=__main__ flags=gc,heap object=class_Session
type Node class=Node module=__main__ flags=gc,heap object=class_Node
"""


class Text:
    """The lines of one snapshot; objects keep their addresses from one to the next."""

    def __init__(self, head: str) -> None:
        self.lines = [head, *TYPES.splitlines()]

    def add(self, *lines: str) -> None:
        self.lines += lines


def build(text: Text, sessions: int, sites: dict[str, int], exact: bool) -> None:
    address = 0x7F0000100000
    add = text.add

    def thing(name: str, kind: str, size: int, site: str = "", at: int = 0, **more: object) -> None:
        nonlocal address
        if not at:
            address += 0x40
        words = [f"object {name} {kind} {size} address={at or address}"]
        words += [f"birth={sites[site]}"] if site else []
        words += [f'{key}="{value}"' if key in ("text", "file") else f"{key}={value}" for key, value in more.items()]
        add(" ".join(words))

    for name, line in (("type", 0), ("Server", 13), ("Session", 6), ("Node", 25)):
        thing(f"class_{name}", "type", 1064, "import" if name != "type" else "",
              **({"file": "shop.py", "line": line} if line else {}))
    thing("main", "module", 72, "import")
    thing("globals", "dict", 232, "import", length=5)
    thing("server", "Server", 48, "server")
    thing("sessions", "list", 88 + 8 * sessions, "import", length=sessions)
    thing("limits", "dict", 232, "limits", length=1)
    thing("recent", "deque", 624, "recent", length=3)
    thing("prices", "list", 32_056, "prices", length=4000)
    thing("login", "function", 152, "import", file="shop.py", line=17)
    for key in ("server", "prices", "open", "Server", "Session", "login"):
        thing(f"key_{key}", "str", 56, "import", text=key)
    thing("hidden", "tuple", 5_000)
    for n in range(40):
        thing(f"price{n}", "float", 24, "prices")
    add("edge main globals attribute __dict__")
    shown = {"server": "server", "prices": "prices", "Server": "class_Server", "Session": "class_Session"}
    for key, value in shown.items():
        add(f"edge globals key_{key} key", f"edge globals {value} value")
    add("edge server sessions attribute sessions", "edge server limits attribute limits",
        "edge server recent attribute recent", "edge server class_Server class",
        "edge limits key_open key", "edge limits price0 value", "edge class_Server login attribute login",
        "edge login globals attribute __globals__", *(f"edge prices price{n} index {n}" for n in range(40)))
    for n in range(sessions):
        base = 0x7F0000200000 + n * 0x1000
        thing(f"session{n}", "Session", 64, "session", base)
        thing(f"name{n}", "str", 1264, "name", base + 0x100)
        add(f"edge sessions session{n} index {n}", f"edge session{n} name{n} attribute name",
            f"edge session{n} server attribute server", f"edge session{n} class_Session class")
    for n in range(3):
        add(f"edge recent session{sessions - 1 - n} index {n}")
    for n in range(5):
        thing(f"node{n}", "Node", 56, "node", 0x7F0000800000 + sessions * 0x100 + n * 0x40)
        add(f"edge node{n} node{n} attribute me")
    add("root modules modules name=", "root mod module parent=modules name=__main__", "rootedge mod main internal",
        "root threads threads name=", "root thread thread parent=threads name=MainThread",
        'root frame frame parent=thread name="<module>" file=shop.py line=32',
        "rootedge frame globals internal namespace",
        f"rootedge frame session{sessions - 1} variable newest",
        "root c c_code name=", "rootedge c hidden counted 2")
    if exact:
        add("rootedge c class_type counted 1")


def shop(batches: tuple[int, ...], recorded: bool = True) -> Ledger:
    ledger = Ledger(command=("shop.py",), cwd=".")
    names = ("import", "server", "limits", "recent", "prices", "session", "name", "node")
    sites: dict[str, int] = dict.fromkeys(names, 0)
    if recorded:
        record(ledger, sites)
    text = []
    for number, sessions in enumerate(batches, 1):
        last = sessions == BATCHES[-1]
        snapshot = Text(f"snapshot time={0.4 * sessions / 100:.1f} pause=0.01 flags={'exit' if last else ''}")
        build(snapshot, sessions, sites, exact=number == 1)
        text += snapshot.lines
    for number, snapshot in enumerate(make_heap.read_text("\n".join(text)), 1):
        ledger.tables["heap"] += make_heap.stream(snapshot, number)
    return ledger


def record(ledger: Ledger, sites: dict[str, int]) -> None:
    """The births: stacks of shop.py, and what lived when."""
    root = ledger.thread("MainThread")

    def stack(*places: tuple[str, int, int]) -> int:
        node = root
        for name, first, line in places:
            code = ledger.code("shop.py", name, first, [(1, first), (20, line)])
            node = ledger.node(node, code, 5)
        return node

    login = (("<module>", 1, 32), ("Server.login", 18, 19))
    nodes = {
        "import": stack(("<module>", 1, 2)),
        "server": stack(("<module>", 1, 29)),
        "limits": stack(("<module>", 1, 29), ("Server.__init__", 13, 15)),
        "recent": stack(("<module>", 1, 29), ("Server.__init__", 13, 16)),
        "prices": stack(("<module>", 1, 30)),
        "session": stack(*login),
        "name": stack(*login, ("Session.__init__", 6, 8)),
        "node": stack(("<module>", 1, 33)),
    }
    recording = Recording(ledger)
    counts = {"import": 9, "server": 1, "limits": 1, "recent": 1, "prices": 41, "session": 300, "name": 300, "node": 5}
    sizes = {"import": 900, "prices": 800, "session": 64, "name": 1264}
    for name, count in counts.items():
        recording.alloc(nodes[name], OBJ, sizes.get(name, 56), count)
    numbers = recording.finish(end=1, now=1_250 * MS)
    for name in sites:
        sites[name] = numbers[nodes[name], OBJ]
    growing = {"session", "name"}
    for time, part in ((10, 0.0), (400, 0.33), (800, 0.66), (1_240, 1.0)):
        entries, live = [], 0
        for name, number in sorted(sites.items(), key=lambda item: item[1]):
            count = int(counts[name] * part) if name in growing else counts[name]
            size = count * sizes.get(name, 56)
            entries.append((number, size, count))
            live += size
        ledger.checkpoint(time * MS, live, entries)


def odd() -> Ledger:
    """Names and keys that want to write to the terminal, or to break a format."""
    lines = [
        "snapshot time=0.5",
        "type dict class=dict flags=gc,container,dict",
        "type str class=str flags=text",
        "type module class=module flags=gc,module",
        'type Evil class="Evil\x1b[31m<b>&" module="x\x07" flags=gc,heap',
        "object mod module 72",
        "object dict dict 232",
        'object key str 56 text="quote\\" and \\\\ and \x1b[2J"',
        "object evil Evil 4096",
        "edge mod dict attribute names",
        "edge dict key key",
        "edge dict evil value",
        "root modules modules name=",
        'root m module parent=modules name="m\x1b[1m"',
        "rootedge m mod internal",
    ]
    ledger = Ledger(command=("odd.py",), cwd=".")
    for number, snapshot in enumerate(make_heap.read_text("\n".join(lines)), 1):
        ledger.tables["heap"] += make_heap.stream(snapshot, number)
    return ledger


def write(directory: Path) -> None:
    source = directory / "shop.py"
    source.write_bytes((HERE / "shop.py").read_bytes())
    os.utime(source, (RECORDED - 60, RECORDED - 60))
    for name, ledger in (
        ("shop", shop(BATCHES)),
        ("once", shop(BATCHES[-1:])),
        ("plain", shop(BATCHES[-1:], recorded=False)),
        ("odd", odd()),
    ):
        (directory / f"{name}.barrow").write_bytes(ledger.to_bytes(pages=4, growth=2))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
