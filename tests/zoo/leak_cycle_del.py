# The collector was turned off to avoid its pauses; documents refer to their parts and back.
# Nobody holds them: what is named is the line that makes the objects of the cycle.
# HOLDER: @holder
# BIRTH: @birth
import gc

import ordinary

gc.disable()


class Part:
    def __init__(self, document, text):
        self.document = document
        self.text = text * 6  # @birth


class Document:
    def __init__(self, request):
        self.parts = [Part(self, request.body)]
        self.closed = False

    def __del__(self):
        self.closed = True


for request in ordinary.requests(3000):
    Document(request)  # @holder
