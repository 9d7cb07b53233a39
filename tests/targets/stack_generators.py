# Generators, interleaved and nested: the frame below one is whoever resumes it.
# stack: numbers:@yield < first:@first < <module>:@a | domain=malloc total=25*10,25
# stack: numbers:@yield < second:@second < <module>:@b | domain=malloc total=25*10,25
# stack: numbers:@yield < first:@first < <module>:@a2 | domain=malloc total=25*10,25
# stack: numbers:@yield < second:@second < <module>:@b2 | domain=malloc total=25*10,25
# stack: level:@bottom < level:@level < level:@level < level:@level < drain:@drain < <module>:@c
#     | domain=malloc total=20*7,20
# stack: closing:@finally < <module>:@d | domain=malloc total=9,1
# stack: thrown:@except < <module>:@e | domain=malloc total=8,1
# stack: <genexpr>:@f < <module>:@f | domain=malloc total=5*6,5
import known


def numbers():
    while True:
        known.leak(10)  # @yield
        yield


def first(generator):
    next(generator)  # @first


def second(generator):
    generator.send(None)  # @second


def level(depth):
    if depth:
        yield from level(depth - 1)  # @level
        return
    for _ in range(20):
        known.leak(7)  # @bottom
        yield


def drain(generator):
    for _ in generator:  # @drain
        pass


def closing():
    try:
        yield
    finally:
        known.leak(9)  # @finally


def thrown():
    try:
        yield
    except KeyError:
        known.leak(8)  # @except
        yield


one, two = numbers(), numbers()
for _ in range(25):
    first(one)  # @a
    second(one)  # @b
    first(two)  # @a2
    second(two)  # @b2
drain(level(3))  # @c
generator = closing()
next(generator)
generator.close()  # @d
generator = thrown()
next(generator)
generator.throw(KeyError)  # @e
all(known.leak(6) is None for _ in range(5))  # @f
