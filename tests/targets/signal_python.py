# A signal handler in Python is a function on top of the line it interrupted.
# stack: handler:@a < <module>:@b | domain=malloc total=50*21,50 leaked=0,0
# truth: function=handler line=@a domain=malloc total=50*21,50
import signal

import known


def handler(number, frame):
    known.malloc(0, 21)  # @a


signal.signal(signal.SIGUSR1, handler)
for _ in range(50):
    signal.raise_signal(signal.SIGUSR1)  # @b
    known.free(0)
