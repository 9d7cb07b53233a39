#!/usr/bin/env python3
"""Location tables with what CPython itself says about them, for tests/c/test_lines.c.

    make_lines.py [SOURCE ...] > lines-X.Y.txt      without SOURCE: the text below

One line a code object: first line, the table in hexadecimal, then `unit:line` for each unit at
which the line changes (`-`: no line), then `unit:end`.
"""

import sys
import types
from pathlib import Path

SOURCE = (
    '''
import os
class A:
    """Text."""
    x: int = 1

    def method(self, *args,
               key=None):
        with open(os.devnull) as file, open(os.devnull):
            for i in range(3):
                try:
                    yield (i +
                           len(args)), {
                        "a": [n for n in args if n],
                        "b": lambda: key,
                    }
                except (ValueError,
                        KeyError) as e:
                    raise RuntimeError from e
                finally:
                    file.close()



async def later(
    a,
    b
):
    async with a as c:
        return [x async for x in b if await c(x)] or (
            1
        )
'''
    + "\n" * 300
    + """
def far(x):
    match x:
        case {"k": [1, *rest]}:
            return rest
        case A(x=2) | None: return (
"""
    + "\n" * 5000
    + """
            x
            .y
            .z(
                1,
                2)
        )
    return f"{x!r:>{10}} {x + 1}"
"""
    + "value = ["
    + ", ".join(f"x{i}" for i in range(300))
    + "]\n"
)


def codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def show(code):
    words, last, end = [], (), 0
    for start, stop, line in code.co_lines():
        if line != last:
            words.append(f"{start // 2}:{'-' if line is None else line}")
            last = line
        end = stop
    return f"{code.co_firstlineno} {code.co_linetable.hex()} {' '.join(words)} {end // 2}:end"


def main():
    sources = [Path(name).read_bytes() for name in sys.argv[1:]] or [SOURCE]
    for source in sources:
        try:
            top = compile(source, "x.py", "exec")
        except (SyntaxError, ValueError):
            continue
        for code in codes(top):
            print(show(code))


if __name__ == "__main__":
    main()
