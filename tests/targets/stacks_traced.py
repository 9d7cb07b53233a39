# Stacks to be checked: settrace and setprofile at work, code made anew at the addresses of old.
# Argument: rounds.
import sys


def tracer(frame, event, argument):
    kept = [event, [frame.f_lineno]]
    return tracer if kept else None


def profiler(frame, event, argument):
    return [[event], [argument is None]]


def work(depth):
    kept = [[depth], [n for n in range(3)]]
    if depth:
        work(depth - 1)
    return [kept, sorted([[2], [1]], key=lambda item: [item])]


def made_anew(turn):
    lines = "\n" * (turn % 7)
    body = "; ".join([f"x{n} = [[{n}], [{turn}]]" for n in range(turn % 5 + 1)])
    source = f"{lines}def f{turn % 11}(n):\n    {body}\n    return [n, [n]]\n"
    names = {}
    exec(compile(source, f"<made {turn % 13}>", "exec"), names)
    function = names[f"f{turn % 11}"]
    result = [function(n) for n in range(5)]
    names.clear()
    return result


for turn in range(int(sys.argv[1])):
    sys.settrace(tracer)
    work(5)
    sys.settrace(None)
    sys.setprofile(profiler)
    work(5)
    sys.setprofile(None)
    work(5)
    for n in range(20):
        made_anew(turn * 20 + n)
        eval(f"[[{n}], [[n] for n in range(4)]]")
