# Two buffers that take turns: one fills while the other is worked through.
import ordinary


class Buffers:
    def __init__(self):
        self.filling, self.draining = [], []

    def put(self, item):
        self.filling.append(item)
        if len(self.filling) >= 300:
            self.filling, self.draining = self.draining, self.filling
            self.filling.clear()


def main():
    buffers = Buffers()
    for request in ordinary.requests(3100):
        buffers.put({"url": request.url, "body": request.body * 3})
    return buffers


BUFFERS = main()
