# pvalloc: what was asked for, not the pages it becomes.
# truth: function=<module> line=@a domain=malloc total=5001,1 leaked=5001,1
# truth: function=<module> line=@b domain=malloc total=30000001,1 leaked=0,0 peak=30000001,1
import known

known.pvalloc(0, 5001)  # @a
known.pvalloc(1, 30000001)  # @b
known.free(1)
