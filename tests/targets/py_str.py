# An ASCII string is one block: the header and n + 1 characters.
# truth: function=make line=@a domain=obj total=100*(5001+(48,40)[py>=(3,12)]),100
#     leaked=100*(5001+(48,40)[py>=(3,12)]),100
# truth: function=make line=@b domain=obj total=2*1000001+(72,56)[py>=(3,12)],1 leaked=0,0
def make(word):
    kept = [None] * 100
    for index in range(100):
        kept[index] = "x" * 5000  # @a
    word * 1000000  # @b
    return kept


kept = make("\u0394")
