# C functions that call back into Python: sorted, min, map, re.sub, functools.reduce.
# stack: key:@key < <module>:@a | domain=malloc total=100*11,100
# stack: replace:@replace < sub:* < <module>:@c | domain=malloc total=6*13,6
# stack: add:@add < <module>:@d | domain=malloc total=9*14,9
# stack: Item.__hash__:@hash < <module>:@e | domain=malloc total=15,1
# stack: Item.__repr__:@repr < <module>:@f | domain=malloc total=16,1
import functools
import re

import known


class Item:
    compared = 0

    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        known.leak(12)  # @lt
        Item.compared += 1
        return self.n < other.n

    def __hash__(self):
        known.leak(15)  # @hash
        return self.n

    def __repr__(self):
        known.leak(16)  # @repr
        return "item"


def key(n):
    known.leak(11)  # @key
    return -n


def replace(match):
    known.leak(13)  # @replace
    return "b"


def add(a, b):
    known.leak(14)  # @add
    return a + b


items = [Item(n) for n in range(10)]
sorted(range(100), key=key)  # @a
items.sort()  # @b
re.sub("a", replace, "aaaaaa")  # @c
functools.reduce(add, range(10))  # @d
table = {items[0]: 1}  # @e
text = f"{items[0]!r}"  # @f
n = Item.compared
print(f"stack: Item.__lt__:@lt < <module>:@b | domain=malloc total={n}*12,{n}")
