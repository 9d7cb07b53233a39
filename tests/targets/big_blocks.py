# Blocks of 4 GiB and more, which are never touched.
# truth: function=<module> line=@a domain=malloc total=5<<30,1 leaked=5<<30,1 peak=5<<30,1
# truth: function=<module> line=@b domain=malloc total=4<<30,1 leaked=0,0
# truth: function=<module> line=@c domain=malloc total=(4<<30)-1,1 leaked=0,0
# truth: function=<module> line=@d domain=mmap total=6<<30,1 leaked=0,0
# truth: function=<module> line=@e domain=malloc total=(4<<30)+4096,1 leaked=0,0
# truth: function=<module> line=@f domain=malloc total=100,1 leaked=100,1
import known

if not known.malloc(0, 5 << 30):  # @a
    print("skip: the machine refuses blocks of 5 GiB")
    raise SystemExit
known.malloc(1, 4 << 30)  # @b
known.free(1)
known.malloc(1, (4 << 30) - 1)  # @c
known.free(1)
known.mmap(2, 6 << 30)  # @d
known.free(2)
known.malloc(3, (4 << 30) + 4096)  # @e
known.realloc(3, 100)  # @f
