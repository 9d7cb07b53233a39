# "The last requests" in a deque that was made without maxlen.
# HOLDER: @holder
# BIRTH: @birth
import collections

import ordinary


class Monitor:
    def __init__(self):
        self.recent = collections.deque()  # @holder
        self.count = 0

    def saw(self, request):
        self.count += 1
        self.recent.append({"at": request.number, "body": request.body + request.url * 30})  # @birth


def main():
    monitor = Monitor()
    for request in ordinary.requests(2500):
        monitor.saw(request)
    return monitor


MONITOR = main()
