# Made in one thread, freed in another: the maker's line gets both.
# truth: function=make line=@a domain=malloc total=300000,3000 leaked=0,0 peak=*,*
# truth: function=release line=@b domain=malloc total=0,0 leaked=0,0
# truth: function=make line=@c domain=mem total=3000*33,3000 leaked=0,0
import threading

import known


def make():
    for slot in range(3000):
        known.malloc(slot, 100)  # @a
        known.mem_malloc(slot + 5000, 33)  # @c


def release():
    for slot in range(3000):
        known.free(slot)  # @b
        known.free(slot + 5000)


for target in (make, release):
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
