# Of the two iterators that tee gives one is never advanced, so all that the other saw is kept.
# HOLDER: @holder
# BIRTH: @birth
import itertools

import ordinary


def bodies():
    for request in ordinary.requests(2000):
        yield request.body * 5  # @birth


def main():
    ahead, behind = itertools.tee(bodies())  # @holder
    size = 0
    for text in ahead:
        size += len(text)
    return size, behind


SIZE, BEHIND = main()
