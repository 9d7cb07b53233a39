# A pool of buffers that is made at start and used all the time.
import collections

import ordinary


class Pool:
    def __init__(self, count, size):
        self.free = collections.deque(bytearray(size) for _ in range(count))

    def take(self):
        return self.free.popleft()

    def give(self, buffer):
        self.free.append(buffer)


POOL = Pool(64, 65536)
for request in ordinary.requests(2000):
    buffer = POOL.take()
    text = request.body.encode()
    buffer[: len(text)] = text
    POOL.give(buffer)
