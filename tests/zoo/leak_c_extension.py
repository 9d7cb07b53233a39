# An extension module keeps what it is given in a C array that the collector doesn't see.
# C memory has no line: what is named is the line that makes what it holds.
# HOLDER: @birth
# BIRTH: @birth
import keeper
import ordinary

for request in ordinary.requests(1500):
    keeper.keep(request.body.split(" ") * 10)  # @birth
