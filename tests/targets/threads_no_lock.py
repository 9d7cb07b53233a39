# Python threads that allocate from one line at once, without the interpreter lock.
# truth: function=work line=@a domain=malloc total=8*200000*48,8*200000 leaked=0,0
# truth: function=work line=@b domain=malloc total=8*200000*5000,8*200000 leaked=0,0
# also: malloc jemalloc tcmalloc
import threading

import known


def work():
    known.pairs(200000, 48)  # @a
    known.pairs(200000, 5000)  # @b


threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
