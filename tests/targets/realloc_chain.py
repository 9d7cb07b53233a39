# realloc is a free and an allocation of the new full size.
# truth: function=chain line=@a domain=malloc total=1000*1001//2*100,1000 leaked=0,0
#     temporary=1000*1001//2*100,1000
# truth: function=chain line=@b domain=malloc total=500*501//2*32,500 leaked=500*32,1 peak=500*32,1
#     temporary=499*500//2*32,499
# truth: function=chain line=@c domain=malloc total=1<<23,1
# also: malloc debug jemalloc tcmalloc
import known


def chain():
    known.grow(0, 1000, 100)  # @a
    known.free(0)
    known.grow(1, 500, 32)  # @b
    known.malloc(2, 1 << 23)  # @c


chain()
