# A block that another thread frees is not temporary.
# truth: function=make line=@a domain=malloc total=1000,10 temporary=0,0 leaked=0,0
# truth: function=make line=@b domain=malloc total=1000,10 temporary=1000,10 leaked=0,0
import threading

import known


def make():
    for slot in range(10):
        known.malloc(slot, 100)  # @a
        thread = threading.Thread(target=known.free, args=(slot,))
        thread.start()
        thread.join()
    for _ in range(10):
        known.pairs(1, 100)  # @b


make()
