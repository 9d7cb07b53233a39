# 100 threads of 100 allocations each are exactly 10,000.
# truth: function=work line=@a domain=malloc total=640000,10000 leaked=640000,10000
# truth: function=work line=@b domain=obj total=500000,10000 leaked=500000,10000
# truth: function=work line=@c domain=mem total=600000,10000 leaked=0,0 temporary=600000,10000
# rows: by=thread name=worker-* domain=malloc total=>640000,10000
# summary: threads=101
# also: malloc debug jemalloc tcmalloc
import threading

import known


def work(first):
    for slot in range(first, first + 100):
        known.malloc(slot, 64)  # @a
    for slot in range(first + 10000, first + 10100):
        known.obj_malloc(slot, 50)  # @b
    for slot in range(first + 20000, first + 20100):
        known.mem_malloc(slot, 60)  # @c
        known.free(slot)


threads = [
    threading.Thread(target=work, args=(100 * index,), name=f"worker-{index}")
    for index in range(100)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
