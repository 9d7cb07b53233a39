# bytes(n) is one block of n + 33 bytes.
# truth: function=make line=@a domain=obj total=1000*(2000+33),1000 leaked=1000*(2000+33),1000
#     peak=1000*(2000+33),1000
# truth: function=make line=@b domain=obj total=(1<<25)+33,1 leaked=0,0 peak=(1<<25)+33,1
# truth: function=make line=@b domain=malloc total=0,0
# also: malloc debug jemalloc tcmalloc
kept = [None] * 1000


def make():
    for index in range(1000):
        kept[index] = bytes(2000)  # @a
    bytes(1 << 25)  # @b


make()
