# Replies are awaited by number; those to cancelled requests never come, and their futures stay.
# HOLDER: @holder
# BIRTH: @birth
import asyncio

import ordinary


class Client:
    def __init__(self):
        self.sent = 0
        self.pending = {}  # @holder

    async def ask(self, request):
        future = asyncio.get_running_loop().create_future()
        self.pending[request.number] = (future, request.body.encode() * 8)  # @birth
        self.sent += 1
        try:
            return await asyncio.wait_for(future, 0)
        except TimeoutError:
            return None


async def main(client):
    for request in ordinary.requests(1500):
        await client.ask(request)


CLIENT = Client()
asyncio.run(main(CLIENT))
