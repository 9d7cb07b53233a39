# numpy's resize in place is a realloc.
# needs: numpy
# truth: function=<module> line=@a domain=malloc total=8*100000,1 leaked=0,0
# truth: function=<module> line=@b domain=malloc total=8*300000,1 leaked=8*300000,1
import numpy as np

warm = [np.empty(10) for _ in range(50)]  # numpy keeps small blocks for itself: fill its cache
del warm

a = np.empty(100000)  # @a
a.resize(300000, refcheck=False)  # @b
