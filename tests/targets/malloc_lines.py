# Three lines, three sizes; the third line's blocks stay.
# truth: function=make line=@a domain=malloc peak=0,0 leaked=0,0 total=48000,1000
#     temporary=48000,1000
# truth: function=make line=@b domain=malloc peak=0,0 leaked=0,0 total=111000,1000
# truth: function=make line=@c domain=malloc peak=999000,1000 leaked=999000,1000 temporary=0,0
# truth: function=ballast line=@d domain=malloc peak=16777216,1 leaked=16777216,1 total=16777216,1
# truth: function=clean line=@e domain=malloc peak=0,0 leaked=0,0 total=0,0
# also: malloc debug jemalloc tcmalloc
import known


def make():
    for i in range(1000):
        known.pairs(1, 48)  # @a
        known.malloc(i, 111)  # @b
    clean()
    for i in range(1000):
        known.malloc(i, 999)  # @c


def clean():
    for i in range(1000):
        known.free(i)  # @e


def ballast():
    known.malloc(2000, 16 * 1024 * 1024)  # @d


make()
ballast()
