# Recursion of two functions, of changing depth, and through a C function.
# stack: ping:@ping < pong:@pong < ping:@ping2 < pong:@pong < ping:@ping2 < <module>:@a
#     | domain=malloc total=10*3,10
# stack: ping:@ping < pong:@pong < ping:@ping2 < <module>:@a | domain=malloc total=10*3,10
# stack: ping:@ping < <module>:@a | domain=malloc total=10*3,10
# stack: mapped:@mapped < mapped:@map < mapped:@map < mapped:@map < <module>:@b
#     | domain=malloc total=8*5,8
import known


def ping(n):
    if n == 0:
        known.leak(3)  # @ping
    else:
        pong(n - 1)  # @ping2


def pong(n):
    ping(n)  # @pong


def mapped(depth):
    if depth == 0:
        known.leak(5)  # @mapped
    else:
        list(map(mapped, (depth - 1, depth - 1)))  # @map


for _ in range(10):
    for depth in (2, 0, 1):
        ping(depth)  # @a
mapped(3)  # @b
