"""`python OPTIONS -m barrow …`: the command `barrow`, with this interpreter and its OPTIONS."""

import os
import sys

# Of CPython's command line: short options that take a value, long ones that take the next word.
_WITH_VALUE = "cmWX"
_LONG_WITH_VALUE = ("--check-hash-based-pycs",)


def interpreter_options(argv: list[str]) -> list[str]:
    """Give the words of `sys.orig_argv` between the interpreter and `-m barrow`, without `-m`.

    >>> interpreter_options(["python", "-IXdev", "-W", "error", "-Om", "barrow", "run", "x.py"])
    ['-I', '-Xdev', '-Werror', '-O']
    """
    options: list[str] = []
    words = iter(argv[1:])
    for word in words:
        if word.startswith("--"):
            options.append(word)
            if word in _LONG_WITH_VALUE:
                options.append(next(words, ""))
            continue
        for at, letter in enumerate(word[1:], start=1):
            if letter == "m":
                return options
            if letter in _WITH_VALUE:
                options.append(f"-{letter}{word[at + 1 :] or next(words, '')}")
                break
            options.append(f"-{letter}")
    return options


def executable() -> str | None:
    """Give the path of the native command that was installed with this package."""
    here = os.path.dirname(os.path.abspath(__file__))
    # lib/pythonX.Y/site-packages/barrow: the common case, found without reading metadata.
    beside = os.path.normpath(os.path.join(here, "..", "..", "..", "..", "bin", "barrow"))
    if os.access(beside, os.X_OK):
        return beside

    from importlib import metadata

    try:
        for file in metadata.files("barrow") or ():
            path = str(file.locate())
            if file.name == "barrow" and os.path.isfile(path) and os.access(path, os.X_OK):
                return path
    except metadata.PackageNotFoundError:
        pass

    from shutil import which

    return which("barrow")


def main() -> int:
    """Replace this process by the native command; return only if that fails."""
    path = executable()
    if path is None:
        print("barrow: the command is missing: install the package again", file=sys.stderr)
        return 2
    os.environ["BARROW_PYTHON"] = sys.executable
    os.environ["BARROW_PYTHON_OPTIONS"] = "\n".join(interpreter_options(sys.orig_argv))
    try:
        os.execv(path, [path, *sys.argv[1:]])
    except OSError as error:
        print(f"barrow: can't run {path}: {error.strerror}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
