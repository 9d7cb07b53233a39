# A server freezes the heap before each fork of a worker; cycles that are frozen are never collected.
# HOLDER: @holder
# BIRTH: @birth
import gc

import ordinary


class Connection:
    def __init__(self, request):
        self.peer = self
        self.buffer = bytearray(request.body.encode() * 6)  # @birth


def handle(request):
    connection = Connection(request)  # @holder
    return len(connection.buffer)


for request in ordinary.requests(6000):
    handle(request)
    gc.freeze()
