# What was alive at the higher of two hills, and nothing of the lower one.
# truth: function=<module> line=@a domain=malloc peak=0,0 total=32000000,1
# truth: function=<module> line=@b domain=malloc peak=5000,1 leaked=5000,1
# truth: function=<module> line=@c domain=malloc peak=64000000,1 total=64000000,1 leaked=0,0
# truth: function=<module> line=@d domain=malloc peak=3*7000,3 total=5*7000,5 leaked=2*7000,2
# truth: function=<module> line=@e domain=malloc peak=0,0 total=60000000,1
# summary: peak_bytes>=64026000
# also: malloc jemalloc tcmalloc
import known

known.malloc(0, 32000000)  # @a
known.malloc(1, 5000)  # @b
known.free(0)
for slot in (10, 11, 12, 13, 14):
    known.malloc(slot, 7000)  # @d
known.free(10)
known.free(11)
known.malloc(0, 64000000)  # @c
known.free(0)
known.free(12)
known.malloc(0, 60000000)  # @e
