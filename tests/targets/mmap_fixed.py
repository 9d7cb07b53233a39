# MAP_FIXED over a part of a mapping replaces it.
# truth: function=<module> line=@a domain=mmap total=100*4096,* leaked=90*4096,*
# truth: function=<module> line=@b domain=mmap total=10*4096,* leaked=10*4096,1
import known

known.mmap(0, 100 * 4096)  # @a
known.mmap_fixed(0, 20 * 4096, 10 * 4096)  # @b
