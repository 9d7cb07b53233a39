# Stacks to be checked: recursion in Python, through map(), through several functions, trees.
# Argument: rounds.
import sys


def down(depth):
    kept = [depth, [depth]]
    if depth:
        kept.append(down(depth - 1))
    return [kept]


def mapped(depth):
    if depth == 0:
        return [[0], [1]]
    return list(map(mapped, [depth - 1] * 2))


def ping(depth):
    return [pong(depth - 1), [depth]] if depth else [[]]


def pong(depth):
    if depth % 3:
        return [ping(depth - 1)] if depth else []
    return [[ping(depth - 1)], [1]] if depth > 0 else []


def tree(depth):
    if depth == 0:
        return ([], [])
    left = tree(depth - 1)
    right = tree(depth - 1)
    return [left, right]


def quicksort(numbers):
    if len(numbers) < 2:
        return numbers
    pivot = numbers[len(numbers) // 2]
    less = quicksort([n for n in numbers if n < pivot])
    same = [n for n in numbers if n == pivot]
    return less + same + quicksort([n for n in numbers if n > pivot])


sys.setrecursionlimit(5000)
for turn in range(int(sys.argv[1])):
    down(50 + turn % 7)
    mapped(6)
    ping(40)
    tree(7)
    quicksort([(n * 7919) % 301 for n in range(200)])
    if turn % 20 == 0:
        down(1000)
