# Generators that pass items on, and keep a running total only.
import collections
import heapq

import ordinary


def words(requests):
    for request in requests:
        yield from request.body.split()


def pairs(items):
    before = None
    for item in items:
        yield before, item
        before = item


def main():
    counts = collections.Counter()
    for before, item in pairs(words(ordinary.requests(2500))):
        counts[before is not None and item.isdigit()] += 1
    return heapq.nlargest(3, counts.items())


BEST = main()
