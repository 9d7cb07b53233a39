# Statements of several lines, several calls on one line, loops and branches.
# truth: function=lines line=@a domain=malloc total=10+20,2
# truth: function=lines line=@b domain=malloc total=30,1
# truth: function=lines line=@c domain=malloc total=40,1
# truth: function=lines line=@d domain=malloc total=50,1
# truth: function=lines line=@e domain=malloc total=3*60,3
# truth: function=lines line=@f domain=malloc total=70,1
# truth: function=lines line=@g domain=malloc total=80,1
# truth: function=lines line=@h domain=malloc total=90,1
import known


def lines():
    known.leak(10), known.leak(20)  # @a
    both = (
        known.leak(30),  # @b
        known.leak(40),  # @c
    )
    known.leak(  # @d
        50,
    )
    for _ in range(3):
        known.leak(60)  # @e
    try:
        known.leak(70)  # @f
        raise ValueError
    except ValueError:
        known.leak(80)  # @g
    finally:
        known.leak(90)  # @h
    return both


lines()
