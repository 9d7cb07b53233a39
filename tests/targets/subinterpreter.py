# Other interpreters of the process are recorded like the first.
# truth: function=<module> file=<other> line=3 domain=malloc total=10*71,10 leaked=10*71,10
# truth: function=<module> file=<other> line=4 domain=obj total=10*72,10 leaked=0,0
# truth: function=<module> file=<other> line=4 domain=malloc total=0,0
CODE = """import known
for slot in range(10):
    known.leak(71)
    known.obj_malloc(slot, 72)
    known.free(slot)
"""
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

other = interpreters.create()
interpreters.run_string(other, f"exec(compile({CODE!r}, '<other>', 'exec'))")
interpreters.destroy(other)
