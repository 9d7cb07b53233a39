# Python's own mmap module.
# truth: function=<module> line=@a domain=mmap total=1<<22,1 leaked=1<<22,1 peak=1<<22,1
# truth: function=<module> line=@b domain=mmap total=1<<21,1 leaked=0,0 peak=1<<21,1
# truth: function=<module> line=@c domain=mmap total=0,0
import mmap
import tempfile

kept = mmap.mmap(-1, 1 << 22)  # @a
gone = mmap.mmap(-1, 1 << 21)  # @b
gone.close()
with tempfile.TemporaryFile() as file:
    file.truncate(1 << 20)
    view = mmap.mmap(file.fileno(), 1 << 20)  # @c
