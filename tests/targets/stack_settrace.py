# A trace function is a frame like any other, on top of the traced line.
# stack: traced:@work < <module>:@a | domain=malloc total=10*31,10
# stack: tracer:@tracer < traced:@work < <module>:@a | domain=malloc total=10*32,10
# truth: function=profiler line=@profiler domain=malloc total=10*34,10
# stack: profiled:@deep < <module>:@b | domain=malloc total=10*33,10
import sys

import known


def tracer(frame, event, argument):
    if frame.f_code is traced.__code__ and event == "line":
        known.leak(32)  # @tracer
    return tracer


def traced():
    known.leak(31)  # @work


def profiler(frame, event, argument):
    if event == "return" and frame.f_code is profiled.__code__:
        known.leak(34)  # @profiler


def profiled():
    known.leak(33)  # @deep


sys.settrace(tracer)
for _ in range(10):
    traced()  # @a
sys.settrace(None)
sys.setprofile(profiler)
for _ in range(10):
    profiled()  # @b
sys.setprofile(None)
