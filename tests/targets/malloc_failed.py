# Requests that can't be met are nothing; a failed realloc leaves the block where it was.
# truth: function=<module> line=@a domain=malloc total=0,0
# truth: function=<module> line=@b domain=malloc total=0,0
# truth: function=<module> line=@c domain=malloc total=700,1 leaked=700,1 temporary=0,0
# truth: function=<module> line=@d domain=malloc total=0,0
# truth: function=<module> line=@e domain=mem total=0,0
# truth: function=<module> line=@f domain=obj total=0,0
# truth: function=<module> line=@g domain=malloc total=0,0
# truth: function=<module> line=@h domain=mem total=123,1 leaked=123,1
# truth: function=<module> line=@i domain=mem total=0,0
# also: malloc
import known

assert not known.malloc(0, 1 << 62)  # @a
assert not known.calloc(0, 1 << 40, 1 << 40)  # @b
known.malloc(0, 700)  # @c
assert not known.realloc(0, 1 << 62)  # @d
assert not known.mem_malloc(1, 1 << 62)  # @e
assert not known.obj_calloc(1, 1 << 40, 1 << 20)  # @f
assert not known.posix_memalign(2, 3, 100)  # @g
known.mem_malloc(3, 123)  # @h
assert not known.mem_realloc(3, 1 << 62)  # @i
