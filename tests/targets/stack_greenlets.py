# Greenlets: each has its own stack, however they switch.
# needs: greenlet
# stack: leaf:@leaf < run:@run | domain=malloc total=100*23,100
# stack: leaf:@leaf < <module>:@main | domain=malloc total=50*23,50
# truth: function=leaf line=@leaf domain=malloc total=150*23,150
import greenlet
import known


def leaf():
    known.leak(23)  # @leaf


def run():
    for _ in range(50):
        leaf()  # @run
        main.switch()


main = greenlet.getcurrent()
one, two = greenlet.greenlet(run), greenlet.greenlet(run)
for _ in range(50):
    one.switch()
    leaf()  # @main
    two.switch()
