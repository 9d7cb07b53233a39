# A library with RUNPATH opens another by its bare name: it is found, and its blocks are counted.
# truth: function=<module> line=@a domain=malloc total=4321,1 leaked=4321,1
# truth: function=again line=@b domain=malloc total=10*1234,10 leaked=10*1234,10
import ctypes
import os

opener = ctypes.CDLL(os.environ["KNOWN"] + "/libopener.so")


def again():
    for _ in range(10):
        assert opener.opener_call(1234)  # @b


assert opener.opener_call(4321), "libinner.so was not found by RUNPATH"  # @a
again()
