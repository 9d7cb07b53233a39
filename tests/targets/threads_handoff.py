# One native thread makes blocks while another frees them.
# rows: by=thread name=native domain=malloc total=200000*72,200000 leaked=0,0
# also: jemalloc tcmalloc
import known

known.handoff(200000, 72)
