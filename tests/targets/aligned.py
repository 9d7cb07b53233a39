# The aligned family: requested bytes, whatever the allocator adds.
# truth: function=<module> line=@a domain=malloc total=1000,1 leaked=0,0
# truth: function=<module> line=@b domain=malloc total=8192,1 leaked=0,0
# truth: function=<module> line=@c domain=malloc total=777,1 leaked=0,0
# truth: function=<module> line=@d domain=malloc total=5000,1 leaked=0,0
# truth: function=<module> line=@e domain=malloc total=40000000,1 leaked=0,0 peak=40000000,1
# also: malloc debug jemalloc tcmalloc
import known

known.posix_memalign(0, 64, 1000)  # @a
known.aligned_alloc(1, 4096, 8192)  # @b
known.memalign(2, 256, 777)  # @c
known.valloc(3, 5000)  # @d
known.posix_memalign(4, 1 << 21, 40000000)  # @e
for slot in range(5):
    known.free(slot)
