# Of two equal peaks the first counts.
# truth: function=<module> line=@a domain=malloc peak=64000000,1 total=64000000,1
# truth: function=<module> line=@b domain=malloc peak=0,0 total=64000000,1
import gc

import known

gc.disable()
known.malloc(0, 64000000)  # @a
known.free(0)
known.malloc(0, 64000000)  # @b
known.free(0)
