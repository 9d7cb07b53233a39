# An extension's function takes one reference too many of what it returns.
# HOLDER: @birth
# BIRTH: @birth
import keeper
import ordinary

SEEN = 0
for request in ordinary.requests(1500):
    packed = keeper.pack(request.body, 8)  # @birth
    SEEN += len(packed)
    del packed
