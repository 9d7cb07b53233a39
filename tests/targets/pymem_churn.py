# The same addresses again and again, through both of Python's allocators.
# truth: function=churn line=@a domain=obj total=5000*64,5000 leaked=0,0 peak=0,0
#     temporary=5000*64,5000
# truth: function=churn line=@b domain=mem total=5000*64,5000 leaked=0,0 peak=0,0
#     temporary=5000*64,5000
# truth: function=churn line=@c domain=obj total=5000*700,5000 leaked=0,0 temporary=5000*700,5000
# truth: function=churn line=@d domain=mem total=5000*16,5000 leaked=80000,5000 peak=80000,5000
#     temporary=0,0
# truth: function=<module> line=@e domain=malloc total=1<<24,1 leaked=1<<24,1
# also: malloc debug
import known


def churn():
    for slot in range(5000):
        known.obj_malloc(65001, 64)  # @a
        known.free(65001)
        known.mem_malloc(65001, 64)  # @b
        known.free(65001)
        known.obj_malloc(65001, 700)  # @c
        known.free(65001)
        known.mem_malloc(slot, 16)  # @d


churn()
known.malloc(65002, 1 << 24)  # @e
