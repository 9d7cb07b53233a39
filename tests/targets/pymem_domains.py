# Python's three allocator domains; what they pass on to the C library is not counted again.
# truth: function=<module> line=@a domain=malloc total=100,1 leaked=0,0
# truth: function=<module> line=@b domain=malloc total=30000,1 leaked=30000,1
# truth: function=<module> line=@c domain=mem total=101,1 leaked=0,0
# truth: function=<module> line=@c domain=malloc total=0,0
# truth: function=<module> line=@d domain=mem total=30300,1 leaked=30300,1
# truth: function=<module> line=@d domain=malloc total=0,0
# truth: function=<module> line=@e domain=obj total=102,1 leaked=0,0
# truth: function=<module> line=@f domain=obj total=32000000,1 leaked=32000000,1 peak=32000000,1
# truth: function=<module> line=@f domain=malloc total=0,0
# truth: function=<module> line=@f domain=mmap total=0,0
# truth: function=<module> line=@g domain=malloc total=5000,1 leaked=0,0
# truth: function=<module> line=@h domain=mem total=600,1 leaked=0,0
# truth: function=<module> line=@i domain=obj total=4000,1 leaked=0,0
# also: malloc jemalloc tcmalloc
import known

known.raw_malloc(0, 100)  # @a
known.raw_calloc(1, 100, 300)  # @b
known.mem_malloc(2, 101)  # @c
known.mem_calloc(3, 101, 300)  # @d
known.obj_malloc(4, 102)  # @e
known.obj_calloc(5, 1000, 32000)  # @f
known.raw_realloc(0, 5000)  # @g
known.mem_realloc(2, 600)  # @h
known.obj_realloc(4, 4000)  # @i
for slot in (0, 2, 4):
    known.free(slot)
