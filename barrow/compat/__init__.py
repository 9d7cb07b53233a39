"""Stand-ins for other packages: code that imports those runs on barrow, unchanged.

    import barrow.compat
    barrow.compat.install("memory_profiler")

or, without a line of code, `BARROW_COMPAT=memory_profiler,objgraph,pympler` in the environment.
"""

import os
import sys

TYPE_CHECKING = False  # see barrow/__init__.py
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["install"]

STAND_INS = ("memory_profiler", "objgraph", "pympler")
VARIABLE = "BARROW_COMPAT"


class _Finder:
    """Leads the imports of the names that were asked for to the files beside this one."""

    names: "set[str]" = set()  # noqa: RUF012  there is one finder, the class itself

    @classmethod
    def find_spec(
        cls, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        if name not in cls.names:
            return None
        from importlib.util import spec_from_file_location

        file = _file(name)
        folder = os.path.dirname(file)
        is_package = os.path.basename(folder) == name
        return spec_from_file_location(name, file, submodule_search_locations=[folder] if is_package else None)


def _file(name: str) -> str:
    here = os.path.dirname(os.path.abspath(__file__))
    package = os.path.join(here, name, "__init__.py")
    return package if os.path.exists(package) else os.path.join(here, f"{name}.py")


def install(name: str) -> None:
    """Let `import NAME` give barrow's stand-in from here on, in this process and in its children.

    The package itself need not be there; if it is and has been imported, what was imported from it
    stays what it is.  Children get the name in the environment's BARROW_COMPAT.

    name: "memory_profiler", "objgraph" or "pympler".

    Raises ValueError if there is no such stand-in.
    """
    if name not in STAND_INS:
        raise ValueError(f"no stand-in for {name!r}; there is one for {', '.join(STAND_INS)}")
    _Finder.names.add(name)
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
    loaded = sys.modules.get(name)
    if loaded is not None and getattr(loaded, "__file__", None) != _file(name):
        for module in [module for module in sys.modules if module == name or module.startswith(f"{name}.")]:
            del sys.modules[module]
    os.environ[VARIABLE] = ",".join(sorted({*_asked(), name}))


def _asked() -> "list[str]":
    return [name for name in os.environ.get(VARIABLE, "").replace(" ", "").split(",") if name]


def install_from_environment() -> None:
    """Install what BARROW_COMPAT names, separated by commas.

    A name without a stand-in costs one line on standard error: the program runs.
    """
    for name in _asked():
        try:
            install(name)
        except ValueError as error:
            if sys.stderr is not None:
                print(f"barrow: {VARIABLE}: {error}", file=sys.stderr)
