# Blocks older than the recording are freed or reallocated: unknown, and nobody's.
# env: LD_PRELOAD=$KNOWN/libearly.so
# truth: function=<module> line=@a domain=malloc total=0,0
# truth: function=<module> line=@b domain=malloc total=5000,1 leaked=5000,1
# summary: unknown_frees>=61
import ctypes
import os

early = ctypes.CDLL(os.environ["KNOWN"] + "/libearly.so")
early.early_free(60)  # @a
early.early_grow(99)  # @b
