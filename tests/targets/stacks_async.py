# Stacks to be checked: nested awaits, tasks, async generators, context managers, futures.
# Argument: rounds.
import asyncio
import sys


class Resource:
    async def __aenter__(self):
        await asyncio.sleep(0)
        return [1, 2]

    async def __aexit__(self, *exc):
        return bool([exc])


async def nested(depth):
    if depth:
        kept = [depth, [depth]]
        await nested(depth - 1)
        return [kept]
    await asyncio.sleep(0)
    return [[0]]


async def ticker(count):
    for n in range(count):
        yield [n, [n]]
        if n % 5 == 0:
            await asyncio.sleep(0)


async def consumer(count):
    kept = []
    async for item in ticker(count):
        kept.append((item, [item]))
    async with Resource() as resource:
        kept.append((resource,))
    return [value async for value in ticker(5)]


async def waiter(future):
    try:
        return [await asyncio.wait_for(asyncio.shield(future), 5)]
    except TimeoutError:
        return []


async def failing(n):
    await asyncio.sleep(0)
    raise ValueError([n])


async def main(rounds):
    loop = asyncio.get_running_loop()
    for n in range(rounds):
        future = loop.create_future()
        loop.call_soon(future.set_result, [n])
        await asyncio.gather(*[nested(depth) for depth in range(10)], consumer(20), waiter(future))
        await asyncio.gather(failing(n), failing(n), return_exceptions=True)


asyncio.run(main(int(sys.argv[1])))
