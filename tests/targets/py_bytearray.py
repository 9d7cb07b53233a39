# A bytearray keeps its bytes in a block of their own: n + 1 bytes, of obj until 3.12, of mem in 3.13
# and 3.14; from 3.15 on it is a bytes object.
# truth: function=make line=@a domain=obj
#     leaked=56+8*(py>=(3,15))+1000001*(py<(3,13))+1000033*(py>=(3,15)),1+(py!=(3,13))*(py!=(3,14))
# truth: function=make line=@a domain=mem leaked=1000001*((3,13)<=py<(3,15)),1*((3,13)<=py<(3,15))
# truth: function=make line=@b domain=obj total=>56,1 leaked=0,0
# truth: function=make line=@b domain=malloc total=0,0
def make():
    kept = bytearray(1000000)  # @a
    bytearray(1 << 24)  # @b
    return kept


kept = make()
