# Temporary: freed by its own thread with at most one allocation of that thread in between.
# truth: function=<module> line=@a domain=malloc total=64000,1000 temporary=64000,1000
# truth: function=<module> line=@b domain=malloc total=300,3 temporary=200,2
# truth: function=<module> line=@c domain=malloc total=50,1 temporary=50,1
# truth: function=<module> line=@d domain=mem total=60,1 temporary=60,1
# truth: function=<module> line=@e domain=obj total=70,1 temporary=0,0
# truth: function=<module> line=@f domain=malloc total=80,1 temporary=80,1
# truth: function=<module> line=@g domain=malloc total=90,1 temporary=0,0
import known

known.pairs(1000, 64)  # @a
known.crossed(100)  # @b
known.malloc(0, 50)  # @c
known.mem_malloc(1, 60)  # @d
known.free(0)
known.free(1)
known.obj_malloc(0, 70)  # @e
known.malloc(1, 80)  # @f
known.malloc(2, 90)  # @g
known.free(0)
known.free(1)
known.leak(1)
known.leak(1)
known.free(2)
