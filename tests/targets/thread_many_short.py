# 2,000 threads one after the other: a thread's recorder state is used again.
# truth: function=work line=@a domain=malloc total=2000*10,2000 leaked=2000*10,2000
# summary: threads=2001
import threading

import known


def work():
    known.leak(10)  # @a


for _ in range(2000):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
