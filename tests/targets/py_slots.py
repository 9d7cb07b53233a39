# Instances with slots: 16 bytes for the collector, 16 for the object, 8 a slot.
# truth: function=make line=@a domain=obj total=5000*56,5000 leaked=5000*56,5000 temporary=0,0
# truth: function=make line=@b domain=obj total=5000*40,5000 leaked=0,0 temporary=5000*40,5000
import gc

gc.disable()


class Point:
    __slots__ = ("x", "y", "z")


class Single:
    __slots__ = ("x",)


kept = [None] * 5000


def make():
    for index in range(5000):
        kept[index] = Point()  # @a
    for _ in range(5000):
        Single()  # @b


make()
