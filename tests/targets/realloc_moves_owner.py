# Bytes belong to the line that reallocated last; shrinking counts the new size in full.
# truth: function=first line=@a domain=malloc total=1000,1 leaked=0,0 peak=0,0
# truth: function=second line=@b domain=malloc total=64000000,1 leaked=0,0 peak=64000000,1
# truth: function=third line=@c domain=malloc total=10,1 leaked=10,1 peak=0,0
# truth: function=fourth line=@d domain=malloc total=77,1 leaked=77,1
# also: malloc debug jemalloc tcmalloc
import known


def first():
    known.malloc(0, 1000)  # @a


def second():
    known.realloc(0, 64000000)  # @b


def third():
    known.realloc(0, 10)  # @c


def fourth():
    known.realloc(1, 77)  # @d


first()
second()
third()
fourth()
