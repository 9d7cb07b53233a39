# A stack's root is its thread's group: the name with trailing digits as `*`.
# rows: by=thread name=pool-* domain=malloc leaked=>10*1000000,10
# rows: by=thread name=pool-* domain=malloc leaked=<11*1000000,200
# rows: by=thread name=feed* domain=malloc leaked=>10*1000000,10
# truth: function=work line=@a domain=malloc total=20*1000000,20 leaked=20*1000000,20
import threading

import known


def work(slot):
    known.malloc(slot, 1000000)  # @a


for index in range(20):
    name = f"pool-{index}" if index < 10 else f"feed{index}"
    thread = threading.Thread(target=work, args=(index,), name=name)
    thread.start()
    thread.join()
