# A library is loaded, makes a block and is unloaded, many times; one is loaded from a thread.
# truth: function=work line=@a domain=malloc leaked=20*1000000,20
# truth: function=late line=@b domain=malloc total=999,1 leaked=999,1
import ctypes
import os
import threading

directory = os.environ["KNOWN"]
opener = ctypes.CDLL(directory + "/libopener.so")
path = (directory + "/liblate.so").encode()


def work():
    for _ in range(20):
        assert opener.opener_open_close(path, 1000000)  # @a


def late():
    inner = ctypes.CDLL(directory + "/liblate.so")
    inner.inner_make(999)  # @b


work()
thread = threading.Thread(target=late)
thread.start()
thread.join()
