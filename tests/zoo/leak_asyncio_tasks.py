# Background tasks are put in a set so that they aren't lost, and never taken out again.
# HOLDER: @holder
# BIRTH: @birth
import asyncio

import ordinary


class Service:
    def __init__(self):
        self.background = set()  # @holder

    async def audit(self, request):
        await asyncio.sleep(0)
        return request.body * 12  # @birth

    def handle(self, request):
        self.background.add(asyncio.get_running_loop().create_task(self.audit(request)))


async def main(service):
    for request in ordinary.requests(1200):
        service.handle(request)
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)


SERVICE = Service()
asyncio.run(main(SERVICE))
