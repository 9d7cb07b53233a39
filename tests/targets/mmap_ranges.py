# munmap of any part: the head, the tail, the middle, all that is left.
# truth: function=<module> line=@a domain=mmap total=40960,* leaked=36864,1
# truth: function=<module> line=@b domain=mmap total=40960,* leaked=32768,1
# truth: function=<module> line=@c domain=mmap total=40960,* leaked=28672,2
# truth: function=<module> line=@d domain=mmap total=40960,* leaked=0,0
# truth: function=<module> line=@e domain=mmap total=1<<26,* peak=1<<26,* leaked=0,0
import known

PAGE = 4096
known.mmap(0, 10 * PAGE)  # @a
known.mmap(1, 10 * PAGE)  # @b
known.mmap(2, 10 * PAGE)  # @c
known.mmap(3, 10 * PAGE)  # @d
known.mmap(4, 1 << 26)  # @e
known.munmap(0, 0, PAGE)
known.munmap(1, 8 * PAGE, 2 * PAGE)
known.munmap(2, 4 * PAGE, 3 * PAGE)
known.munmap(3, 2 * PAGE, 2 * PAGE)
known.munmap(3, 6 * PAGE, 2 * PAGE)
known.munmap(3, 0, 10 * PAGE)
for page in range(0, 64, 2):
    known.munmap(4, page << 20, 1 << 20)
for page in range(1, 64, 2):
    known.munmap(4, page << 20, 1 << 20)
