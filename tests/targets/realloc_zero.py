# glibc's realloc(p, 0) is a free; malloc(0) is a block of no bytes.
# truth: function=<module> line=@a domain=malloc total=600,1 leaked=0,0
# truth: function=<module> line=@b domain=malloc total=0,0 leaked=0,0
# truth: function=<module> line=@c domain=malloc total=0,5 leaked=0,5
# truth: function=<module> line=@d domain=mem total=0,1 leaked=0,0
import known

known.malloc(0, 600)  # @a
assert not known.realloc_zero(0)  # @b
for slot in (1, 2, 3, 4, 5):
    known.malloc(slot, 0)  # @c
known.mem_malloc(6, 0)  # @d
known.free(6)
