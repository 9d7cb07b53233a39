# Linked records that are built and dropped as wholes, some by reference counts, some by the collector.
import gc

import ordinary


class Record:
    def __init__(self, text):
        self.text = text
        self.next = self.previous = None


def chain(request):
    first = last = Record(request.url)
    for word in request.body.split():
        record = Record(word)
        last.next, record.previous = record, last
        last = record
    return first


for request in ordinary.requests(2500):
    head = chain(request)
    if request.number % 500 == 0:
        gc.collect()
del head
