# Blocks come and go below the peak: only what was alive at the top is its share.
# truth: function=stairs line=@a domain=malloc peak=1000*1000,1000 total=2000*1000,2000 leaked=0,0
# truth: function=stairs line=@b domain=malloc peak=50*1000000,50 total=99950000,100 leaked=0,0
import known


def stairs():
    for half in (0, 1):
        for step in range(50):
            for slot in range(step * 20, step * 20 + 20):
                known.malloc(slot, 1000)  # @a
            known.malloc(30000 + step, 1000000 - 1000 * half)  # @b
        for slot in range(1000):
            known.free(slot)
        for step in range(50):
            known.free(30000 + step)


stairs()
