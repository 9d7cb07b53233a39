# Recursion 10,000 deep: no frame is left out.
# truth: function=down line=@a domain=malloc total=100+64,2
# stack: down:@a < down:@b < ... | domain=malloc depth=10002 total=100,1
# stack: down:@a < <module>:@c | domain=malloc total=64,1
import sys

import known

sys.setrecursionlimit(20000)


def down(depth, n):
    if depth == 0:
        known.leak(n)  # @a
    else:
        down(depth - 1, n)  # @b


down(10000, 100)
down(0, 64)  # @c
