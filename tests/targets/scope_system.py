# --scope system: Python's allocators are not looked into; what they ask of the C library is.
# options: --scope system
# truth: function=<module> line=@a domain=malloc total=1000033,1 leaked=1000033,1
# truth: function=<module> line=@b domain=malloc total=8000000,1 leaked=8000000,1
# truth: function=<module> line=@c domain=malloc total=77,1 leaked=77,1
# rows: by=domain name=obj total=0,0
# rows: by=domain name=mem total=0,0
# rows: by=domain name=mmap total=>1<<20,1
import known

one = bytes(1000000)  # @a
two = [None] * 1000000  # @b
known.leak(77)  # @c
small = [[index] for index in range(100000)]
