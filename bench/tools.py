"""The profilers compared: how each is started, and what it needs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tool:
    name: str  # for --tools and the JSON
    title: str  # the column
    package: str  # what must be installed for it, or ""
    options: tuple = ()

    def command(self, interpreter, output):
        """The command to which the program and its arguments are added."""
        if self.package == "barrow":
            start = [interpreter.barrow, "run", "-q", "-f", "-o", output]
            return [*start, "--python", interpreter.python, *self.options]
        if self.package == "memray":
            start = [interpreter.python, "-m", "memray", "run", "-q", "-f", "-o", output]
            return [*start, *self.options]
        return [interpreter.python, *self.options]


NONE = Tool("none", "none", "")
BARROW = Tool("barrow", "barrow", "barrow")
TOOLS = (
    NONE,
    BARROW,
    Tool("system", "barrow --scope system", "barrow", ("--scope", "system")),
    Tool("tracemalloc", "tracemalloc", "", ("-X", "tracemalloc=1")),
    Tool("memray", "memray", "memray"),
    Tool("memray-python", "memray +python", "memray", ("--trace-python-allocators",)),
    Tool(
        "memray-aggregate",
        "memray +python aggregate",
        "memray",
        ("--trace-python-allocators", "--aggregate"),
    ),
)
