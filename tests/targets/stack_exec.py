# Code that is made, run and dropped 3,000 times: addresses come again, names must not be mixed up.
# truth: function=f0 file=<code0> line=2 domain=malloc total=500*10,500
# truth: function=f1 file=<code1> line=2 domain=malloc total=500*11,500
# truth: function=f2 file=<code2> line=2 domain=malloc total=500*12,500
# truth: function=f3 file=<code3> line=2 domain=malloc total=500*13,500
# truth: function=f4 file=<code4> line=2 domain=malloc total=500*14,500
# truth: function=f5 file=<code5> line=2 domain=malloc total=500*15,500
# truth: function=<module> file=<expression> line=1 domain=malloc total=1000*16,1000
import known

addresses = set()
for turn in range(3000):
    kind = turn % 6
    source = f"def f{kind}():\n    known.leak({10 + kind})\n"
    names = {"known": known}
    exec(compile(source, f"<code{kind}>", "exec"), names)
    function = names[f"f{kind}"]
    function()
    addresses.add(id(function.__code__))
    names.clear()
    del function
assert len(addresses) < 1500, "addresses were meant to come again"
for _ in range(1000):
    eval(compile("known.leak(16)", "<expression>", "eval"))
