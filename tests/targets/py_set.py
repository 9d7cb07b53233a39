# A set's tables as it grows to 1,000 members: 32, 128, 512, 2,048 entries of 16 bytes.
# truth: function=make line=@a domain=mem total=16*(32+128+512+2048),4 leaked=16*2048,1
def make(numbers):
    return set(numbers)  # @a


kept = make(list(range(1000)))
