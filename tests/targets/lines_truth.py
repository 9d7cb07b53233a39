"""Functions whose lines allocate what their comments say: `#= N` bytes over all calls in one run.

    B(n)  bytes of n        A(n)  bytearray(n)        L(n)  a list of n
    T(n)  tuple of n        DICT3, SET3  of 3 items   N     a numpy array of 1000 float64

Names: `run_NAME` is what is called; the other functions of its group are `NAME_...`.
"""

# ruff: noqa
import threading


class Keeper:
    """What is kept, without allocating anything for keeping it."""

    def __init__(self):
        self.items = [None] * 1000
        self.count = 0

    def append(self, item):
        self.items[self.count] = item
        self.count += 1

    def pop(self):
        self.count -= 1
        self.items[self.count] = None

    def clear(self):
        while self.count:
            self.pop()


KEPT = Keeper()
NONES = [None] * 1000


def run_bytes():
    a = bytes(1000)  #= B(1000)
    b = bytes(3000)  #= B(3000)
    return a, b


def run_bytearray():
    a = bytearray(50_000)  #= A(50_000)
    return a


def run_list():
    a = NONES[:1000]  #= L(1000)
    return a


def run_tuple():
    a = (None,) * 500  #= T(500)
    return a


def run_del():
    a = bytes(7000)  #= B(7000)
    del a  #= -B(7000)
    b = 1  #= 0


def run_reassign():
    a = bytes(7000)  #= B(7000)
    a = bytes(500)  #= B(500) - B(7000)
    a = None  #= -B(500)


def run_freed_at_return():
    a = bytes(7000)  #= B(7000)
    return 1  #= 0


def run_temporary():
    n = len(bytes(100_000)) > 0  #= 0
    return n  #= 0


def run_two_statements():
    a = bytes(100); b = bytes(200)  #= B(100) + B(200)
    return a, b


def run_multi_line():
    a = (
        bytes(1000),  #= B(1000)
        bytes(2000),  #= B(2000)
    )
    return a


def run_loop():
    kept = NONES[:10]  #= L(10)
    for i in range(10):
        kept[i] = bytes(1000)  #= 10 * B(1000)
    return kept


def run_while():
    kept = NONES[:4]  #= L(4)
    i = 0
    while i < 4:
        kept[i] = bytearray(100)  #= 4 * A(100)
        i += 1
    return kept


def run_comprehension():
    a = [bytes(1000) for _ in (1, 2, 3, 4)]  #= 4 * B(1000) + L(4)
    return a


def run_nested_comprehension():
    a = [[bytes(100) for _ in (1, 2)] for _ in (1, 2, 3)]  #= 6 * B(100) + 4 * L(4)
    return a


def run_dict_comprehension():
    a = {i: bytes(1000) for i in (1, 2, 3)}  #= 3 * B(1000) + DICT3
    return a


def run_set():
    a = {b"a", b"b", b"c"}  #= SET3
    return a


def run_generator_expression():
    n = sum(len(bytes(1000)) > 0 for _ in (1, 2, 3))  #= 0
    return n


def run_try():
    try:
        a = bytes(1000)  #= B(1000)
    finally:
        b = bytes(2000)  #= B(2000)
    return a, b


def run_finally():
    try:
        finally_inner()
    except ValueError:
        pass
    a = bytes(10)  #= B(10)
    return a


def finally_inner():
    try:
        KEPT.append(bytes(1000))  #= B(1000)
        raise ValueError
    finally:
        KEPT.append(bytes(3000))  #= B(3000)


def run_except():
    try:
        int("x")
    except ValueError:
        KEPT.append(bytes(5000))  #= B(5000)
        done = 1  # and the exception goes
    KEPT.pop()  #= -B(5000)


def run_raises():
    try:
        raises_inner()
    except KeyError:
        pass
    b = bytes(60)  #= B(60)
    return b


def raises_inner():
    KEPT.append(bytes(70_000))  #= B(70_000)
    raise KeyError


def run_with():
    with with_manager():
        a = bytes(1000)  #= B(1000)
        del a  #= -B(1000)
    return 1


class with_manager:
    def __enter__(self):
        KEPT.append(bytes(900))  #= B(900)
        return 1

    def __exit__(self, *rest):
        KEPT.pop()  #= -B(900)


def run_calls():
    a = calls_inner(5000)  #= B(5000)
    return a


def calls_inner(n):
    a = bytes(n)  #= B(5000)
    return a


def run_not_chosen():
    a = other(5000)  #= B(5000)
    return a


def other(n):
    waste = bytes(100_000)
    return bytes(n)


def run_recursion():
    recursion_inner(4)  #= 5 * B(1000)


def recursion_inner(n):
    KEPT.append(bytes(1000))  #= 5 * B(1000)
    if n:
        recursion_inner(n - 1)  #= (4 + 3 + 2 + 1) * B(1000)


def run_generator():
    for _ in generator_inner():
        pass


def generator_inner():
    a = bytes(1000)  #= B(1000)
    yield a  #= 0
    b = bytes(2000)  #= B(2000)
    yield b  #= 0
    a = None  #= -B(1000)


def run_outside():
    g = outside_inner()
    next(g)
    KEPT.append(bytes(9000))  #= B(9000)
    next(g, None)


def outside_inner():
    KEPT.append(bytes(100))  #= B(100)
    yield 1
    KEPT.append(bytes(200))  #= B(200)


def run_send():
    g = send_inner()
    g.send(None)
    g.send(3000)
    try:
        g.throw(ValueError)
    except StopIteration:
        pass


def send_inner():
    n = yield  #= 0
    KEPT.append(bytes(n))  #= B(3000)
    try:
        yield
    except ValueError:
        KEPT.append(bytes(400))  #= B(400)
        done = 1  # and the exception goes


def run_coroutine():
    c = coroutine_outer()
    try:
        while True:
            c.send(None)
    except StopIteration:
        pass


class coroutine_step:
    def __await__(self):
        yield


async def coroutine_outer():
    KEPT.append(bytes(1000))  #= B(1000)
    await coroutine_inner()  #= B(6000)
    KEPT.append(bytes(2000))  #= B(2000)


async def coroutine_inner():
    await coroutine_step()
    KEPT.append(bytes(6000))  #= B(6000)


def run_closure():
    n = 1000

    def inner():
        return bytes(n)  #= B(1000)

    a = inner()  #= B(1000)
    return a


def run_lambda():
    make = lambda n: bytes(n)
    a = make(800)  #= B(800)
    return a


def run_class_body():
    class Inner:
        bytes(1)  # leaves its argument tuple for the next call
        data = bytes(4000)  #= B(4000)

    KEPT.append(Inner)
    return 1


def run_append():
    a = NONES[:100]  #= L(100)
    a.append(1)  #= 8 * 16
    a.append(2)  #= 0
    return a


def run_extend_bytearray():
    a = bytearray(10)  #= A(10)
    a.extend(bytes(90_000))  #= 90_000
    a.clear()
    return a


def run_swap():
    a = bytes(100)  #= B(100)
    b = bytes(200)  #= B(200)
    a, b = b, a  #= 0
    return a, b


def run_keyword_default():
    a = keyword_inner(size=300)  #= B(300)
    return a


def keyword_inner(*, size=1, more=None):
    return bytes(size)  #= B(300)


def run_early_return():
    n = 1
    while True:
        if n == 2:
            return bytes(2000)  #= B(2000)
        n += 1


def run_threads():
    t = threading.Thread(target=threads_inner)
    t.start()
    t.join()
    KEPT.append(bytes(50))  #= B(50)


def threads_inner():
    KEPT.append(bytes(123_456))  #= B(123_456)


def run_many():
    threads = [threading.Thread(target=many_inner) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def many_inner():
    for _ in range(50):
        a = bytes(10_000)  #= 8 * 50 * B(10_000)
        a = None  #= -8 * 50 * B(10_000)


def run_numpy():
    import numpy

    a = numpy.empty(1000)  #= N
    a = None  #= -N
