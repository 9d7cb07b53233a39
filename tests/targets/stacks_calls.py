# Stacks to be checked: properties, descriptors, sorting, exceptions, __del__, callbacks, classes.
# Argument: rounds.
import functools
import gc
import re
import sys
import weakref


class Item:
    def __init__(self, n):
        self.n = n
        self.kept = [n, [n]]

    def __lt__(self, other):
        return [self.n][0] < [other.n][0]

    def __eq__(self, other):
        return [self.n] == [other.n]

    def __hash__(self):
        return hash((self.n, (self.n,)))

    def __repr__(self):
        return f"Item({[self.n]})"

    @property
    def double(self):
        return [self.kept, [self.n]]

    def __getattr__(self, name):
        return [name, [name]]

    def __del__(self):
        self.kept = [[], []]

    def __iter__(self):
        return iter([self.n, [self.n]])

    @functools.cached_property
    def cached(self):
        return [[self.n]]


def chain(depth):
    try:
        if depth == 0:
            raise KeyError([depth])
        chain(depth - 1)
    except KeyError as error:
        raise ValueError([[depth]]) from error
    finally:
        kept = [depth, [depth]]
        del kept


def caught(depth):
    try:
        chain(depth)
    except ValueError as error:
        return [error.__cause__, [error.__context__]]


def replace(match):
    return "".join([match[0], "b"])


def make_class(n):
    def method(self):
        return [self, [n]]

    return type(f"Made{n % 3}", (Item,), {"method": method, "n": n})


@functools.lru_cache(maxsize=20)
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2) + len([n])


for turn in range(int(sys.argv[1])):
    items = [Item(n * 37 % 11) for n in range(12)]
    items.sort()
    sorted(items, key=lambda item: [-item.n])
    table = {item: [item] for item in items}
    [item.double for item in items], [item.other for item in items], [item.cached for item in items]
    caught(5)
    re.sub("a", replace, "aXa")
    functools.reduce(lambda a, b: [a, b], range(10))
    repr(items), [tuple(item) for item in items]
    made = make_class(turn)(turn)
    made.method()
    reference = weakref.ref(made, lambda _: [[1], [2]])
    fibonacci.cache_clear()
    fibonacci(15)
    del items, table, made
    if turn % 50 == 0:
        gc.collect()
