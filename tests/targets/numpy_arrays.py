# numpy takes its buffers from the C library: malloc for empty, calloc for zeros.
# needs: numpy
# truth: function=make line=@a domain=malloc total=8*1000000,1 leaked=8*1000000,1 peak=8*1000000,1
# truth: function=make line=@b domain=malloc total=8*4000000,1 leaked=0,0 peak=8*4000000,1
# truth: function=make line=@c domain=malloc total=100*20000,100 leaked=0,0 peak=0,0
# truth: function=make line=@d domain=malloc total=8*1000000,1 leaked=8*1000000,1
# also: jemalloc
import numpy as np

warm = [np.empty(10) for _ in range(50)]  # numpy keeps small blocks for itself: fill its cache
del warm


def make():
    for _ in range(100):
        np.empty(20000, dtype=np.uint8)  # @c
    a = np.zeros(1000000)  # @a
    b = np.empty(4000000)  # @b
    del b
    c = a * 2.0  # @d
    view = a[10:1000]
    return a, c, view


kept = make()
