# Stacks to be checked: greenlets that switch at any depth.
# needs: greenlet
# Argument: rounds.
import sys

import greenlet


def nested(depth):
    kept = [depth, [depth]]
    if depth:
        return [nested(depth - 1), kept]
    main.switch([kept])
    return [[], kept]


def run():
    turn = 0
    while True:
        turn += 1
        nested(turn % 9)


main = greenlet.getcurrent()
for _ in range(int(sys.argv[1])):
    some = [greenlet.greenlet(run) for _ in range(5)]
    for turn in range(40):
        kept = [some[turn % 5].switch(), [turn]]
    del some
