# Threads that Python does not know race on the same sites: no frame, exact counts.
# rows: by=thread name=native domain=malloc total=16*100001*40,16*100001 leaked=0,0
# also: malloc jemalloc
import known

known.race(16, 100000, 40)
for slot in range(100, 116):
    known.free(slot)
