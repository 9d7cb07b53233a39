# array.array: the items in a block of their own.
# truth: function=make line=@a domain=mem total=8*100000,1 leaked=8*100000,1
# truth: function=make line=@b domain=mem total=4*500000,1 leaked=0,0
import array


def make(one, many):
    kept = one * 100000  # @a
    many * 500000  # @b
    return kept


kept = make(array.array("d", [0.0]), array.array("i", [0]))
