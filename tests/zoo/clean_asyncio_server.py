# An echo server and its clients; tasks that are done are let go.
import asyncio

import ordinary


async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


async def client(port, request):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.body.encode() + b"\n")
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return len(answer)


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    running = set()
    for request in ordinary.requests(400):
        task = asyncio.create_task(client(port, request))
        running.add(task)
        task.add_done_callback(running.discard)
        if len(running) > 8:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.gather(*running)
    server.close()


asyncio.run(main())
