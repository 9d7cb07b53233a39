# ctypes callbacks: libc's qsort calls a Python function, as often as it likes.
# truth: function=compare line=@a domain=malloc leaked=0,0
import ctypes

import known

calls = 0


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
def compare(a, b):
    global calls
    calls += 1
    known.pairs(1, 100)  # @a
    return a[0] - b[0]


numbers = (ctypes.c_int * 100)(*range(100, 0, -1))
ctypes.CDLL(None).qsort(numbers, 100, ctypes.sizeof(ctypes.c_int), compare)  # @b
assert list(numbers) == list(range(1, 101))
print(f"truth: function=compare line=@a domain=malloc total={calls}*100,{calls}")
print(f"stack: compare:@a < <module>:@b | domain=malloc total={calls}*100,{calls}")
