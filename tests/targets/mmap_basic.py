# Anonymous mappings that can be used are memory; reservations and files are not.
# truth: function=<module> line=@a domain=mmap total=1<<20,1 leaked=0,0
# truth: function=<module> line=@b domain=mmap total=1<<26,1 leaked=1<<26,1 peak=1<<26,1
# truth: function=<module> line=@c domain=mmap total=0,0
# truth: function=<module> line=@d domain=mmap total=0,0
# truth: function=<module> line=@e domain=mmap total=40960,10 leaked=36864,9
# also: jemalloc tcmalloc
import known

known.mmap(0, 1 << 20)  # @a
known.mmap_shared(1, 1 << 26)  # @b
known.mmap_none(2, 1 << 30)  # @c
known.mmap_file(3, 1 << 20)  # @d
for slot in range(10, 20):
    known.mmap(slot, 4096)  # @e
known.free(0)
known.free(2)
known.free(3)
known.free(15)
