# No collection is run at the end: a cycle that nobody holds is still alive then.
# truth: function=make line=@a domain=obj total=100*40,100 leaked=100*40,100
# truth: function=collected line=@b domain=obj total=100*40,100 leaked=0,0
import gc


class Node:
    __slots__ = ("other",)


gc.collect()
gc.disable()


def collected():
    for _ in range(100):
        node = Node()  # @b
        node.other = node


def make():
    for _ in range(100):
        node = Node()  # @a
        node.other = node


collected()
gc.collect()
make()
