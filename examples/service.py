"""A service that forgets to forget: its sessions grow, and a census of its classes says so.

    BARROW_CONFIG=examples/service.yaml python examples/service.py
    barrow census shop.barrow

Nothing here knows of barrow.  Every ten seconds the log has a record with the classes that have most
objects and most memory; `barrow census` shows which of them grow.  It ends by itself after a minute,
or after as many seconds as its argument says.
"""

import logging
import sys
import time


class Basket:
    def __init__(self) -> None:
        self.items: list[str] = []


class Session:
    def __init__(self, user: int) -> None:
        self.user = user
        self.basket = Basket()


def serve(seconds: float) -> None:
    sessions: dict[int, Session] = {}
    end = time.monotonic() + seconds
    user = 0
    while time.monotonic() < end:
        user += 1
        sessions[user] = Session(user)  # and nobody ever takes one out
        time.sleep(0.01)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    serve(float(sys.argv[1]) if len(sys.argv) > 1 else 60)
