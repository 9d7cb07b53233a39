# A library that keeps malloc and free in its data.
# truth: function=make line=@a domain=malloc total=100*1000,100 leaked=0,0
# truth: function=make line=@b domain=malloc total=100*3000,100 leaked=0,0
# truth: function=make line=@c domain=malloc total=50*77,50 leaked=0,0
# summary: unknown_frees>=0
import ctypes
import os

lib = ctypes.CDLL(os.environ["KNOWN"] + "/libtable.so")
for call in (lib.table_get, lib.table_resize, lib.table_get_constant):
    call.argtypes = [ctypes.c_int, ctypes.c_size_t]
    call.restype = None


def make():
    for slot in range(100):
        lib.table_get(slot, 1000)  # @a
    for slot in range(100):
        lib.table_resize(slot, 3000)  # @b
    for slot in range(50):
        lib.table_put(slot)
    for slot in range(50, 100):
        lib.table_put_plain(slot)
    for slot in range(50):
        lib.table_get_constant(slot, 77)  # @c
    for slot in range(50):
        lib.table_put_plain(slot)


make()
