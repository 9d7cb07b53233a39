# A signal handler in C that allocates at a harmless point; the line that was running owns it.
# truth: function=<module> line=@a domain=malloc total=100*33,100 leaked=0,0
import known

for slot in range(100):
    known.in_signal(slot, 33)  # @a
for slot in range(100):
    known.free(slot)
