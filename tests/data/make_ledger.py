#!/usr/bin/env python3
"""Writes ledgers of format 1 without a recorder: golden files, seeds for fuzzing, big ones for timing.

    make_ledger.py golden FILE        the ledger whose figures tests/c/test_profile.c knows
    make_ledger.py family DIRECTORY   a root and two children of one run
    make_ledger.py bundle FILE        the same three in one file
    make_ledger.py seeds DIRECTORY    ledgers of every sort, also broken ones, packed for tests/fuzz/ledger.c
    make_ledger.py bundles DIRECTORY  bundles of every sort for tests/fuzz/bundle.c
    make_ledger.py big FILE [SITES [NODES [CHANGES]]]   CHANGES: entries of its checkpoints

It is a second reading of src/ledger/format.h that shares no code with the recorder: what the two
disagree on is a defect of one of them.
"""

import struct
import sys
import zlib
from pathlib import Path

PAGE = 4096
OBJ, MEM, MALLOC, MMAP = range(4)
MS = 1_000_000
ALIAS, FOLDED = 0xFFFFFFFF, 0xFFFFFFFE

KINDS = {  # name: (number, record bytes)
    "strings": (1, 1),
    "codes": (2, 40),
    "nodes": (3, 32),
    "sites": (4, 64),
    "site_info": (5, 8),
    "samples": (6, 64),
    "gc_events": (7, 32),
    "marks": (8, 32),
    "checkpoints": (9, 1),
    "thread_groups": (10, 16),
    "sys_path": (11, 8),
    "regions": (12, 56),
    "region_sites": (13, 64),
    "modules": (14, 64),
    "lines": (16, 64),
    "heap": (17, 1),
    "census": (18, 1),
}


def varint(value):
    out = bytearray()
    while value >= 64:
        out.append(value & 63 | 64)
        value >>= 6
    return bytes(out) + bytes([value])


def signed_varint(value):
    return varint(-value << 1 | 1 if value < 0 else value << 1)


def line_table(first_line, entries):
    """A location table; entries are (code units, line or None)."""
    out, line = bytearray(), first_line
    for i, (units, at) in enumerate(entries):
        while units > 0:
            n = min(units, 8)
            units -= n
            if at is None:
                out.append(0x80 | 15 << 3 | n - 1)
                continue
            delta, line = at - line, at
            if delta == 0 and i % 2:
                out += bytes([0x80 | 3 << 3 | n - 1, 0x12])  # short form
            elif 0 <= delta <= 2:
                out += bytes([0x80 | 10 + delta << 3 | n - 1, 4, 9])  # one line
            elif i % 2:
                out += bytes([0x80 | 13 << 3 | n - 1]) + signed_varint(delta)  # no columns
            else:
                out += bytes([0x80 | 14 << 3 | n - 1])  # long form
                out += signed_varint(delta) + varint(1) + varint(5) + varint(70)
    return bytes(out)


class Ledger:
    def __init__(
        self,
        pid=100,
        parent_pid=1,
        root=True,
        run=b"0123456789abcdef",
        start=5_000_000_000,
        command=("app.py", "--size", "two words"),
        cwd="/srv/app",
    ):
        self.tables = {kind: bytearray() for kind in KINDS}
        for kind, empty in (("strings", 8), ("codes", 40), ("nodes", 32), ("sites", 64), ("site_info", 8)):
            self.tables[kind] += bytes(empty)
        self.interned = {}
        self.pid, self.parent_pid, self.root, self.run, self.start = pid, parent_pid, root, run, start
        self.command, self.cwd = command, cwd
        self.inherited = 0
        self.state = dict(
            live=0,
            best=0,
            epoch=1,
            best_ns=0,
            now_ns=0,
            unknown_frees=0,
            native_live=0,
            native_unknown_frees=0,
            end=0,
            end_ns=0,
            threads=1,
            max_rss=0,
            sample_interval=10 * MS,
            checkpoint_interval=100 * MS,
            imprecision=0,
            inherited_bytes=0,
            inherited_blocks=0,
        )
        self.dropped = [0] * 32
        self.gc = [[0] * 6 for _ in range(3)]
        self.pauses = [0] * 48
        self.sizes = [[0] * 192 for _ in range(4)]

    def add(self, kind, record):
        table = self.tables[kind]
        size = KINDS[kind][1]
        index = len(table) // size
        table += record
        assert len(table) % size == 0
        return index

    def string(self, text):
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        if data not in self.interned:
            self.interned[data] = self.add("strings", struct.pack("<I", len(data)) + data)
        return self.interned[data]

    def code(self, file, name, first_line, entries):
        table = line_table(first_line, entries)
        content = zlib.crc32(repr((file, name, first_line, table)).encode())
        return self.add(
            "codes",
            struct.pack("<IIIIQ16x", self.string(file), self.string(name), self.string(table), first_line, content),
        )

    def node(self, parent, code, offset):
        return self.add("nodes", struct.pack("<QIIiIII", 0x7F00_0000_1234, parent, code, offset, 9, 9, 9))

    def thread(self, name, threads=1):
        node = self.node(0, 0, 0)
        self.add("thread_groups", struct.pack("<IIQ", self.string(name), node, threads))
        return node

    def site(
        self,
        node,
        domain,
        allocated=0,
        allocations=0,
        freed=0,
        frees=0,
        peak=0,
        peak_blocks=0,
        epoch=0,
        temporary=0,
        temporaries=0,
    ):
        self.add("site_info", struct.pack("<II", node, domain | 7 << 4))
        return self.add(
            "sites",
            struct.pack(
                "<QQQQQQQII",
                allocated,
                allocations,
                freed,
                frees,
                peak,
                temporary,
                temporaries,
                peak_blocks,
                epoch,
            ),
        )

    def sample(self, time, rss, heap, threads=1, pss=0):
        self.add("samples", struct.pack("<QQQQQQQII", time, rss, pss, heap, 10, 1, 2, threads, 0))

    def checkpoint(self, time, live, entries):
        data = b"".join(struct.pack("<IIQ", site, blocks, size) for site, size, blocks in entries)
        self.add(
            "checkpoints",
            struct.pack("<IIQQII", 0x54504B43, len(entries), time, live, zlib.crc32(data), 0) + data,
        )

    def census(self, time, changes, totals, full=False, pause=4 * MS, scope=0):
        """One census: {class: (objects, bytes)} of what changed, (objects, bytes) of all."""
        data = b"".join(struct.pack("<IIQ", self.string(name), *figures) for name, figures in changes.items())
        head = struct.pack("<IIQQQQHHI", 0x534E4543, len(changes), time, pause, *totals, scope, full, zlib.crc32(data))
        self.add("census", head + data)

    def header(self):
        command = b"".join(word.encode() + b"\0" for word in self.command)
        page = struct.pack(
            "<8sIIII16sIIQQIBBBBIIQ32x16s96s512s512sI2048s788x",
            b"\x89BARROW\n",
            1,
            0x01020304,
            0,
            PAGE,
            self.run,
            self.pid,
            self.parent_pid,
            1_700_000_000_000_000_000,
            self.start,
            0x030B02F0,
            0,
            0,
            self.root,
            0,
            self.inherited,
            0,
            64 << 20,
            b"0.1.0",
            b"3.11.2 (main, Apr 28 2025) [GCC 12.2.0]",
            b"/usr/bin/python3.11",
            self.cwd.encode(),
            len(command),
            command,
        )
        return page[:16] + struct.pack("<I", zlib.crc32(page)) + page[20:]

    def state_pages(self, file_bytes):
        s = self.state
        used = [0] * 32
        for kind, (number, size) in KINDS.items():
            used[number] = len(self.tables[kind]) // size
        out = struct.pack(
            "<qqIIQQQ16x", s["live"], s["best"], s["epoch"], 0, s["best_ns"], s["now_ns"], s["unknown_frees"]
        )
        out += struct.pack("<qQ48x", s["native_live"], s["native_unknown_frees"])
        out += struct.pack(
            "<IIQQQQQQQQQ48x",
            s["end"],
            0,
            s["end_ns"],
            s["threads"],
            s["max_rss"],
            file_bytes,
            s["sample_interval"],
            s["checkpoint_interval"],
            s["imprecision"],
            s["inherited_bytes"],
            s["inherited_blocks"],
        )
        for numbers in (used, self.dropped, *self.gc, self.pauses, *self.sizes):
            out += struct.pack(f"<{len(numbers)}Q", *numbers)
        return out + bytes(752)

    def extent(self, kind, offset, first, records, pages, number=None):
        size = KINDS[kind][1]
        payload = pages * PAGE
        fields = [
            0x4E545845,
            0,
            number or KINDS[kind][0],
            1,
            size,
            offset,
            payload,
            first,
            payload // size,
            0,
            0,
            0,
        ]
        head = struct.pack("<IIHHIQQQQIIQ", *fields)
        fields[1] = zlib.crc32(head)
        head = struct.pack("<IIHHIQQQQIIQ", *fields)
        return head.ljust(PAGE, b"\0") + records.ljust(payload, b"\0")

    def to_bytes(self, pages=1, unknown_kind=False, blank_pages=1, growth=1):
        """Extents of `pages` pages, each `growth` times the last one's; several for what doesn't fit."""
        extents, offset = b"", 4 * PAGE
        todo = {kind: 0 for kind, table in self.tables.items() if table}
        room = {kind: pages for kind in todo}
        if unknown_kind:
            extents += self.extent("marks", offset, 0, b"from the future", 1, number=31)
        while todo:
            for kind, first in list(todo.items()):
                size, table = KINDS[kind][1], self.tables[kind]
                capacity = room[kind] * PAGE // size
                part = bytes(table[first * size : (first + capacity) * size])
                extents += self.extent(kind, offset + len(extents), first, part, room[kind])
                room[kind] *= growth
                todo[kind] = first + capacity
                if todo[kind] * size >= len(table):
                    del todo[kind]
        extents += bytes(blank_pages * PAGE)
        head = self.header()
        return head * 2 + self.state_pages(offset + len(extents)) + extents


class Recording:
    """Books allocations as the recorder does, and beside that the plain truth."""

    def __init__(self, ledger):
        self.ledger, self.sites, self.live, self.best, self.epoch, self.best_ns = ledger, {}, 0, 0, 1, 0
        self.blocks, self.now, self.peak, self.at_peak, self.peak_ns = {}, 0, 0, {}, 0

    def alloc(self, node, domain, size, count=1):
        blocks = []
        for _ in range(count):
            site = self.sites.setdefault(
                (node, domain),
                dict(
                    allocated=0,
                    allocations=0,
                    freed=0,
                    frees=0,
                    peak=0,
                    peak_blocks=0,
                    epoch=0,
                    temporary=0,
                    temporaries=0,
                ),
            )
            self.settle(site)
            site["allocated"] += size
            site["allocations"] += 1
            self.live += size
            blocks.append(((node, domain), size, object()))
            self.blocks[blocks[-1]] = None
            if self.live > self.peak:
                self.peak, self.peak_ns, self.at_peak = self.live, self.now, None
        return blocks

    def free(self, blocks, temporary=False):
        for block in blocks:
            if self.at_peak is None:
                self.at_peak = self.live_by_site()
            if self.live > self.best:
                self.best, self.best_ns = self.live, self.now
                self.epoch += 1
            site = self.sites[block[0]]
            self.settle(site)
            site["freed"] += block[1]
            site["frees"] += 1
            if temporary:
                site["temporary"] += block[1]
                site["temporaries"] += 1
            self.live -= block[1]
            del self.blocks[block]

    def settle(self, site):
        if site["epoch"] != self.epoch:
            site["peak"] = site["allocated"] - site["freed"]
            site["peak_blocks"] = site["allocations"] - site["frees"]
            site["epoch"] = self.epoch

    def live_by_site(self):
        live = {}
        for key, size, _ in self.blocks:
            total = live.setdefault(key, [0, 0])
            total[0] += size
            total[1] += 1
        return {key: tuple(total) for key, total in live.items()}

    def finish(self, end, now):
        numbers = {key: self.ledger.site(*key, **site) for key, site in self.sites.items()}
        open_climb = self.live > self.best
        truth = self.at_peak if self.at_peak is not None else self.live_by_site()
        for key, s in self.sites.items():
            live = (s["allocated"] - s["freed"], s["allocations"] - s["frees"])
            peak = (s["peak"], s["peak_blocks"]) if not open_climb and s["epoch"] == self.epoch else live
            assert peak == truth.get(key, (0, 0)), (key, peak, truth)
        assert self.peak == max(self.best, self.live)
        self.ledger.state.update(
            live=self.live,
            best=self.best,
            epoch=self.epoch,
            best_ns=self.best_ns,
            now_ns=now,
            end=end,
            end_ns=now if end else 0,
        )
        return numbers


def golden():
    """One process with something of everything."""
    ledger = Ledger()
    ledger.add("sys_path", struct.pack("<II", ledger.string("/srv/app"), 0))
    ledger.add("sys_path", struct.pack("<II", ledger.string("/usr/lib/python3.11"), 0))
    module = ledger.code("/srv/app/app.py", "<module>", 1, [(1, 0), (8, 1), (12, 3), (9, 40), (30, 41)])
    load = ledger.code("/srv/app/pkg/load.py", "Loader.load", 10, [(2, 10), (5, 12), (7, 11), (3, None), (20, 300)])
    init = ledger.code("/srv/app/pkg/__init__.py", "helper", 5, [(4, 5), (10, 7)])
    decode = ledger.code("/usr/lib/python3.11/json/decoder.py", "JSONDecoder.decode", 332, [(6, 332), (16, 337)])
    frozen = ledger.code("<frozen importlib._bootstrap>", "_find_and_load", 1165, [(20, 1176)])
    odd = ledger.code('/tmp/\udcff"x".py', "na\0me", 3, [(9, 4)])

    main = ledger.thread("MainThread")
    worker = ledger.thread("worker-*", 3)
    alias = ledger.node(main, ALIAS, 0)
    m3 = ledger.node(alias, module, 10)  # line 3, by way of an alias
    m3again = ledger.node(main, module, 12)  # also line 3
    m41 = ledger.node(main, module, 50)  # line 41
    load12 = ledger.node(m3, load, 3)  # line 12
    load300 = ledger.node(m3again, load, 20)  # line 300
    load_none = ledger.node(m3, load, 15)  # no line: first line, 10
    decode337 = ledger.node(load300, decode, 8)
    folded = ledger.node(m41, FOLDED, 0)
    help7 = ledger.node(folded, init, 9)
    help_first = ledger.node(help7, init, -1)  # recursion; before the first instruction: line 5
    w_load = ledger.node(worker, load, 4)  # line 12, in another thread
    import_ = ledger.node(m41, frozen, 3)
    odd4 = ledger.node(m41, odd, 2)

    recording = Recording(ledger)
    recording.now = 100 * MS
    keep = recording.alloc(load12, OBJ, 1000, 10)
    buffers = recording.alloc(load300, MALLOC, 50_000, 2)
    recording.now = 200 * MS
    recording.free(recording.alloc(decode337, MEM, 64, 5), temporary=True)
    threads = recording.alloc(w_load, OBJ, 300, 7)
    area = recording.alloc(help_first, MMAP, 1 << 20)
    recording.alloc(load_none, OBJ, 16, 3)
    recording.now = 400 * MS  # the peak: 10,000 + 100,000 + 2,100 + 1,048,576 + 48 + 500
    bare = recording.alloc(main, MALLOC, 500)
    recording.free(area)
    recording.free(buffers[:1])
    recording.now = 600 * MS
    recording.alloc(import_, OBJ, 20_000)
    recording.alloc(odd4, MEM, 33, 2)
    recording.alloc(m3again, OBJ, 8)
    recording.alloc(m3, OBJ, 8)  # the same stack as the line before
    recording.alloc(help7, MEM, 24)
    recording.free(keep[5:])
    recording.free(threads[:2])
    recording.free(bare)
    numbers = recording.finish(end=1, now=1_250 * MS)

    ledger.checkpoint(100 * MS, 110_000, [(numbers[load12, OBJ], 10_000, 10), (numbers[load300, MALLOC], 100_000, 2)])
    ledger.checkpoint(500 * MS, 62_648, [(numbers[load300, MALLOC], 50_000, 1), (numbers[w_load, OBJ], 2_100, 7)])
    for time, heap in ((0, 0), (10, 5_000), (10, 5_000), (400, 1_161_224), (300, 110_148), (1_240, 86_722)):
        ledger.sample(time * MS, 9_000_000 + heap, heap, threads=4, pss=8_000_000)
    ledger.add("gc_events", struct.pack("<QQIIII", 700 * MS, 3 * MS, 2, 40, 1, 0))
    ledger.add("gc_events", struct.pack("<QQIIII", 90 * MS, 1 * MS, 0, 5, 0, 0))
    ledger.gc = [
        [12, 60, 0, 2 * MS, 1 * MS, 0],
        [1, 7, 0, 500_000, 500_000, 0],
        [1, 40, 1, 3 * MS, 3 * MS, 0],
    ]
    ledger.pauses[19], ledger.pauses[20], ledger.pauses[21] = 12, 1, 1
    ledger.sizes[OBJ][4], ledger.sizes[MALLOC][33] = 15, 3
    ledger.add("marks", struct.pack("<QQIIQ", 350 * MS, 50 * MS, ledger.string("load"), 0, 1))
    ledger.add("regions", struct.pack("<QQQQQIIII", 300 * MS, 500 * MS, 110_148, 1_161_224, 400 * MS, 0, 2, 2, 2))
    for _ in range(4):
        ledger.add("region_sites", struct.pack("<QQQQQQQII", 10_000, 10, 0, 0, 0, 0, 0, 0, 0))
    ledger.add("modules", bytes(64))
    ledger.dropped[0], ledger.dropped[4] = 2, 1
    ledger.state.update(unknown_frees=3, native_unknown_frees=4, threads=4, max_rss=11_000_000, imprecision=196_608)
    # Something that no string table of one page holds, so that a table has two extents.
    for i in range(60):
        ledger.string(f"text {i} " + "filling " * 8)
    return ledger


def family():
    """A root, a child made by fork and one made by exec, and what their samples add up to."""
    out = {}
    root = golden()
    out["app.100.barrow"] = root.to_bytes(unknown_kind=True)

    fork = Ledger(pid=101, parent_pid=100, root=False, start=5_300_000_000)
    work = fork.code("/srv/app/pkg/load.py", "Loader.load", 10, [(2, 10), (5, 12)])
    main = fork.thread("MainThread")
    inherited = fork.node(main, work, 1)
    own = fork.node(inherited, work, 3)
    fork.site(inherited, OBJ, allocated=10_000, allocations=10, freed=1000, frees=1)
    fork.inherited = 1
    recording = Recording(fork)
    recording.now = 50 * MS
    area = recording.alloc(own, OBJ, 2_000_000)  # at 350 ms of the root's time
    recording.free(area)
    recording.now = 100 * MS
    recording.alloc(own, OBJ, 700_000)
    numbers = recording.finish(end=3, now=200 * MS)
    fork.checkpoint(100 * MS, 700_000, [(numbers[own, OBJ] + 0, 700_000, 1)])
    fork.sample(60 * MS, 8_000_000, 0)
    fork.sample(100 * MS, 8_700_000, 700_000)
    fork.state.update(inherited_bytes=10_000, inherited_blocks=10)
    out["app.101.barrow"] = fork.to_bytes()

    late = Ledger(
        pid=102,
        parent_pid=100,
        root=False,
        start=5_600_000_000,
        command=("python3.11", "-X", "dev", "-c", "x"),
    )
    text = late.code("<string>", "<module>", 1, [(9, 1)])
    node = late.node(late.thread("MainThread"), text, 4)
    recording = Recording(late)
    recording.now = 10 * MS
    recording.alloc(node, MALLOC, 123, 3)
    recording.finish(end=0, now=70 * MS)
    out["app.102.barrow"] = late.to_bytes()
    return out


def sign(page):
    """A header page with its checksum."""
    page = page[:16] + bytes(4) + page[20:]
    return page[:16] + struct.pack("<I", zlib.crc32(page)) + page[20:]


def zstd_frame(data):
    """A zstd frame (RFC 8878) of raw blocks, and of RLE blocks for zeros at the end of pages."""
    out, blocks = struct.pack("<IBB", 0xFD2FB528, 0, 11 << 3), []
    for at in range(0, len(data), PAGE):
        page = data[at : at + PAGE]
        used = page.rstrip(b"\0")
        blocks += [(0, len(used), used)] if used else []
        blocks += [(1, len(page) - len(used), b"\0")] if len(page) > len(used) else []
    for i, (sort, size, content) in enumerate(blocks):
        out += struct.pack("<I", (i == len(blocks) - 1) | sort << 1 | size << 3)[:3] + content
    return out


def member(name, data, offset, codec, claimed=None):
    stored = zstd_frame(data) if codec == 1 else data
    payload = struct.pack("<QII", claimed or len(data), len(name), 0) + name + stored
    pages = -(-len(payload) // PAGE)
    fields = [0x4E545845, 0, 15, 1, 1, offset, pages * PAGE, 0, pages * PAGE, codec, 0, 0]
    fields[1] = zlib.crc32(struct.pack("<IIHHIQQQQIIQ", *fields))
    head = struct.pack("<IIHHIQQQQIIQ", *fields) + struct.pack("<QII", len(payload), zlib.crc32(payload), 0)
    return head.ljust(PAGE, b"\0") + payload.ljust(pages * PAGE, b"\0")


def bundle(members, lost=0):
    """`members`: (name, ledger's bytes, codec, and the length it claims to have if that is not true)."""
    extents = b""
    for name, data, codec, *claimed in members:
        extents += member(name.encode(), data, 4 * PAGE + len(extents), codec, *claimed)
    head = sign(members[0][1][:71] + b"\1" + members[0][1][72:PAGE])
    state = bytearray(2 * PAGE)
    struct.pack_into("<I", state, 16, 1)
    struct.pack_into("<Q", state, 160, 4 * PAGE + len(extents))
    struct.pack_into("<Q", state, 256 + 8 * 15, len(members) + lost)
    return head * 2 + bytes(state) + extents


def family_bundle():
    codecs = {"app.100.barrow": 1, "app.101.barrow": 0, "app.102.barrow": 1}
    return bundle([(name, data, codecs[name]) for name, data in family().items()])


def bundles():
    small = {name: data for name, data in family().items() if name != "app.100.barrow"}
    stored = bundle([(name, data, 0) for name, data in small.items()])
    late = small["app.102.barrow"]
    cut = bundle([("app.102.barrow", late, 1)], lost=1)
    out = {
        "stored": stored,
        "compressed": bundle([(name, data, 1) for name, data in small.items()]),
        "nested": bundle([("app.102.barrow", late, 1), ("in.barrow", cut, 1)]),
        "boasting": bundle([("a", late, 1, 1 << 30), ("b", late, 0, 1 << 20), ("c", late, 1, len(late) + 9)]),
        "cut": cut[: -PAGE // 2],
        "codec": bundle([("a", late, 2), ("b", late, 0)]),
        "names": bundle([("a\nb\x1b[1m\x7f", late, 1, 1), ("\0c", late[: PAGE // 2], 0)]),
        "ledger": late,
    }
    return {name: pack(data) for name, data in out.items()}


def seeds():
    tiny = Ledger(command=("python3", "-m", "pkg.mod"))
    code = tiny.code("/srv/app/pkg/mod.py", "f", 1, [(9, 2)])
    tiny.add("sys_path", struct.pack("<II", tiny.string("/srv/app"), 0))
    node = tiny.node(tiny.node(tiny.thread("MainThread"), code, 4), code, 0)
    recording = Recording(tiny)
    recording.alloc(node, OBJ, 100, 3)
    recording.finish(end=0, now=5 * MS)
    tiny.sample(1 * MS, 9_000_000, 300)
    good = tiny.to_bytes(blank_pages=0)

    looped = Ledger()
    code = looped.code("a.py", "f", 1, [(9, 2)])
    looped.node(2, code, 4)
    looped.node(1, code, 4)
    looped.node(77, 99, -5)
    for node in (1, 2, 3, 50):
        looped.site(node, 9, allocated=10, allocations=1, freed=20, frees=2, epoch=1, peak=1)
    bad_extent = bytearray(good)
    bad_extent[4 * PAGE : 4 * PAGE + 4] = b"oops"
    out = {
        "tiny": good,
        "looped": looped.to_bytes(),
        "bad-extent": bytes(bad_extent),
        "bad-state": good[: 2 * PAGE] + bytes(2 * PAGE) + good[4 * PAGE :],
        "bad-header": bytes(PAGE) + good[PAGE:],
        "golden": golden().to_bytes(unknown_kind=True),
    }
    out |= {name.replace(".barrow", ""): data for name, data in family().items() if name != "app.100.barrow"}
    out = {name: pack(data) for name, data in out.items()}
    return out | {"header-only": good[:PAGE], "no-tables": good[: 4 * PAGE], "foreign": b"#!/bin/sh"}


def pack(data):
    """Each page without the zeros at its end, its length before it."""
    out = b""
    for at in range(0, len(data), PAGE):
        page = data[at : at + PAGE].rstrip(b"\0")
        out += struct.pack("<H", len(page)) + page
    return out


def big(sites, nodes, changes):
    ledger = Ledger()
    codes = [
        ledger.code(
            f"/srv/app/pkg{i % 97}/module{i % 499}.py",
            f"Class{i % 1009}.method{i}",
            10 + i % 900,
            [(3, 10 + i % 900 + k) for k in range(20)],
        )
        for i in range(8000)
    ]
    ledger.add("sys_path", struct.pack("<II", ledger.string("/srv/app"), 0))
    roots = [ledger.thread("MainThread"), ledger.thread("worker-*", 8)]
    numbers, code_of, random = list(roots), [0, 1], 12345
    while len(numbers) < nodes:
        random = random * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        # Mostly callees of recent nodes; a function calls six others, each from two places.
        parent = max(0, len(numbers) - 1 - (random >> 33) % min(len(numbers), 40_000))
        callee = (random >> 20) % 6
        code = (code_of[parent] * 31 + callee * 1237) % len(codes)
        offset = (code_of[parent] * 7 + callee * 11 + (random >> 50) % 2 * 3) % 60
        numbers.append(ledger.node(numbers[parent], codes[code], offset))
        code_of.append(code)
    for i in range(sites):
        size = 16 + i * 7919 % 5000
        ledger.site(
            numbers[len(numbers) - sites + i],
            i % 3,
            allocated=size * 10,
            allocations=10,
            freed=size * (i % 11),
            frees=i % 11,
            peak=size * 5,
            peak_blocks=5,
            epoch=i % 3,
            temporary=size,
            temporaries=1,
        )
    ledger.state.update(best=1 << 40, epoch=2, best_ns=3_000 * MS, now_ns=9_000 * MS, end=1, end_ns=9_000 * MS)
    for i in range(2000):
        ledger.sample(i * 4 * MS, 100_000_000 + i, 90_000_000 + i)
    for i in range(0, changes, 10_000):  # of sites here and there
        entries = [(1 + (i * 13 + k * 7) % sites, 16 + (i + k) % 900, 1 + k % 9) for k in range(10_000)]
        ledger.checkpoint(i * 5_000, 90_000_000, entries)
    return ledger.to_bytes(pages=16, growth=2)


def main():
    what, to = sys.argv[1], Path(sys.argv[2])
    if what == "golden":
        to.write_bytes(golden().to_bytes(unknown_kind=True))
    elif what == "bundle":
        to.write_bytes(family_bundle())
    elif what in ("family", "seeds", "bundles"):
        to.mkdir(parents=True, exist_ok=True)
        for name, data in {"family": family, "seeds": seeds, "bundles": bundles}[what]().items():
            (to / name).write_bytes(data)
    elif what == "big":
        counts = [int(n) for n in sys.argv[3:]]
        to.write_bytes(big(*counts, *(200_000, 500_000, 0)[len(counts) :]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
