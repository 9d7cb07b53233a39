# Recursion 10,000 deep: no frame is left out.
# truth: function=down line=@a domain=malloc total=100+64,2
# stack: down:@a < down:@b < ... | domain=malloc depth=10002 total=100,1
# stack: down:@a < <module>:@c | domain=malloc total=64,1
import sys

import known

sys.setrecursionlimit(20000)


def down(steps, n):
    if next(steps):
        down(steps, n)  # @b
    else:
        known.leak(n)  # @a


# No number is made on the way: each would be a stack of its own.
down(iter([True] * 10000 + [False]), 100)
down(iter([False]), 64)  # @c
