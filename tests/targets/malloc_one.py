# One block of 64 MiB, freed again: it is the peak.
# truth: function=make line=@a domain=malloc peak=67108864,1 leaked=0,0 total=67108864,1
# also: malloc debug jemalloc tcmalloc
import known


def make():
    known.malloc(0, 64 * 1024 * 1024)  # @a


make()
numbers = [list(range(10)) for _ in range(100)]
known.free(0)
