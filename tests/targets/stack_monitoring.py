# sys.monitoring: instrumented code has the same lines.
# only: py>=(3,12)
# stack: work:@work < <module>:@a | domain=malloc total=10*31,10
# stack: on_line:@line < work:@work < <module>:@a | domain=malloc total=10*32,10
import sys

import known


def on_line(code, line):
    known.leak(32)  # @line


def work():
    known.leak(31)  # @work


monitoring = sys.monitoring
monitoring.use_tool_id(3, "target")
monitoring.register_callback(3, monitoring.events.LINE, on_line)
monitoring.set_local_events(3, work.__code__, monitoring.events.LINE)
for _ in range(10):
    work()  # @a
