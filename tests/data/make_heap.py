#!/usr/bin/env python3
"""Writes a ledger with heap snapshots from a text, without the recorder and without barrow's own writer.

    make_heap.py TEXT FILE

It is a second reading of docs/internals/heap.md that shares no code with src/ledger/heap_*.c: what the two disagree
on is a defect of one of them.  The text is that of tests/c/heap_maker.h.
"""

import shlex
import struct
import sys
import zlib
from pathlib import Path

from make_ledger import Ledger

NAMES = [
    "ref",
    "attribute",
    "index",
    "key",
    "value",
    "element",
    "variable",
    "class",
    "weak",
    "internal",
    "stack",
    "counted",
]
TEXT_NAMES = {"attribute", "variable", "internal"}
ROOTS = [
    "all",
    "modules",
    "module",
    "threads",
    "thread",
    "frame",
    "interpreter",
    "builtins",
    "static_types",
    "interned",
    "immortal",
    "garbage",
    "callbacks",
    "c_code",
]
FLAGS = [
    "gc",
    "heap",
    "container",
    "type",
    "module",
    "function",
    "code",
    "text",
    "number",
    "frame",
    "dict",
    "exception",
]
SNAPSHOT_FLAGS = ["peak", "exit", "values", "forked"]
PART_ITEMS = 3  # so that even a small snapshot has several parts a column
NONE = 0xFFFFFFFF


# ---- the text ----


class Snapshot:
    def __init__(self):
        self.strings = [""]
        self.types, self.roots, self.objects = [[0] * 6], [[0] * 6], [None]
        self.numbers = {"type": {}, "root": {"all": 0}, "object": {}}
        self.edges, self.root_edges, self.texts, self.places, self.unowned = [], [], [], [], []
        self.classes, self.later = {}, []
        self.time = self.pause = self.live = self.flags = self.label = 0

    def string(self, text):
        if text not in self.strings:
            self.strings.append(text)
        return self.strings.index(text)

    def name(self, words):
        if not words:
            return 0
        kind = NAMES.index(words[0])
        word = words[1] if len(words) > 1 else ""
        value = self.string(word) if words[0] in TEXT_NAMES else int(word or "0", 0)
        return kind << 28 | value

    def line(self, words):
        values = dict(word.split("=", 1) for word in words[1:] if "=" in word)
        number = {key: int(value, 0) for key, value in values.items() if value[:1].isdigit() and "." not in value}
        what = words[0]
        if what == "snapshot":
            self.time, self.pause = (int(float(values.get(key, 0)) * 1e9) for key in ("time", "pause"))
            self.live = number.get("live", 0)
            self.label = self.string(values.get("label", ""))
            self.flags = sum(1 << SNAPSHOT_FLAGS.index(flag) for flag in values.get("flags", "").split(",") if flag)
        elif what == "type":
            flags = sum(1 << FLAGS.index(flag) for flag in values.get("flags", "").split(",") if flag)
            base = self.numbers["type"][values["base"]] if "base" in values else 0
            self.numbers["type"][words[1]] = len(self.types)
            name = self.string(values.get("class", words[1]))
            self.types.append([name, self.string(values.get("module", "")), 0, flags, base, 0])
            if "object" in values:
                self.classes[len(self.types) - 1] = values["object"]
        elif what == "object":
            self.numbers["object"][words[1]] = index = len(self.objects)
            self.objects.append(
                dict(
                    type=self.numbers["type"][words[2]],
                    bytes=int(words[3], 0),
                    address=number.get("address", 0x7F0000000000 + index * 64),
                    birth=number.get("birth", 0),
                    hash=number.get("hash", 0),
                    length=number.get("length", 0),
                )
            )
            if "text" in values:
                self.texts.append([index, self.string(values["text"])])
            if "file" in values:
                self.places.append([index, self.string(values["file"]), number.get("line", 0)])
        elif what == "root":
            parent = self.numbers["root"][values.get("parent", "all")]
            self.numbers["root"][words[1]] = len(self.roots)
            name = self.string(values.get("name", words[1]))
            self.roots.append(
                [ROOTS.index(words[2]), parent, name, self.string(values.get("file", "")), number.get("line", 0), 0]
            )
        elif what == "unowned":
            site, blocks, size = (int(word, 0) for word in words[1:4])
            self.unowned.append([site, blocks, size & NONE, size >> 32])
        else:
            self.later.append(words)

    def end(self):
        for words in self.later:
            whose = "root" if words[0] == "rootedge" else "object"
            edge = [self.numbers[whose][words[1]], self.numbers["object"][words[2]], self.name(words[3:])]
            (self.root_edges if whose == "root" else self.edges).append(edge)
        self.edges.sort(key=lambda edge: edge[0])
        self.root_edges.sort(key=lambda edge: edge[0])
        for index, name in self.classes.items():
            self.types[index][2] = self.numbers["object"][name]
        return self


def read_text(text):
    snapshots, current = [], Snapshot()
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] == "snapshot" and len(current.objects) > 1:
            snapshots.append(current.end())
            current = Snapshot()
        current.line(words)
    return [*snapshots, current.end()]


# ---- numbers ----


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def zigzag(n):
    return n * 2 if n >= 0 else -n * 2 - 1


def fold(n):
    return n // 16 * 2 if n % 16 == 0 else n * 2 + 1


def context(a, b, c):
    return ((a * 0x9E3779B1 ^ b * 0x85EBCA6B ^ c * 0xC2B2AE35) & NONE) >> 18


# ---- columns: each gives the bytes of the items first .. end - 1 ----


def unless_same(last, key, n):
    known = last.get(key % 4096, 0)
    last[key % 4096] = n
    return b"\0" if n == known else varint(n + 1)


def of_type(snapshot, numbers):
    def encode(first, end):
        last = {}
        return b"".join(unless_same(last, snapshot.objects[i + 1]["type"], numbers[i]) for i in range(first, end))

    return encode


def types(snapshot):
    def encode(first, end):
        last, before, out = {}, 0, b""
        for i in range(first, end):
            kind = snapshot.objects[i + 1]["type"]
            out += unless_same(last, before, kind)
            before = kind
        return out

    return encode


def addresses(snapshot):
    def encode(first, end):
        last, out = {}, b""
        for thing in snapshot.objects[first + 1 : end + 1]:
            step = thing["address"] - last.get(thing["type"], 0)
            last[thing["type"]] = thing["address"]
            out += varint(zigzag(step // 16) * 2 if step % 16 == 0 else zigzag(step) * 2 + 1)
        return out

    return encode


def hashes(snapshot):
    def encode(first, end):
        has, told, exceptions, out = {}, first, b"", b""
        for i in range(first, end):
            thing = snapshot.objects[i + 1]
            if has.get(thing["type"], False) != bool(thing["hash"]):
                exceptions += varint(i - told + 1)
                told, has[thing["type"]] = i, bool(thing["hash"])
            if thing["hash"]:
                out += struct.pack("<I", thing["hash"])
        return exceptions + b"\0" + out

    return encode


def edge_places(snapshot):
    """Of each edge: its object, and which of how many it is."""
    counts = edge_counts(snapshot)
    return [(i + 1, position, count) for i, count in enumerate(counts) for position in range(count)]


def edge_counts(snapshot):
    return [sum(edge[0] == i for edge in snapshot.edges) for i in range(1, len(snapshot.objects))]


def targets(snapshot):
    places = edge_places(snapshot)

    def encode(first, end):
        furthest, guesses = snapshot.edges[first][1] - 1, {}
        out, previous, owner = varint(furthest), 0, None
        for i in range(first, end):
            source, position, count = places[i]
            target = snapshot.edges[i][1]
            kind = snapshot.objects[source]["type"]
            if source != owner:
                owner = previous = source
            place = context(kind, count, position if position < 64 else 64 + position % 2)
            near = [(zigzag(target - guesses.get(place, 0)), 0)]
            near += [(zigzag(target - source), 1), (zigzag(target - previous), 2)]
            if target == furthest + 1:
                out += varint(0 << 2 | 3)
            elif target == snapshot.types[kind][2]:
                out += varint(1 << 2 | 3)
            else:
                distance, base = min(near)
                out += varint(distance << 2 | base)
            furthest = max(furthest, target)
            guesses[place] = previous = target
        return out

    return encode


def names(snapshot):
    places = edge_places(snapshot)

    def encode(first, end):
        guesses, out, previous, owner = {}, b"", NONE, None
        for i in range(first, end):
            source = places[i][0]
            name = snapshot.edges[i][2]
            if source != owner:
                owner, previous = source, NONE
            place = context(snapshot.objects[source]["type"], previous, 1)
            guess = previous + 1 if previous >> 28 in (0, 2) else guesses.get(place)
            out += b"\0" if name == guess else varint(((name & 0x0FFFFFFF) << 4 | name >> 28) + 1)
            guesses[place] = previous = name
        return out

    return encode


def table(rows):
    def encode(first, end):
        before, out = [0] * 8, b""
        for row in rows[first:end]:
            out += b"".join(varint(zigzag(n - b)) for n, b in zip(row, before, strict=False))
            before = row
        return out

    return encode


def strings(snapshot):
    def encode(first, end):
        data = [text.encode() for text in snapshot.strings[first:end]]
        return b"".join(varint(len(text)) + text for text in data)

    return encode


# ---- streams ----


def part(kind, first, count, raw):
    fields = [0x54524150, 0, kind, 0, 0, count, first, len(raw), len(raw)]
    fields[1] = zlib.crc32(struct.pack("<IIBBHIQII", *fields) + raw)
    return struct.pack("<IIBBHIQII", *fields) + raw + bytes(-len(raw) % 8)


def column(kind, count, encode):
    starts = range(0, count, PART_ITEMS)
    return b"".join(
        part(kind, first, min(PART_ITEMS, count - first), encode(first, min(first + PART_ITEMS, count)))
        for first in starts
    )


def stream(snapshot, number):
    things = snapshot.objects[1:]
    large = [[i, 0, t["bytes"] & NONE, t["bytes"] >> 32] for i, t in enumerate(things, 1) if t["bytes"] >= NONE]
    optional = {15: "birth", 16: "length", 17: "hash"}
    there = [kind for kind, key in optional.items() if any(thing[key] for thing in things)]
    tables = {
        1: snapshot.types,
        6: snapshot.roots,
        7: snapshot.root_edges,
        9: snapshot.texts,
        10: large,
        11: snapshot.unowned,
        12: snapshot.places,
    }
    columns = {kind: (len(rows), table(rows)) for kind, rows in tables.items()}
    columns[2] = len(things), types(snapshot)
    columns[3] = len(things), of_type(snapshot, edge_counts(snapshot))
    columns[4] = len(snapshot.edges), targets(snapshot)
    columns[5] = len(snapshot.edges), names(snapshot)
    columns[8] = len(snapshot.strings), strings(snapshot)
    columns[13] = len(things), of_type(snapshot, [fold(min(thing["bytes"], NONE)) for thing in things])
    columns[14] = len(things), addresses(snapshot)
    for kind in set(there) - {17}:
        columns[kind] = len(things), of_type(snapshot, [thing[optional[kind]] for thing in things])
    if 17 in there:
        columns[17] = len(things), hashes(snapshot)
    parts = b"".join(column(kind, *columns[kind]) for kind in sorted(columns)) + part(18, 0, 0, b"")
    counts = [len(things), len(snapshot.types), len(snapshot.roots), len(snapshot.texts), len(large)]
    counts += [len(snapshot.unowned), len(snapshot.places), len(snapshot.strings)]
    middle = struct.pack("<5I", 1, number, snapshot.flags, snapshot.label, 0x603C | sum(1 << kind for kind in there))
    middle += struct.pack("<8II", *counts, 0)
    middle += struct.pack("<3Q", snapshot.time, snapshot.pause, snapshot.live)
    middle += struct.pack("<2Q", len(snapshot.edges), len(snapshot.root_edges))
    middle += struct.pack("<Q", sum(len(text.encode()) for text in snapshot.strings))
    middle += struct.pack("<Q", sum(thing["bytes"] for thing in things))
    head = struct.pack("<II", 0x50414548, zlib.crc32(middle)) + middle
    return head + struct.pack("<QII", len(head) + 16 + len(parts), 0, 0) + parts


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    ledger = Ledger()
    for number, snapshot in enumerate(read_text(Path(sys.argv[1]).read_text()), 1):
        ledger.tables["heap"] += stream(snapshot, number)
    Path(sys.argv[2]).write_bytes(ledger.to_bytes())


if __name__ == "__main__":
    main()
