# Asking a defaultdict for a key that isn't there makes one.
# HOLDER: @holder
# BIRTH: @birth
import collections

import ordinary

blocked = collections.defaultdict(list)  # @holder


def is_blocked(request, attempt):
    return bool(blocked[f"{request.user}:{request.body[:90]}:{attempt}"])  # @birth


for request in ordinary.requests(2000):
    for attempt in range(3):
        is_blocked(request, attempt)
