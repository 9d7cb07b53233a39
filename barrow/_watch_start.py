"""Starts watching as BARROW_CONFIG says; imported by barrow.pth while the interpreter starts."""

try:
    from barrow._watch import start_from_environment
except ImportError as failure:
    import sys

    print(f"barrow: not watching: {failure}", file=sys.stderr)
else:
    start_from_environment()
