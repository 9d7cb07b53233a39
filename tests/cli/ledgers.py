"""Ledgers for the tests of the command line, written without a recorder.

    ledgers.py DIRECTORY     writes etl.barrow (of the program etl.py, which is copied beside it),
                             profiled.barrow (the same with figures by line), before.barrow and
                             after.barrow (of two versions of a program),
                             hostile.barrow, empty.barrow, deep.barrow, many.barrow and family/;
                             and what heaps.py writes
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "data"))

import heaps  # noqa: E402
import make_ledger  # noqa: E402
from make_ledger import MALLOC, MEM, MMAP, MS, OBJ, Ledger, Recording  # noqa: E402

RECORDED = 1_700_000_000  # when: make_ledger's header says so
LIBRARY = "/opt/no-such-place/lib/python3.11"


def place(ledger, file, name, first_line, line):
    """A code object whose only line is `line`; its frames' offset is 1."""
    return ledger.code(file, name, first_line, [(1, first_line), (20, line)])


def add_samples(ledger, points):
    for time, rss, heap in points:
        ledger.sample(time * MS, rss, heap, threads=2)


def etl():
    """A believable program: parsing, an index, churn, imports, a worker, recursion."""
    ledger = Ledger(command=("etl.py", "a.json", "b.json"), cwd=".")
    ledger.add("sys_path", struct.pack("<II", ledger.string(LIBRARY), 0))
    frames = {}

    def stack(root, *places):
        node = root
        for file, name, first, line in places:
            key = (file, name, first, line)
            if key not in frames:
                frames[key] = place(ledger, file, name, first, line)
            if (node, key) not in frames:
                frames[node, key] = ledger.node(node, frames[key], 5)
            node = frames[node, key]
        return node

    top = ("etl.py", "<module>", 1, 37)
    main = ("etl.py", "main", 32, 33)
    read = ("etl.py", "read", 6, 10)
    generator = ("etl.py", "read.<locals>.<genexpr>", 10, 10)
    parse = ("etl.py", "parse", 14, 15)
    title = ("etl.py", "parse", 14, 16)
    index = ("etl.py", "Index.__init__", 21, 22)
    names = ("etl.py", "Index.__init__.<locals>.<dictcomp>", 22, 22)
    tree = ("etl.py", "Index.__init__", 21, 23)
    build = ("etl.py", "Index.build", 25, 29)
    loads = (f"{LIBRARY}/json/__init__.py", "loads", 299, 346)
    decode = (f"{LIBRARY}/json/decoder.py", "JSONDecoder.decode", 332, 337)
    raw = (f"{LIBRARY}/json/decoder.py", "JSONDecoder.raw_decode", 343, 353)
    imports = [("etl.py", "<module>", 1, 2)] + [
        ("<frozen importlib._bootstrap>", name, line, line + 9)
        for name, line in (("_find_and_load", 1165), ("_find_and_load_unlocked", 1120),
                           ("_load_unlocked", 666), ("_call_with_frames_removed", 233))
    ] + [(f"{LIBRARY}/json/__init__.py", "<module>", 1, 106),
         (f"{LIBRARY}/json/decoder.py", "<module>", 1, 3)]
    thread = ("/opt/venv/lib/python3.11/site-packages/pool/worker.py", "Worker.run", 40, 77)

    root, worker = ledger.thread("MainThread"), ledger.thread("pool-*", 4)
    parsing = (top, main, read, generator, parse)
    recording = Recording(ledger)
    recording.alloc(stack(root, *imports), OBJ, 70_000, 3)
    recording.alloc(root, MALLOC, 4096, 2)
    recording.now = 100 * MS
    recording.alloc(stack(root, *parsing, loads, decode, raw), OBJ, 232, 40_000)
    recording.free(recording.alloc(stack(root, *parsing, loads, decode), MEM, 90, 20_000), temporary=True)
    recording.alloc(stack(root, top, main, read, generator, title), OBJ, 110, 20_000)
    rows = recording.alloc(stack(root, top, main, read), MEM, 180_000)
    recording.now = 700 * MS
    recording.alloc(stack(root, top, main, index, names), MEM, 655_400, 2)
    path = [top, main, tree]
    for _ in range(15):
        path.append(build)
        recording.alloc(stack(root, *path), OBJ, 72, 100)
    area = recording.alloc(stack(worker, thread), MMAP, 8 << 20)
    recording.now = 900 * MS
    recording.free(area)
    recording.free(rows)
    recording.finish(end=1, now=1_480 * MS)
    points = [(0, 9_000_000, 0)]
    points += [(t, 9_000_000 + t * 24_000, t * 16_000) for t in range(20, 700, 20)]
    points += [(700 + t, 26_000_000 + t * 20_000, 11_300_000 + t * 12_000) for t in range(0, 200, 20)]
    points += [(t, 21_000_000, 13_300_000) for t in range(900, 1480, 20)]
    add_samples(ledger, points)
    for time, pause in ((150, 900_000), (300, 1_700_000), (520, 4_100_000), (760, 7_400_000)):
        ledger.add("gc_events", struct.pack("<QQIIII", time * MS, pause, 2, 12, 0, 0))
    ledger.gc = [[310, 900, 0, 4 * MS, 90_000, 0], [28, 40, 0, 2 * MS, 200_000, 0],
                 [4, 48, 0, 14_100_000, 7_400_000, 0]]
    ledger.pauses[16], ledger.pauses[22] = 338, 4
    ledger.state.update(sample_interval=20 * MS, max_rss=30_000_000, threads=5, unknown_frees=211)
    return ledger


def profiled():
    """The program of etl() with two functions measured line by line, one of them with a comprehension."""
    ledger = etl()

    def measured(name, first, lines):
        code = place(ledger, "etl.py", name, first, first)
        for line, occurrences, increment, memory, peak in lines:
            ledger.add("lines", struct.pack("<IIQqQQ24x", code, line, occurrences, increment, memory, peak))

    measured("read", 6, [
        (0, 1, 0, 9_000_000, 0), (7, 1, 56, 9_000_056, 56), (8, 3, 0, 21_000_000, 11_700_000),
        (9, 2, 640, 9_200_000, 200_000), (10, 4, 11_660_000, 21_000_000, 11_700_000), (11, 1, 0, 20_900_000, 0)])
    measured("read.<locals>.<genexpr>", 10, [(0, 2, 0, 9_000_000, 0), (10, 20_002, 11_480_000, 20_000_000, 11_480_000)])
    measured("Index.build", 25, [
        (0, 1501, 0, 21_000_000, 0), (26, 1501, 0, 21_000_000, 0), (27, 0, 0, 0, 0), (28, 1500, 42_000, 21_000_028, 28),
        (29, 1500, -108_000, 21_000_000, 1_200_000)])
    return ledger


def hostile():
    """Names that would like to write to the terminal, or to break a format."""
    ledger = Ledger(command=("x\x1b[31m.py", "\x07"))
    root = ledger.thread("T\x1b]0;owned\x07*")
    recording = Recording(ledger)
    for i, (file, name) in enumerate((
        ("/srv/\x1b[2J\x1b[H.py", "clear\x1b[2Jscreen"),
        ("a;b c\nd.py", "semi;colon \n 12"),
        ('quo"te,comma.py', 'f"x",\r\n<lambda>'),
        ("/srv/\u6570\u636e/\u5904\u7406.py", "\u89e3\u6790.\u540d\u524d\u3068\u3066\u3082\u9577\u3044"),
        ("/srv/\u202egnp.py", "right\u200bto\u202eleft"),
        ("/srv/\udcff\udcfe.py", "caf\u00e9.\U0001f600\u0301"),
        ("/srv/" + "d" * 120 + "/" + "e" * 120 + ".py", "very" * 60),
    )):
        node = ledger.node(root, place(ledger, file, name, i + 1, i + 2), 5)
        recording.alloc(node, OBJ, 1000 - i, 3)
    recording.finish(end=6, now=90 * MS)
    ledger.dropped[8] = 1
    return ledger


def deep():
    """Recursion through two functions, 3,000 calls deep, each owning something."""
    ledger = Ledger(command=("deep.py",))
    even = place(ledger, "/srv/deep.py", "even", 1, 2)
    odd = place(ledger, "/srv/deep.py", "odd", 4, 5)
    node = ledger.thread("MainThread")
    recording = Recording(ledger)
    for i in range(3000):
        node = ledger.node(node, odd if i % 2 else even, 5)
        recording.alloc(node, OBJ, 10)
    recording.finish(end=2, now=50 * MS)
    return ledger


def many():
    """More lines than a view shows."""
    ledger = Ledger(command=("many.py",), run=b"of another run!!")
    root = ledger.thread("MainThread")
    recording = Recording(ledger)
    for i in range(40):
        node = ledger.node(root, place(ledger, "/srv/many.py", f"f{i:02}", 10 * i + 1, 10 * i + 2), 5)
        recording.alloc(node, OBJ, 4000 - 100 * i, i + 1)
        recording.free(recording.alloc(node, MEM, 16, 40 - i), temporary=True)
    recording.finish(end=1, now=50 * MS)
    return ledger


def version(late):
    """A program before and after an edit: three lines more above load(), one more in the module, old()
    gone, new() new, another Python; load and the module keep more, index less."""
    down, library = (3, "/opt/lib/python3.12") if late else (0, "/opt/lib/python3.11")
    ledger = Ledger(command=("shop.py", "--all"), run=b"the second run !" if late else b"the first run !!")
    ledger.add("sys_path", struct.pack("<II", ledger.string(library), 0))
    root = ledger.thread("MainThread")
    recording = Recording(ledger)

    def line(caller, name, first, number, file="/srv/shop.py"):
        return ledger.node(caller, place(ledger, file, name, first, number), 5)

    def alloc(node, size, count=1, domain=OBJ):
        return recording.alloc(node, domain, size, count)

    edited = int(late)
    for number, size in ((40, 700), (41, 64), (42, 1 << 20), (43, 96)):
        alloc(line(root, "<module>", 1, number + edited), size)
    if late:
        alloc(line(root, "<module>", 1, 2), 30_000)
    top = line(root, "<module>", 1, 60 + edited)
    load = line(top, "load", 10 + down, 12 + down)
    alloc(load, 512, 4000 if late else 1000)
    alloc(line(top, "load", 10 + down, 13 + down), 80, 500)
    index = line(top, "Shop.index", 20 + down, 21 + down)
    recording.now = 300 * MS
    alloc(index, 5000, 60 if late else 200, MEM)
    alloc(line(top, "new" if late else "old", 30 + down, 31 + down), 200_000)
    alloc(line(load, "loads", 299, 346, f"{library}/json/__init__.py"), 900, 40 if late else 30)
    recording.now = 900 * MS
    recording.free(recording.alloc(line(top, "<lambda>", 50 + down, 50 + down), OBJ, 64, 2000), temporary=True)
    recording.finish(end=1, now=1_000 * MS)
    return ledger


def watched(pid=100, start=5_000_000_000, censuses=13, growth=1500, end=0):
    """A service that was watched for two hours: one class grows, one shrinks, one comes and goes."""
    ledger = Ledger(command=("service.py",), pid=pid, root=pid == 100, start=start)
    Recording(ledger).finish(end=end, now=censuses * 600_000 * MS)
    before = {}
    for i in range(censuses):
        now = {
            "shop.session.Session": (1000 + growth * i, (1000 + growth * i) * 152),
            "dict": (20_000 + i % 3, 3_400_000 + i % 3 * 184),
            "builtin_function_or_method": (1100, 79_200),
            "shop.cache.Entry": (9000 - 700 * i, (9000 - 700 * i) * 64),
        }
        if 4 <= i < 8:
            now["shop.job.Job.<locals>.Step"] = (300, 300 * 96)
        changed = {name: figures for name, figures in now.items() if before.get(name) != figures}
        changed |= {name: (0, 0) for name in before if name not in now}
        totals = tuple(map(sum, zip(*now.values(), strict=True)))
        ledger.census((i + 1) * 600_000 * MS, changed, totals, full=i == 0, pause=(9 + i) * MS)
        before = now
    return ledger


def write(directory: Path) -> None:
    source = directory / "etl.py"
    source.write_bytes((HERE / "etl.py").read_bytes())
    os.utime(source, (RECORDED - 60, RECORDED - 60))
    empty = Ledger(command=("nothing.py",))
    Recording(empty).finish(end=0, now=3 * MS)
    for name, ledger in (("etl", etl()), ("hostile", hostile()), ("deep", deep()), ("many", many()),
                         ("empty", empty), ("before", version(late=False)), ("after", version(late=True)),
                         ("profiled", profiled()), ("watched", watched()),
                         ("glance", watched(censuses=1))):
        (directory / f"{name}.barrow").write_bytes(ledger.to_bytes(pages=4, growth=2))
    heaps.write(directory)
    (directory / "workers").mkdir()
    for pid, censuses, end in ((100, 13, 0), (101, 12, 0), (102, 5, 1)):
        worker = watched(pid, 5_000_000_000 + (pid - 100) * 20_000 * MS, censuses, growth=0, end=end)
        (directory / "workers" / f"service.{pid}.barrow").write_bytes(worker.to_bytes(pages=2))
    (directory / "family").mkdir()
    for name, data in make_ledger.family().items():
        (directory / "family" / name).write_bytes(data)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
