# The last measurements of some sensors, each in a ring that is soon full.
import collections

import ordinary

RINGS = {word: collections.deque(maxlen=100) for word in ordinary.WORDS}
for request in ordinary.requests(3000):
    for number, word in enumerate(ordinary.WORDS):
        RINGS[word].append((request.number, number * 0.5 + request.number, request.url))
