"""A watch's configuration read with PyYAML, in builds of barrow without libyaml.

Importing this raises ImportError where PyYAML isn't installed.
"""

import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from barrow._open import StrPath

yaml: Any = import_module("yaml")  # its types are a package of their own


class UnreadableError(Exception):
    """The file is no YAML, or can't be read; the text says where and why."""


def settings(path: StrPath, section: Sequence[str]) -> Iterator[tuple[str, str | None, object]]:
    """Give what a section of a YAML file holds, each with its line: ("app.yaml:7: ", key, value).

    A section that is no mapping is one setting without a key.
    """
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            loader = yaml.SafeLoader(file)
            try:
                yield from _walk(loader, loader.get_node() if loader.check_node() else None, name, section)
            finally:
                loader.dispose()
    except OSError as error:
        raise UnreadableError(f"{name}: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnreadableError(f"{name}:{line}: this is no valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UnreadableError(f"{name}:1: this is no valid YAML: {' '.join(str(error).split())}") from None


def _walk(loader: Any, node: Any, name: str, section: Sequence[str]) -> Iterator[tuple[str, str | None, object]]:
    for key in section:
        node = _find(loader, node, key)
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)  # what is merged in (<<) comes first
        # The last one counts, as in PyYAML's own mappings.
        last = {_text(key): (key, value) for key, value in node.value}
        for text, (key, value) in last.items():
            yield _place(name, key), text, loader.construct_object(value, deep=True)
    elif node is not None and (value := loader.construct_object(node, deep=True)) is not None:
        yield _place(name, node), None, value


def _find(loader: Any, node: Any, name: str) -> Any:
    if not isinstance(node, yaml.MappingNode):
        return None
    loader.flatten_mapping(node)
    found = [value for key, value in node.value if _text(key) == name]
    return found[-1] if found else None


def _text(key: Any) -> str:
    return str(key.value) if isinstance(key, yaml.ScalarNode) else "(this key)"


def _place(name: str, node: Any) -> str:
    return f"{name}:{node.start_mark.line + 1}: "
