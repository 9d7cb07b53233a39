"""A watch's configuration read with PyYAML, in builds of barrow without libyaml."""

from collections.abc import Iterator, Sequence
from typing import Any

import yaml


def settings(path: str | bytes, section: Sequence[str]) -> Iterator[tuple[str, str | None, object]]:
    """Give what a section of a YAML file holds, each with its line: ("app.yaml:7: ", key, value).

    A section that is no mapping is one setting without a key.
    """
    name = path if isinstance(path, str) else path.decode(errors="backslashreplace")
    with open(path, "rb") as file:
        loader = yaml.SafeLoader(file)
        try:
            yield from _walk(loader, loader.get_node() if loader.check_node() else None, name, section)
        finally:
            loader.dispose()


def _walk(loader: Any, node: Any, name: str, section: Sequence[str]) -> Iterator[tuple[str, str | None, object]]:
    for key in section:
        node = _find(loader, node, key)
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)  # what is merged in (<<) comes first
        # The last one counts, as in PyYAML's own mappings.
        last = {key.value if isinstance(key, yaml.ScalarNode) else "(this key)": (key, value) for key, value in node.value}
        for text, (key, value) in last.items():
            yield _place(name, key), text, loader.construct_object(value, deep=True)
    elif node is not None and (value := loader.construct_object(node, deep=True)) is not None:
        yield _place(name, node), None, value


def _find(loader: Any, node: Any, name: str) -> Any:
    if not isinstance(node, yaml.MappingNode):
        return None
    loader.flatten_mapping(node)
    found = [value for key, value in node.value if isinstance(key, yaml.ScalarNode) and key.value == name]
    return found[-1] if found else None


def _place(name: str, node: Any) -> str:
    return f"{name}:{node.start_mark.line + 1}: "
