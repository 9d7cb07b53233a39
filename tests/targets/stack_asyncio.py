# asyncio: 20 tasks of nested awaits; each task's stack is its own chain of awaits.
# stack: fetch:@fetch < handle:@handle < ... | domain=malloc total=20*5*31,20*5
# stack: fetch:@fetch < handle:@handle < Handle._run:* < ... | domain=malloc total=20*5*31,20*5
# stack: gathered:@gathered < Handle._run:* < ... | domain=malloc total=3*17,3
# stack: callback:@callback < Handle._run:* < ... | domain=malloc total=4*19,4
# truth: function=fetch line=@fetch domain=malloc total=20*5*31,100 leaked=0,0
import asyncio

import known


async def fetch(slot):
    for _ in range(5):
        known.malloc(slot, 31)  # @fetch
        await asyncio.sleep(0)
        known.free(slot)


async def handle(slot):
    await fetch(slot)  # @handle


async def gathered():
    await asyncio.sleep(0)
    known.leak(17)  # @gathered


def callback():
    known.leak(19)  # @callback


async def main():
    tasks = [asyncio.create_task(handle(slot)) for slot in range(20)]
    await asyncio.gather(*tasks)
    await asyncio.gather(gathered(), gathered(), gathered())
    loop = asyncio.get_running_loop()
    for _ in range(4):
        loop.call_soon(callback)
    await asyncio.sleep(0.001)


asyncio.run(main())
