# More stacks than the budget holds: deep ones are folded and counted, totals stay exact.
# options: --max-table 2M
# truth: function=leaf line=@leaf domain=malloc total=65536*3,65536 leaked=65536*3,65536
# dropped: folded_stacks
# summary: allocations>=65536 folded_stacks>=1
import known


def leaf():
    known.leak(3)  # @leaf


def tree(depth):
    if depth == 0:
        leaf()
        return
    tree(depth - 1)
    tree(depth - 1)


tree(16)
