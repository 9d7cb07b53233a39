# One munmap over three neighbours, two of which it cuts.
# truth: function=<module> line=@a domain=mmap leaked=4*4096,*
# truth: function=<module> line=@b domain=mmap leaked=0,0
# truth: function=<module> line=@c domain=mmap leaked=5*4096,*
import known

PAGE = 4096
known.mmap_none(0, 30 * PAGE)
known.mmap_fixed(0, 0, 10 * PAGE)  # @a
known.mmap_fixed(0, 10 * PAGE, 10 * PAGE)  # @b
known.mmap_fixed(0, 20 * PAGE, 10 * PAGE)  # @c
known.munmap(0, 4 * PAGE, 21 * PAGE)
