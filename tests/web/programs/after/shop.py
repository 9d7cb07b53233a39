"""before/shop.py as it became later: lines moved, one function went, one came, one holds more."""

import gc
import mmap
import threading
import time

import barrow

KEPT = []
WANTED = 90


def keep_pages(count):
    for _ in range(count):
        KEPT.append(bytes(100_000))  # never freed


def read_rows(count):
    return [bytes(50_000) for _ in range(count)]  # freed after the peak


def clean(count):
    for number in range(count):
        text = f"order {number}"
        text.upper()  # freed at once


def größe_順序(count):
    return [bytearray(30_000) for _ in range(count)]


def descend(depth):
    """Goes down."""
    if depth == 0:
        return bytes(700_000)
    return descend(depth - 1)


def map_pages():
    return mmap.mmap(-1, 2 << 20)


def work(results):
    results.append(bytes(900_000))


def make_cycles(count):
    for _ in range(count):
        cycle = []
        cycle.append(cycle)
    gc.collect()


def new_habit():
    return bytes(800_000)


def main():
    keep_pages(10)
    barrow.mark("loaded")
    time.sleep(0.4)
    rows = read_rows(WANTED)
    sizes = größe_順序(40)
    deep = descend(30)
    habit = new_habit()
    pages = map_pages()
    results = []
    thread = threading.Thread(target=work, args=(results,), name="worker-1")
    thread.start()
    thread.join()
    barrow.mark("read")
    time.sleep(0.4)
    clean(3000)
    make_cycles(200)
    keep_pages(15)
    time.sleep(0.4)
    pages.close()
    del rows, sizes, deep, habit
    time.sleep(0.3)


main()
