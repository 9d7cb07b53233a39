# Blocks made while threads exit, by key destructors: counted, or counted as lost.
# rows: by=thread name=native domain=malloc total=1000*(64-lost_allocations),64-lost_allocations
# dropped: lost_allocations
import known

known.at_thread_exit(64, 1000)
