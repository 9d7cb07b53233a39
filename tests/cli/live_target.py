"""A process that keeps a ledger as a recorded one does, told by its standard input what happened.

    live_target.py LEDGER

    alloc FUNCTION BYTES   a block was allocated there
    free FUNCTION BYTES    one was freed
    rss BYTES              a sample was taken
    end                    the program ended (the process stays until its input ends)

Each line is answered by `ok` once the ledger shows it.  Functions: load, parse, and one with a name
that needs care.
"""

from __future__ import annotations

import mmap
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data"))

from make_ledger import MS, OBJ, Ledger

PLACES = {
    "load": ("/srv/app/load.py", "load", 10, 12),
    "parse": ("/srv/app/parse.py", "Parser.parse", 20, 25),
    "hostile": ("/srv/app/\u6570\u636e.py", "evil\x1b[2J\u89e3\u6790", 1, 3),
}
# Enough lines to scroll: f00 holds most.
FILLERS = [(f"f{i:02}", 4000 - 10 * i) for i in range(60)]


class State:
    def __init__(self) -> None:
        self.now, self.ended = 1000, False
        self.counters = {name: [0, 0, 0, 0] for name in PLACES}  # allocated, allocations, freed, frees
        self.samples: list[tuple[int, int]] = [(0, 10 << 20)]

    def ledger(self) -> Ledger:
        ledger = Ledger(pid=os.getpid(), command=("/usr/bin/python3", "app.py", "--live"))
        root = ledger.thread("MainThread")
        live = total = 0
        for name, counters in self.counters.items():
            file, function, first, line = PLACES[name]
            node = ledger.node(root, ledger.code(file, function, first, [(1, first), (20, line)]), 5)
            ledger.site(node, OBJ, *counters)
            live += counters[0] - counters[2]
            total += counters[0]
        for name, size in FILLERS:
            node = ledger.node(root, ledger.code("/srv/app/fill.py", name, 1, [(20, 1)]), 5)
            ledger.site(node, OBJ, size, 1)
            live += size
        for time, rss in self.samples:
            ledger.sample(time * MS, rss, live)
        ledger.state.update(live=live, best=0, best_ns=0, now_ns=self.now * MS, end=int(self.ended),
                            end_ns=self.now * MS if self.ended else 0,
                            max_rss=max(rss for _, rss in self.samples))
        return ledger

    def do(self, verb: str, *words: str) -> None:
        self.now += 10
        if verb == "end":
            self.ended = True
        elif verb == "rss":
            self.samples.append((self.now, int(words[0])))
        else:
            at = 0 if verb == "alloc" else 2
            self.counters[words[0]][at] += int(words[1])
            self.counters[words[0]][at + 1] += 1


def main() -> None:
    state = State()
    data = state.ledger().to_bytes(pages=8)
    with open(sys.argv[1], "x+b") as file:
        file.write(data)
        file.flush()
        memory = mmap.mmap(file.fileno(), len(data))
    print("ok", flush=True)
    for line in sys.stdin:
        state.do(*line.split())
        data = state.ledger().to_bytes(pages=8)
        assert len(data) == len(memory)
        memory[:] = data
        print("ok", flush=True)


if __name__ == "__main__":
    main()
