"""Why does the cache cost so much, and who else holds what is in it?

    python examples/objects.py
"""

import barrow


class Order:
    def __init__(self, number: int) -> None:
        self.number = number
        self.lines = [f"line {i} of order {number}" for i in range(3)]


CACHE: dict[int, Order] = {}
AUDIT: list[Order] = []


def handle(number: int) -> None:
    CACHE[number] = Order(number)
    if number % 100 == 0:
        AUDIT.append(CACHE[number])


def main() -> None:
    barrow.growth()
    with barrow.Tracker(Order) as tracker:
        for number in range(5000):
            handle(number)
    print(barrow.growth(limit=4), end="\n\n")
    print(barrow.size(CACHE), end="\n\n")
    print(barrow.why(CACHE[100]), end="\n\n")
    print(tracker)


if __name__ == "__main__":
    main()
