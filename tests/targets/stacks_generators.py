# Stacks to be checked: interleaved and nested generators, yield from, throw, close, genexprs.
# Argument: rounds.
import itertools
import sys


def numbers(base):
    for n in itertools.count(base):
        yield [n, [n]]


def level(depth):
    if depth:
        yield [depth]
        got = yield from level(depth - 1)
        yield [got, [depth]]
    else:
        for n in range(10):
            yield [n]
    return [depth]


def first(generator):
    return [next(generator), []]


def second(generator):
    return [[generator.send(None)], []]


def stubborn():
    while True:
        try:
            yield [1]
        except KeyError as error:
            yield [[error]]
        finally:
            kept = [[2]]
            del kept


def running(values):
    total = []
    for value in values:
        total = [total[-1:], value]
        yield total


for turn in range(int(sys.argv[1])):
    one, two = numbers(turn), numbers(-turn)
    for _ in range(10):
        first(one), second(one), second(two), first(two)
        next(one), next(two)
    for _ in level(20):
        pass
    generator = stubborn()
    for _ in range(5):
        next(generator)
        generator.throw(KeyError)
    generator.close()
    pipeline = running([n] for n in range(20))
    for item in pipeline:
        sum(len(value) for value in [item, [item]])
    list(zip(numbers(1), map(list, running(range(10))), strict=False))
