"""Writes ledgers from Python, byte by byte after src/ledger/format.h, for tests of readers.

    ledger = LedgerFile()
    node = ledger.stack(outer.__code__, inner.__code__)     # root first; first instruction of each
    ledger.site(node, "malloc", allocated=(3000, 3), freed=(1000, 1), at_peak=(3000, 3))
    ledger.write("x.barrow")

Shares no code with barrow: it is also a check of the format's description.
"""

from __future__ import annotations

import struct
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType

PAGE = 4096
KINDS = {
    "STRINGS": (1, 1),
    "CODES": (2, 40),
    "NODES": (3, 32),
    "SITES": (4, 64),
    "SITE_INFO": (5, 8),
    "SAMPLES": (6, 64),
    "GC_EVENTS": (7, 32),
    "THREAD_GROUPS": (10, 16),
}
DOMAINS = {"obj": 0, "mem": 1, "malloc": 2, "mmap": 3}


@dataclass
class LedgerFile:
    command: list[str] = field(default_factory=lambda: ["app.py"])
    pid: int = 4242
    run_id: bytes = b"0123456789abcdef"
    end: int = 1
    end_ns: int = 2_000_000_000
    best_ns: int = 1_500_000_000
    threads: int = 1

    def __post_init__(self) -> None:
        self.tables: dict[str, bytearray] = {
            name: bytearray(size) for name, (_, size) in KINDS.items()
        }
        for name in ("STRINGS", "SAMPLES", "GC_EVENTS", "THREAD_GROUPS"):
            self.tables[name].clear()
        self.tables["STRINGS"] += struct.pack("<I", 0)
        self.strings: dict[bytes, int] = {b"": 0}
        self.codes: dict[CodeType, int] = {}
        self.nodes: dict[tuple[int, int, int], int] = {}
        self.live = self.peak = 0
        self.totals = [0, 0]

    # ---- what was recorded ----

    def string(self, text: bytes) -> int:
        if text not in self.strings:
            self.strings[text] = len(self.tables["STRINGS"])
            self.tables["STRINGS"] += struct.pack("<I", len(text)) + text
        return self.strings[text]

    def code(self, code: CodeType) -> int:
        if code not in self.codes:
            names = (code.co_filename, code.co_qualname)
            offsets = [self.string(name.encode("utf-8", "surrogatepass")) for name in names]
            content = hash(code) & 0xFFFFFFFFFFFFFFFF
            self.codes[code] = self._append(
                "CODES",
                struct.pack(
                    "<4IQ2Q",
                    *offsets,
                    self.string(code.co_linetable),
                    code.co_firstlineno,
                    content,
                    0,
                    0,
                ),
            )
        return self.codes[code]

    def thread(self, name: str) -> int:
        node = self._node(0, 0, -1, key=("thread", name))
        self.tables["THREAD_GROUPS"] += struct.pack("<2IQ", self.string(name.encode()), node, 1)
        return node

    def stack(self, *frames: tuple[CodeType, int], thread: int | None = None) -> int:
        """The node of a stack, root first; a frame is a code object and a line of it."""
        if thread is None:
            thread = self.nodes.get(("thread", "MainThread")) or self.thread("MainThread")
        node = thread
        for code, line in frames:
            offset = next(i for i, p in enumerate(code.co_positions()) if p[0] == line)
            node = self._node(node, self.code(code), offset)
        return node

    def site(self, node, domain, allocated, freed=(0, 0), at_peak=(0, 0), temporary=(0, 0)) -> None:
        """Each pair is bytes and blocks."""
        self._append(
            "SITES", struct.pack("<7Q2I", *allocated, *freed, at_peak[0], *temporary, at_peak[1], 1)
        )
        self._append("SITE_INFO", struct.pack("<2I", node, DOMAINS[domain]))
        self.live += allocated[0] - freed[0]
        self.peak += at_peak[0]

    def sample(self, time_ns, rss, heap, threads=1) -> None:
        self.tables["SAMPLES"] += struct.pack("<7Q2I", time_ns, rss, 0, heap, 11, 2, 0, threads, 0)

    def gc_event(self, time_ns, pause_ns, generation, collected) -> None:
        self.tables["GC_EVENTS"] += struct.pack(
            "<2Q4I", time_ns, pause_ns, generation, collected, 0, 0
        )

    # ---- bytes ----

    def _append(self, table: str, record: bytes) -> int:
        index = len(self.tables[table]) // KINDS[table][1]
        self.tables[table] += record
        return index

    def _node(self, parent: int, code: int, offset: int, key=None) -> int:
        key = key or (parent, code, offset)
        if key not in self.nodes:
            self.nodes[key] = self._append(
                "NODES", struct.pack("<Q2Ii3I", 0, parent, code, offset, 0, 0, 0)
            )
        return self.nodes[key]

    def _header(self) -> bytes:
        command = b"\0".join(word.encode() for word in self.command) + b"\0"
        fields = (
            b"\211BARROW\n", 1, 0x01020304, 0, PAGE, self.run_id, self.pid, 1,
            1_700_000_000_000_000_000, 1000, sys.hexversion, 0, 0, 1, 0, 0, 0, 64 << 20, b"",
            b"0.1.0", sys.version.split()[0].encode(), sys.executable.encode(), b"/tmp",
            len(command), command, b"",
        )  # fmt: skip
        header = bytearray(struct.pack("<8s4I16s2I2QI4B2IQ32s16s96s512s512sI2048s788s", *fields))
        assert len(header) == PAGE
        struct.pack_into("<I", header, 16, zlib.crc32(header))
        return bytes(header)

    def _state(self) -> bytes:
        used = [0] * 32
        for name, (number, size) in KINDS.items():
            used[number] = len(self.tables[name]) // size
        state = struct.pack(
            "<2q2I5Q", self.live, self.peak, 1, 0, self.best_ns, self.end_ns, 7, 0, 0
        ) + struct.pack("<q7Q", 0, *[0] * 7)
        state = state.ljust(64 * 2, b"\0")
        state += struct.pack(
            "<2I9Q6Q", self.end, 0, self.end_ns, self.threads, 50 << 20, 0, 100_000_000, 10**9,
            0, 0, 0, *[0] * 6,
        )  # fmt: skip
        state += struct.pack("<32Q", *used) + struct.pack("<32Q", *[0] * 32)
        return state.ljust(2 * PAGE, b"\0")

    def _extent(self, name: str, offset: int) -> bytes:
        number, size = KINDS[name]
        payload = bytes(self.tables[name])
        payload = payload.ljust(-(-len(payload) // PAGE) * PAGE, b"\0")
        head = struct.pack(
            "<2I2HI4Q2IQ", 0x4E545845, 0, number, 1, size, offset, len(payload), 0,
            len(payload) // size, 0, 0, 0,
        )  # fmt: skip
        head = head[:4] + struct.pack("<I", zlib.crc32(head)) + head[8:]
        return head.ljust(PAGE, b"\0") + payload

    def to_bytes(self) -> bytes:
        # State and sites are of one epoch: what was live at the peak is the sites' at_peak.
        data = bytearray(self._header() * 2 + self._state())
        for name in KINDS:
            if self.tables[name]:
                data += self._extent(name, len(data))
        return bytes(data)

    def write(self, path: str | Path) -> Path:
        Path(path).write_bytes(self.to_bytes())
        return Path(path)
