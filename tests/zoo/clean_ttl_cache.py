# Entries of a cache expire after a tenth of a second.
import time

import ordinary


class Expiring:
    def __init__(self, seconds):
        self.seconds = seconds
        self.entries = {}

    def get(self, key, make):
        now = time.monotonic()
        for old in [k for k, (until, _) in self.entries.items() if until < now]:
            del self.entries[old]
        until, value = self.entries.get(key, (0.0, None))
        if until < now:
            value = make()
            self.entries[key] = (now + self.seconds, value)
        return value


CACHE = Expiring(0.1)
for request in ordinary.requests(2000):
    CACHE.get(request.url, lambda: request.body * 10)  # noqa: B023
