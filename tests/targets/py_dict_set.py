# The tables of sets: 16 bytes an entry, a power of two of them.
# truth: function=<module> line=@a domain=mem total=16*(32+128+512+2048),4 leaked=16*2048,1
numbers = list(range(1000))
kept = set(numbers)  # @a
