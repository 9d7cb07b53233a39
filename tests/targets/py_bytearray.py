# A bytearray keeps its bytes in a block of their own, of n + 1 bytes (3.15: a bytes object).
# truth: function=make line=@a domain=obj total=1000001+(py>=(3,15))*32+56,2
#     leaked=1000001+(py>=(3,15))*32+56,2
# truth: function=make line=@b domain=obj total=(1<<24)+1+(py>=(3,15))*32+56,2 leaked=0,0
def make():
    kept = bytearray(1000000)  # @a
    bytearray(1 << 24)  # @b
    return kept


kept = make()
