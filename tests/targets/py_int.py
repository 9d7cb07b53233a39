# An integer of k digits of 30 bits is 24 + 4 k bytes.
# truth: function=<module> line=@a domain=obj total=24+4*100001,1 leaked=24+4*100001,1
# truth: function=<module> line=@b domain=obj total=100*(24+4*11),100 leaked=100*(24+4*11),100
one = int("1")
kept = one << 3000000  # @a
many = [None] * 100
for index in range(100):
    many[index] = one << 300  # @b
