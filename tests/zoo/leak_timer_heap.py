# Timers that were cancelled stay in the heap until their time comes, in a day.
# HOLDER: @holder
# BIRTH: @birth
import heapq

import ordinary


class Scheduler:
    def __init__(self):
        self.now = 0
        self.timers = []  # @holder

    def call_at(self, when, callback):
        heapq.heappush(self.timers, (when, len(self.timers), callback))


class Upload:
    def __init__(self, request, scheduler):
        self.data = request.body.encode() * 14  # @birth
        scheduler.call_at(request.number * 7919 % 86400, self.expire)

    def expire(self):
        self.data = b""


def main():
    scheduler = Scheduler()
    for request in ordinary.requests(1000):
        Upload(request, scheduler)
    return scheduler


SCHEDULER = main()
