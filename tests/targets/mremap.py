# mremap moves and resizes: what is alive then is the new length.
# truth: function=make domain=mmap leaked=(1<<26)+8192,* peak=>1<<26,1
# truth: function=keep line=@a domain=mmap leaked=4096,1
import known


def make():
    known.mmap(0, 1 << 20)
    known.mremap(0, 1 << 26)
    known.mmap(1, 1 << 20)
    known.mremap(1, 8192)
    known.mmap(2, 1 << 20)
    known.mremap(2, 1 << 22)
    known.free(2)


def keep():
    known.mmap(3, 4096)  # @a


make()
keep()
