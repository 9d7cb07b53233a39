# Stacks to be checked: 4 threads at once, generators driven by two threads in turn.
# Argument: rounds.
import sys
import threading


def tree(depth):
    if depth == 0:
        return [[]]
    return [tree(depth - 1), tree(depth - 1)]


def numbers():
    n = 0
    while True:
        yield [n, [n], nested(n % 5)]
        n += 1


def nested(depth):
    return [nested(depth - 1), []] if depth else []


def drive(mine, other, generator, rounds):
    for _ in range(rounds):
        mine.acquire()
        kept = [next(generator), [1]]
        other.release()
        del kept


def alternate(rounds):
    left, right, generator = threading.Semaphore(1), threading.Semaphore(0), numbers()
    threads = [
        threading.Thread(target=drive, args=(left, right, generator, rounds)),
        threading.Thread(target=drive, args=(right, left, generator, rounds)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def work(rounds):
    for turn in range(rounds):
        tree(turn % 8)
        sorted([[n] for n in range(20, 0, -1)], key=lambda item: [item, []])


rounds = int(sys.argv[1])
sys.setswitchinterval(0.0002)
threads = [threading.Thread(target=work, args=(rounds,)) for _ in range(4)]
for thread in threads:
    thread.start()
alternate(rounds * 4)
for thread in threads:
    thread.join()
