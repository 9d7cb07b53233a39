# __del__ puts the object back into a pool from which nobody takes.
# HOLDER: @holder
# BIRTH: @birth
import ordinary


class Buffer:
    pool = []  # @holder

    def __init__(self, request):
        self.data = bytearray(request.body.encode() * 16)  # @birth

    def __del__(self):
        self.pool.append(self)


def handle(request):
    return len(Buffer(request).data)


for request in ordinary.requests(1000):
    handle(request)
