# __del__, weakref callbacks and gc callbacks run on top of whatever let go of the object.
# stack: Thing.__del__:@del < drop:@drop < <module>:@a | domain=malloc total=20*21,20
# stack: gone:@gone < drop:@drop < <module>:@a | domain=malloc total=20*22,20
# stack: Cycle.__del__:@cycle < collect:@collect < <module>:@b | domain=malloc total=10*24,10
import gc
import weakref

import known


class Thing:
    def __del__(self):
        known.leak(21)  # @del


class Cycle:
    def __init__(self):
        self.me = self

    def __del__(self):
        known.leak(24)  # @cycle


def gone(reference):
    known.leak(22)  # @gone


def drop():
    thing = Thing()
    reference = weakref.ref(thing, gone)
    del thing  # @drop
    return reference


def collect():
    gc.collect()  # @collect


gc.disable()
for _ in range(20):
    drop()  # @a
for _ in range(10):
    Cycle()
collect()  # @b
