# Nested awaits, driven by hand: the stack is the chain of awaits.
# stack: bottom:@bottom < middle:@middle < top:@top < drive:@drive < <module>:@a
#     | domain=malloc total=10*11,10
# stack: Resource.__aenter__:@enter < managed:@with < drive:@drive < <module>:@b
#     | domain=malloc total=12,1
# stack: Resource.__aexit__:@exit < managed:@with < drive:@drive < <module>:@b
#     | domain=malloc total=13,1
# stack: ticker:@tick < loop:@for < drive:@drive < <module>:@c | domain=malloc total=5*14,5
import types

import known


@types.coroutine
def pause():
    yield


async def bottom():
    for _ in range(10):
        known.leak(11)  # @bottom
        await pause()


async def middle():
    await bottom()  # @middle


async def top():
    await middle()  # @top


class Resource:
    async def __aenter__(self):
        await pause()
        known.leak(12)  # @enter

    async def __aexit__(self, *exc):
        await pause()
        known.leak(13)  # @exit


async def managed():
    async with Resource():  # @with
        pass


async def ticker():
    for _ in range(5):
        known.leak(14)  # @tick
        await pause()
        yield


async def loop():
    async for _ in ticker():  # @for
        pass


def drive(coroutine):
    try:
        while True:
            coroutine.send(None)  # @drive
    except StopIteration:
        pass


drive(top())  # @a
drive(managed())  # @b
drive(loop())  # @c
