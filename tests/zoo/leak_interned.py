# Tokens are interned "to save memory"; there are ever new ones.
# HOLDER: @holder
# BIRTH: @birth
import sys

import ordinary

SYMBOLS = set()  # @holder


def tokens(request):
    for n in range(4):
        SYMBOLS.add(sys.intern(f"{request.url}.{n}.{request.body}"))  # @birth


for request in ordinary.requests(2000):
    tokens(request)
