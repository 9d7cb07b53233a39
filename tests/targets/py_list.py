# A list of n items keeps 8 n bytes in a block of its own.
# truth: function=make line=@a domain=mem total=8000000,1 leaked=8000000,1 peak=8000000,1
# truth: function=make line=@b domain=mem total=100*8000,100 leaked=0,0 peak=0,0
# truth: function=make line=@c domain=mem total=100*80000,100 leaked=0,0 peak=100*80000,100
# also: malloc debug
def make(none):
    rows = none * 100
    for index in range(100):
        rows[index] = none * 1000  # @b
    big = none * 1000000  # @a
    rows = none * 100
    for index in range(100):
        rows[index] = none * 10000  # @c
    return big


kept = make([None])
