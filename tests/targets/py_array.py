# array.array and struct-like buffers.
# truth: function=<module> line=@a domain=mem total=8*100000,1 leaked=8*100000,1
# truth: function=<module> line=@b domain=mem total=4*500000,1 leaked=0,0
import array

one = array.array("d", [0.0])
many = array.array("i", [0])
one = one * 100000  # @a
many = many * 500000  # @b
del many
