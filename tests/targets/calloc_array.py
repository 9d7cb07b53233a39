# calloc and reallocarray count number times size.
# truth: function=<module> line=@a domain=malloc total=12000,1 leaked=0,0 peak=0,0
# truth: function=<module> line=@b domain=malloc total=26000000,1 leaked=26000000,1 peak=26000000,1
# truth: function=<module> line=@c domain=malloc total=0,0
# also: malloc debug jemalloc tcmalloc
import known

known.calloc(0, 1000, 12)  # @a
known.reallocarray(0, 2000, 13000)  # @b
assert not known.reallocarray(0, 1 << 40, 1 << 40)  # @c
