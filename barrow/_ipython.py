"""Magics for IPython and Jupyter: `%load_ext barrow` gives %mem, %mem_flame, %memit and %mprun."""

import ast
import builtins
import functools
import gc
import linecache
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from barrow import _core
from barrow._html import _bytes as size_text
from barrow._open import open as open_ledger
from barrow._record import record

_OWN_FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
_SHOWN = 5
_SMALLEST = 0.01  # of the largest line: what is not worth a row
_SOURCE_WIDTH = 60
_PATH_WIDTH = 40


class Shell(Protocol):
    """What is needed of IPython's shell."""

    user_ns: dict[str, Any]
    execution_count: int
    compile: Any

    def transform_cell(self, raw_cell: str) -> str: ...
    def transform_ast(self, node: ast.AST) -> Any: ...
    def register_magic_function(
        self, func: Callable[..., Any], magic_kind: str = ..., magic_name: str | None = ...
    ) -> None: ...


# ---- statements and options ----


class _Statement:
    """A statement or cell, compiled beforehand, so that only its running is measured.

    Its source is known to linecache, like that of all cells, with the lines' numbers of the cell:
    what follows a magic's name on its line is line 1.
    """

    def __init__(self, shell: Shell, line: str, cell: str | None = None) -> None:
        self._names = shell.user_ns
        source = shell.transform_cell(line) if line.strip() else "\n"
        if cell is not None:
            body = cell.lstrip("\n")
            source += "\n" * (len(cell) - len(body)) + shell.transform_cell(body)
        file = shell.compile.cache(source, shell.execution_count, source)
        tree = shell.transform_ast(shell.compile.ast_parse(source, filename=file))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        try:
            self._body = shell.compile(tree, file, "exec")
            self._value = shell.compile(ast.Expression(last.value), file, "eval") if last else None
        except SyntaxError as error:
            if re.search("'(await|async)", str(error)):
                text = "what awaits at its top level can't be measured: await in a function that is called"
                raise _usage_error(text) from None
            raise

    def run(self) -> Any:
        """Run it; give the value of the last expression, if it ends with one."""
        exec(self._body, self._names)
        return eval(self._value, self._names) if self._value else None


def _options(line: str, known: str) -> tuple[dict[str, list[str]], str]:
    """Take the options from the beginning of a line.

    known: letters; those that take a value are followed by a colon.

    >>> _options("-r3 -c x = -1", "r:c")
    ({'r': ['3'], 'c': ['']}, 'x = -1')
    """
    found: dict[str, list[str]] = {}
    rest = line.lstrip()
    while match := re.match(r"-([a-zA-Z]+)", rest):
        letters, after = match[1], rest[match.end() :]
        while letters and letters[0] in known:
            letter, letters = letters[0], letters[1:]
            value = ""
            if f"{letter}:" in known:
                word = re.match(r"\s*(\S*)", letters + after)
                assert word is not None
                value, after, letters = word[1], (letters + after)[word.end() :], ""
            found.setdefault(letter, []).append(value)
        if letters:
            break  # a statement that begins with a minus
        rest = after.lstrip()
    return found, rest


def _usage_error(text: str) -> Exception:
    from importlib import import_module

    error: Exception = import_module("IPython.core.error").UsageError(text)
    return error


# ---- %mem, %mem_flame ----


class _Line(NamedTuple):
    bytes: int
    file: str
    line: int


class Measured:
    """What a statement did to memory; notebooks show the report, terminals the figures."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._recording = record()
        self._title = ""
        self._lines: list[_Line] = []

    def run(self, statement: _Statement) -> Any:
        outer = _allocated_lines()
        with self._recording:
            value = statement.run()
        if outer is None:
            self._title = "at the peak"
            self._lines = _by_line(self._recording.table("peak", "line"))
        else:
            self._title = "allocated"
            now = _allocated_lines() or {}
            grown = (_Line(size - outer.get(key, 0), *key) for key, size in now.items())
            self._lines = sorted((line for line in grown if line.bytes), reverse=True)
        return value

    def __repr__(self) -> str:
        facts = self._recording.summary()
        head = (
            f"peak: {size_text(facts['peak_bytes'])}, increment: {_signed(facts['live_bytes'])}, "
            f"allocations: {facts['allocations']:,} ({size_text(facts['total_bytes'])})"
        )
        least = self._lines[0].bytes * _SMALLEST if self._lines else 0
        shown = [line for line in self._lines[:_SHOWN] if line.bytes >= least]
        rows = [(size_text(line.bytes), self._place(line), _source(line)) for line in shown]
        if not rows:
            return head
        width = max(len(place) for _, place, _ in rows)
        lines = [f"{size:>10}  {place:<{width}}  {source}".rstrip() for size, place, source in rows]
        return "\n".join([head, f"{self._title:>10}", *lines])

    def _place(self, line: _Line) -> str:
        name = line.file
        label = getattr(self._shell.compile, "format_code_name", lambda name: None)(name)
        if label:
            name = " ".join(label)
        elif len(name) > _PATH_WIDTH:
            name = f"…{name[1 - _PATH_WIDTH :]}"
        return f"{name}:{line.line}" if name else "(no Python code)"

    def _repr_html_(self) -> str | None:
        return self._recording._repr_html_()


def _signed(size: int) -> str:
    return f"-{size_text(-size)}" if size < 0 else size_text(size)


def _source(line: _Line) -> str:
    text = linecache.getline(line.file, line.line).strip()
    return text if len(text) <= _SOURCE_WIDTH else f"{text[: _SOURCE_WIDTH - 1]}…"


def _by_line(rows: Sequence[Any]) -> list[_Line]:
    """Add up the domains of each line; largest first.  barrow's own lines are left out."""
    sums: dict[tuple[str, int], int] = {}
    for row in rows:
        if not row.file.startswith(_OWN_FILES):
            key = row.file, row.line
            sums[key] = sums.get(key, 0) + row.bytes
    return sorted((_Line(size, *key) for key, size in sums.items()), reverse=True)


def _allocated_lines() -> dict[tuple[str, int], int] | None:
    """Give by line what the recording under way has seen allocated; None if there is none."""
    if not _core.recording():
        return None
    table = open_ledger(_core.record_path()).table("total", "line")
    return {(line.file, line.line): line.bytes for line in _by_line(table)}


def mem(shell: Shell, line: str, cell: str | None = None) -> Any:
    """Show what a statement or a cell does to memory: `%mem STATEMENT`, or `%%mem` before a cell.

    peak: the most that was live at once, beyond what was live before; increment: what is left of it
    at the end; allocations: how many, and their bytes.  Below them the lines that own most.

    All figures are counts of what was allocated, not samples.  The value of the last expression is
    given as that of the magic.
    """
    measured = Measured(shell)
    value = measured.run(_Statement(shell, line, cell))
    print(measured)
    return value


def mem_flame(shell: Shell, line: str, cell: str | None = None) -> Measured:
    """Show the report of a statement or a cell, with its flame graph: `%%mem_flame` before a cell.

    In a terminal, or if barrow was built without the report's page: its figures.
    """
    measured = Measured(shell)
    measured.run(_Statement(shell, line, cell))
    return measured


# ---- %memit, %mprun ----


class MemitResult:
    """What %memit -o gives.  mem_usage: the peaks of the repetitions, in MiB; baseline: before them."""

    def __init__(
        self,
        mem_usage: list[float],
        baseline: float,
        repeat: int,
        timeout: int | None,
        interval: float,
        include_children: bool,
    ) -> None:
        self.mem_usage = mem_usage
        self.baseline = baseline
        self.repeat = repeat
        self.timeout = timeout
        self.interval = interval
        self.include_children = include_children

    def __str__(self) -> str:
        peak = max(self.mem_usage)
        return f"peak memory: {peak:.2f} MiB, increment: {peak - self.baseline:.2f} MiB"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(f"<MemitResult : {self}>")


def memit(shell: Shell, line: str, cell: str | None = None) -> MemitResult | None:
    """Measure the resident memory of a statement: `%memit [-rR] [-tT] [-iI] [-c] [-o] [-q] STATEMENT`.

    `%%memit SETUP` before a cell measures the cell; SETUP is run before and not measured.

    -rR: repeat R times and take the highest.    -iI: measure every I seconds, 0.1 by default.
    -tT: accepted; a statement is measured until it ends.
    -c: add child processes.    -o: give an object with the details.    -q: print nothing.
    """
    from barrow.compat._memory_profiler.memory import memory_usage

    options, rest = _options(line, "r:t:i:coq")
    try:
        repeat = max(1, int(options.get("r", ["1"])[-1]))
        timeout = int(options.get("t", ["0"])[-1])
        interval = float(options.get("i", ["0.1"])[-1])
    except ValueError as error:
        raise _usage_error(f"%memit: {error}: -r and -t take whole numbers, -i seconds") from None
    if cell is not None:
        _Statement(shell, rest).run()
    statement = _Statement(shell, rest) if cell is None else _Statement(shell, "", cell)
    gc.collect()
    baseline = memory_usage(include_children="c" in options)[0]
    peaks = [
        memory_usage(
            (_run, (statement,)),
            interval=interval,
            max_usage=True,
            include_children="c" in options,
        )
        for _ in range(repeat)
    ]
    result = MemitResult(
        peaks, baseline, repeat, timeout if timeout > 0 else None, interval, "c" in options
    )
    if "q" not in options:
        print(result)
    return result if "o" in options else None


def _run(statement: _Statement) -> None:
    statement.run()


def mprun(shell: Shell, line: str, cell: str | None = None) -> Any:
    """Show what the lines of functions use: `%mprun -f FUNCTION [-f …] [-T FILE] [-r] STATEMENT`.

    `%%mprun -f FUNCTION` before a cell measures while the cell runs.  Functions that were defined in
    cells are as good as others.

    -f FUNCTION: an expression without spaces that gives a function or method.
    -T FILE: write the table there, too.    -r: give the LineProfiler.    -c: accepted.
    """
    from barrow.compat._memory_profiler.lines import LineProfiler, show_results

    options, rest = _options(line, "f:T:rc")
    profiler = LineProfiler(include_children="c" in options)
    for name in options.get("f", []):
        try:
            profiler.add_function(eval(name, shell.user_ns))
        except Exception as error:
            kind = type(error).__name__
            raise _usage_error(f"Could not find function {name!r}.\n{kind}: {error}") from None
    statement = _Statement(shell, rest, cell)
    message = _run_profiled(profiler, statement)

    from io import StringIO

    table = StringIO()
    show_results(profiler, stream=table)
    text = table.getvalue().rstrip()
    _page(text)
    if message:
        print(message)
    for path in options.get("T", []):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        print(f"*** Profile printout saved to text file {path}.")
    return profiler if "r" in options else None


def _run_profiled(profiler: Any, statement: _Statement) -> str:
    """Run it with the builtin `profile`; give what to say of how it ended."""
    from barrow.compat._memory_profiler.windows import end_recording

    missing = object()
    before = builtins.__dict__.get("profile", missing)
    builtins.__dict__["profile"] = profiler
    try:
        with profiler:
            statement.run()
    except SystemExit:
        return "*** SystemExit exception caught in code being profiled."
    except KeyboardInterrupt:
        return "*** KeyboardInterrupt exception caught in code being profiled."
    finally:
        end_recording()
        if before is missing:
            del builtins.__dict__["profile"]
        else:
            builtins.__dict__["profile"] = before
    return ""


def _page(text: str) -> None:
    from importlib import import_module

    import_module("IPython.core.page").page(text)


# ---- loading ----


def _register(shell: Shell, functions: Sequence[Callable[..., Any]]) -> None:
    for function in functions:

        def magic(line: str, cell: str | None = None, run: Any = function) -> Any:
            return run(shell, line, cell)

        functools.update_wrapper(magic, function)
        # Braces in statements are Python's: IPython is not to expand them.
        magic.__dict__["_ipython_magic_no_var_expand"] = True
        shell.register_magic_function(magic, "line_cell", function.__name__)


def load_ipython_extension(ip: Shell) -> None:
    """Give IPython the magics %mem, %mem_flame, %memit and %mprun: `%load_ext barrow`."""
    _register(ip, (mem, mem_flame, memit, mprun))


def load_memory_profiler(ip: Shell) -> None:
    """Give IPython the magics that memory_profiler has."""
    _register(ip, (memit, mprun))
