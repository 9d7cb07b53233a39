#!/usr/bin/env python3
"""Writes images of processes that never were, with an interpreter and a few objects in them.

    make_process.py DIRECTORY    process-3.11.image (an exported symbol leads to the interpreter) and
                                 process-3.13.image (its table of offsets does), which
                                 tests/c/test_attach.c knows; seeds for tests/fuzz/process.c too

An image is a list of regions: u64 start, u32 bytes, u32 flags (1: of a file, 2: writable, 4: the beginning of
a program), then the bytes.  Layouts are written out here by hand, so they are a second reading of CPython's.
"""

import struct
import sys
from pathlib import Path

OF_FILE, WRITABLE, PROGRAM = 1, 2, 4
READY, GC, HEAP, MANAGED_DICT, INLINE_VALUES = 1 << 12, 1 << 14, 1 << 9, 1 << 4, 1 << 2
INT, LIST, TUPLE, BYTES, TEXT, DICT, TYPE = (1 << bit for bit in (24, 25, 26, 27, 28, 29, 31))


class Image:
    """Regions that are filled by address."""

    def __init__(self, minor: int) -> None:
        self.minor = minor
        self.regions: list[tuple[int, bytearray, int]] = []
        self.tracked: list[int] = []

    def region(self, start: int, size: int, flags: int) -> None:
        self.regions.append((start, bytearray(size), flags))
        self.next = start

    def put(self, address: int, form: str, *values: int | bytes) -> None:
        data = struct.pack("<" + form, *values)
        for start, content, _ in self.regions:
            if start <= address < start + len(content):
                content[address - start : address - start + len(data)] = data
                return
        raise ValueError(hex(address))

    def take(self, size: int, align: int = 16) -> int:
        address = (self.next + align - 1) // align * align
        self.next = address + size
        return address

    def bytes(self) -> bytes:
        parts = []
        for start, content, flags in sorted(self.regions):
            parts.append(struct.pack("<QII", start, len(content), flags) + bytes(content))
        return b"".join(parts)

    # ---- objects; a collected one has the links of its list before it ----

    def name(self, text: str) -> int:
        address = self.take(len(text) + 1, 8)
        self.put(address, f"{len(text) + 1}s", text.encode())
        return address

    def object(self, size: int, kind: int, tracked: bool = False, before: int = 0) -> int:
        address = self.take(before + 16 * tracked + size) + before + 16 * tracked
        self.put(address, "QQ", 1, kind)
        if tracked:
            self.tracked.append(address - 16)
        return address

    def type(self, meta: int, name: str, flags: int, basic: int, item: int = 0, base: int = 0) -> int:
        address = self.take(0x380)
        self.put(address, "QQ", 1, meta or address)
        self.put(address + 24, "QQQ", self.name(name), basic, item)
        self.put(address + 168, "Q", flags | READY)
        self.put(address + 256, "Q", base)
        return address

    def text(self, kind: int, text: str) -> int:
        header = 48 if self.minor == 11 else 40
        address = self.object(header + len(text) + 1, kind)
        self.put(address + 16, "QqI", len(text), -1, 1 << 2 | 1 << 5 | 1 << 6)
        self.put(address + header, f"{len(text)}s", text.encode())
        return address

    def dict(self, kind: int, pairs: list[tuple[int, int]], tracked: bool = False) -> int:
        keys = self.take(32 + 8 + 16 * 5)
        self.put(keys, "QBBBBIQQ", 1, 3, 3, 1, 0, 0, 5 - len(pairs), len(pairs))
        for i, pair in enumerate(pairs):
            self.put(keys + 40 + 16 * i, "QQ", *pair)
        address = self.object(48, kind, tracked)
        self.put(address + 16, "QQQQ", len(pairs), 0, keys, 0)
        return address

    def link(self, head: int) -> None:
        ring = [head, *self.tracked]
        for i, at in enumerate(ring):
            self.put(at, "QQ", ring[(i + 1) % len(ring)], ring[i - 1])


def add_objects(image: Image, gc: int) -> None:
    """Types in the program's data, then a heap: what test_attach.c counts."""
    image.next = 0x102000
    meta = image.type(0, "type", TYPE | GC, 880, 40)
    integer = image.type(meta, "int", INT, 24, 4)
    text = image.type(meta, "str", TEXT, 64)
    array = image.type(meta, "list", LIST | GC, 40)
    row = image.type(meta, "tuple", TUPLE | GC, 24, 8)
    mapping = image.type(meta, "dict", DICT | GC, 48)

    image.next = 0x200000
    thing = image.object(0x380 + 80, meta, tracked=True)
    image.put(thing + 24, "QQQ", image.name("Thing"), 32, 0)
    image.put(thing + 168, "Q", HEAP | GC | READY)
    image.put(thing + 256, "Q", 0)
    image.put(thing + (864 if image.minor == 11 else 872), "Q", image.text(text, "Outer.Thing"))
    image.put(thing + 264, "Q", image.dict(mapping, [(image.text(text, "__module__"), image.text(text, "app.things"))]))

    numbers = []
    for i in range(7):
        address = image.object(28, integer)
        if image.minor >= 12:
            image.put(address + 16, "QI", 1 << 3, i)
        else:
            image.put(address + 16, "QI", 1, i)
        numbers.append(address)
    for i in range(3):  # instances whose slots hold a number and a tuple of two
        pair = image.object(24 + 16, row)
        image.put(pair + 16, "QQQ", 2, numbers[2 * i], numbers[2 * i + 1])
        instance = image.object(32, thing, tracked=True)
        image.put(instance + 16, "QQ", numbers[i], pair)
    items = image.take(64)
    image.put(items, "QQ", numbers[6], image.dict(mapping, [(image.text(text, "key"), numbers[0])]))
    sequence = image.object(40, array, tracked=True)
    image.put(sequence + 16, "QQQ", 2, items, 8)

    generations, permanent = gc + 24, gc + 104
    for head in (generations, generations + 24, permanent):
        image.put(head, "QQ", head, head)
    image.link(generations + 48)


def make_313() -> Image:
    image = Image(13)
    image.region(0x100000, 0x4000, OF_FILE | WRITABLE)
    runtime, interpreter, gc = 0x100000, 0x101000, 0x101080
    image.put(runtime, "8sQQ", b"xdebugpy", 0x030D00F0, 0)
    for where, value in {40: 0x800, 64: 0, 72: 8, 80: 0x80, 112: 16, 168: 8, 200: 16, 576: 200}.items():
        image.put(runtime + where, "Q", value)
    image.put(runtime + 0x800, "Q", interpreter)
    image.region(0x200000, 0x2000, WRITABLE)
    add_objects(image, gc)
    return image


def make_311() -> Image:
    """An executable with three symbols in one bucket of its hash table."""
    image = Image(11)
    image.region(0x100000, 0x4000, OF_FILE | WRITABLE | PROGRAM)
    base, runtime, interpreter, version = 0x100000, 0x101000, 0x101400, 0x1013F0
    image.put(base, "4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    image.put(base + 64, "IIQQQQQQ", 1, 6, 0, 0, 0, 0x4000, 0x4000, 0x1000)
    image.put(base + 120, "IIQQQQQQ", 2, 6, 0x200, 0x200, 0x200, 0x40, 0x40, 8)
    image.put(base + 0x200, "QQQQQQQQ", 6, 0x300, 5, 0x400, 0x6FFFFEF5, 0x500, 0, 0)
    names = b"\0_PyRuntime\0Py_Version\0unused\0"
    image.put(base + 0x400, f"{len(names)}s", names)
    symbols = [("unused", 0), ("_PyRuntime", runtime - base), ("Py_Version", version - base)]
    image.put(base + 0x500, "IIIIQI", 1, 1, 1, 0, 0xFFFFFFFFFFFFFFFF, 1)
    for i, (name, value) in enumerate(symbols):
        digest = 5381
        for byte in name.encode():
            digest = (digest * 33 + byte) & 0xFFFFFFFF
        place = names.index(b"\0" + name.encode() + b"\0") + 1
        image.put(base + 0x300 + 24 * (i + 1), "IBBHQQ", place, 0x11, 0, 5 if value else 0, value, 8)
        image.put(base + 0x500 + 28 + 4 * i, "I", digest & ~1 | (i == len(symbols) - 1))
    image.put(version, "Q", 0x030B02F0)
    image.put(runtime + 40, "Q", interpreter)
    image.region(0x200000, 0x2000, WRITABLE)
    add_objects(image, interpreter + 648)
    return image


def main() -> None:
    folder = Path(sys.argv[1])
    for name, image in {"process-3.11.image": make_311(), "process-3.13.image": make_313()}.items():
        (folder / name).write_bytes(image.bytes())


if __name__ == "__main__":
    main()
