# A finalizer that is a bound method of the very object it waits for keeps it alive for ever.
# weakref's own registry holds it; the line that asked for the finalizer is as good an answer.
# HOLDER: @finalize or weakref.py "_registry = {}"
# BIRTH: @birth
import weakref

import ordinary


class Connection:
    def __init__(self, request):
        self.buffer = bytearray(request.body.encode() * 10)  # @birth
        weakref.finalize(self, self.close).atexit = False  # @finalize

    def close(self):
        self.buffer.clear()


for request in ordinary.requests(1000):
    Connection(request)
