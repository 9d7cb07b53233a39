# Parts are loaded when they are first asked for, all within the first third of the run.
import ordinary

PARTS = {}


def part(name):
    if name not in PARTS:
        PARTS[name] = {f"{name}-{n}": [n, n * 0.5, f"value {n}"] for n in range(300)}
    return PARTS[name]


total = 0
for request in ordinary.requests(2400):
    number = min(request.number // 20, 39)
    total += part(f"part{number}")[f"part{number}-{request.number % 300}"][0]
