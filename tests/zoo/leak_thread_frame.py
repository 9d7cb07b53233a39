# A thread that waits for a message that never comes holds what it has gathered in a local variable.
# HOLDER: @holder
# BIRTH: @birth
import queue
import threading

import ordinary


def gather(inbox):
    batch = []  # @holder
    while True:
        request = inbox.get()
        if request is None:
            batch.clear()
            continue
        batch.append(f"{request.url} {request.body * 5}")  # @birth


inbox = queue.Queue(maxsize=20)
threading.Thread(target=gather, args=(inbox,), name="gatherer", daemon=True).start()
for request in ordinary.requests(2000):
    inbox.put(request)
