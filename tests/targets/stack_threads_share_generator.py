# One generator, driven by two threads in turn: its callers change with the thread.
# stack: shared:@shared < left:@left < Thread.run:* < ... | domain=malloc total=100*51,100
# stack: shared:@shared < right:@right < Thread.run:* < ... | domain=malloc total=100*51,100
import threading

import known


def shared():
    while True:
        known.leak(51)  # @shared
        yield


def left():
    for _ in range(100):
        turns[0].acquire()
        next(generator)  # @left
        turns[1].release()


def right():
    for _ in range(100):
        turns[1].acquire()
        next(generator)  # @right
        turns[0].release()


generator = shared()
turns = threading.Semaphore(1), threading.Semaphore(0)
threads = [threading.Thread(target=left), threading.Thread(target=right)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
