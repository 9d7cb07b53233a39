# Events go into a queue whose consumer was never started.
# HOLDER: @holder
# BIRTH: @birth
import asyncio

import ordinary


async def produce(queue):
    for request in ordinary.requests(1500):
        await queue.put({"url": request.url, "text": request.body * 6})  # @birth


async def main():
    queue = asyncio.Queue()  # @holder
    await produce(queue)
    return queue


QUEUE = asyncio.run(main())
