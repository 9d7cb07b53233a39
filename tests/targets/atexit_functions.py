# The program's own atexit functions are still recorded.
# truth: function=<module> line=@a domain=malloc total=1000,1 leaked=0,0
# truth: function=late line=@b domain=malloc total=2000,1 leaked=2000,1
import atexit

import known


def late():
    known.free(0)
    known.malloc(1, 2000)  # @b


known.malloc(0, 1000)  # @a
atexit.register(late)
