"""What the programs of the zoo do beside their leak: the ordinary work of a small service.

Nothing here grows.  Tables are loaded once, caches and queues have bounds, and what a request needs
is gone when it is done.  requests() spreads the work over a second, as a leak is something that
goes on: data that is loaded at start and kept is none.
"""

from __future__ import annotations

import collections
import functools
import json
import time
from collections.abc import Iterator

SECONDS = 1.0
WORDS = ("ash", "barrow", "cairn", "dune", "esker", "fell", "glen", "heath", "isle", "knoll")
WORDS += ("loch", "moor", "ness", "ridge", "strath", "tarn")


class Request:
    __slots__ = ("body", "number", "url", "user")

    def __init__(self, number: int) -> None:
        self.number = number
        self.user = f"user{number % 37}"
        self.url = f"/item/{number}"
        self.body = f"{number:08d} {WORDS[number % 16]} " * 8


def load_tables() -> dict[str, list[float]]:
    """About 300 KiB that stay as they are."""
    return {f"{word}-{n}": [n * 1.5 + k for k in range(10)] for word in WORDS for n in range(40)}


TABLES = load_tables()
RECENT: collections.deque[str] = collections.deque(maxlen=200)
TOTALS: dict[str, int] = {}


@functools.lru_cache(maxsize=128)
def lookup(word: str) -> float:
    return sum(sum(row) for name, row in TABLES.items() if name.startswith(word))


def serve(request: Request) -> str:
    """The answer to a request; keeps nothing of it but a bounded history."""
    fields = {"user": request.user, "words": request.body.split(), "url": request.url}
    answer = json.loads(json.dumps(fields))
    answer["total"] = lookup(WORDS[request.number % 16])
    TOTALS[request.user] = TOTALS.get(request.user, 0) + 1
    RECENT.append(request.url)
    return json.dumps(answer, sort_keys=True)


def requests(count: int, seconds: float = SECONDS) -> Iterator[Request]:
    """`count` requests, evenly over `seconds`; later ones come at once if the program is slow."""
    start = time.monotonic()
    for number in range(count):
        ahead = start + seconds * number / count - time.monotonic()
        if ahead > 0.005:
            time.sleep(ahead)
        request = Request(number)
        serve(request)
        yield request
