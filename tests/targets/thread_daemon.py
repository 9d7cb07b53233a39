# A daemon thread that is still at work when the program ends.
# truth: function=work line=@a domain=malloc total=1000,10 leaked=1000,10
import threading

import known

ready = threading.Event()


def work():
    for slot in range(10):
        known.malloc(slot, 100)  # @a
    ready.set()
    threading.Event().wait()


threading.Thread(target=work, daemon=True).start()
ready.wait()
