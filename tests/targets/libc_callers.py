# Functions of the C library that allocate for their caller.
# truth: function=<module> line=@a domain=malloc total=1001,1 leaked=0,0
# truth: function=<module> line=@b domain=malloc total=301,1 leaked=301,1
# truth: function=<module> line=@c domain=malloc total=120,1 leaked=120,1
import known

known.open_lines()
known.strdup(0, 1000)  # @a
known.strndup(1, 300)  # @b
known.getline(2)  # @c
known.free(0)
