# An index is built from words when the program starts, and asked afterwards; results are short-lived.
import collections

import ordinary


class Index:
    def __init__(self):
        self.places = collections.defaultdict(list)

    def add(self, number, text):
        for position, word in enumerate(text.split()):
            self.places[word].append((number, position))


def build():
    index = Index()
    for number in range(6000):
        index.add(number, f"{ordinary.WORDS[number % 16]} entry {number % 500} of page {number // 20}")
    return index


INDEX = build()
hits = 0
for request in ordinary.requests(2500):
    hits += len(sorted(INDEX.places[ordinary.WORDS[request.number % 16]], reverse=True)[:50])
