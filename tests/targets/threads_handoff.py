# One native thread makes blocks while another frees them.
# truth: function= file= line=0 domain=malloc total=200000*72,200000 leaked=0,0
# peak: racing
# also: jemalloc tcmalloc
import known

known.handoff(200000, 72)
