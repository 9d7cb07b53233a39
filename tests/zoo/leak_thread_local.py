# Workers of a pool keep what they made for each task in a thread-local list.
# HOLDER: @holder
# BIRTH: @birth
import queue
import threading

import ordinary

local = threading.local()
tasks = queue.Queue(maxsize=20)


def remember(request):
    if not hasattr(local, "parsed"):
        local.parsed = []  # @holder
    local.parsed.append(request.body.split(" ") * 4)  # @birth


def work():
    while True:
        remember(tasks.get())
        tasks.task_done()


for number in range(4):
    threading.Thread(target=work, name=f"pool-{number}", daemon=True).start()
for request in ordinary.requests(2000):
    tasks.put(request)
tasks.join()
