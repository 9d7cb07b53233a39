# 4,096 different stacks of one leaf: a tree of calls, two ways at each of 12 levels.
# truth: function=leaf line=@leaf domain=malloc total=4096*61,4096
# stack: leaf:@leaf < tree:@end < 12*tree:@l < <module>:@a | domain=malloc total=61,1
# stack: leaf:@leaf < tree:@end < 5*tree:@r < 7*tree:@l < <module>:@a | domain=malloc total=61,1
# stack: leaf:@leaf < tree:@end < tree:@l < tree:@r < 10*tree:@l < <module>:@a
#     | domain=malloc total=61,1
# summary: stacks>=4096
import known


def leaf():
    known.leak(61)  # @leaf


def tree(depth):
    if depth == 0:
        leaf()  # @end
        return
    tree(depth - 1)  # @l
    tree(depth - 1)  # @r


tree(12)  # @a
