# Blocks of 0 to 32 bytes: half of them share a 16-byte granule under some allocators.
# truth: function=make line=@a domain=malloc total=528*100,3300 leaked=528*100-16*100,3200
#     peak=528*100,3300
# truth: function=make line=@b domain=malloc total=1<<23,1 peak=1<<23,1 leaked=0,0
# also: malloc debug jemalloc tcmalloc
import known


def make():
    for slot in range(3300):
        known.malloc(slot, slot % 33)  # @a
    known.malloc(5000, 1 << 23)  # @b
    known.free(5000)
    for slot in range(16, 3300, 33):
        known.free(slot)


make()
