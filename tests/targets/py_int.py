# An integer of k digits of 30 bits is 24 + 4 k bytes.
# truth: function=make line=@a domain=obj total=24+4*100001,1 leaked=24+4*100001,1
# truth: function=make line=@b domain=obj total=100*(24+4*11),100 leaked=100*(24+4*11),100
def make(one):
    big = one << 3000000  # @a
    many = [None] * 100
    for index in range(100):
        many[index] = one << 300  # @b
    return big, many


kept = make(1)
