# -m: the module's own body, its arguments, and the frames of runpy below it.
# module: yes
# args: one two
# truth: function=<module> line=@a domain=malloc total=80*3,3
import sys

import known

assert __name__ == "__main__"
for _ in sys.argv:
    known.leak(80)  # @a
