"""The stand-in for objgraph: what it says of known heaps, and beside objgraph itself where that is installed."""

from __future__ import annotations

import gc
import importlib.util
import inspect
import io
import itertools
import re
import sys
import types
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from runner import execute

from barrow.compat import objgraph

HAS_PEER = importlib.util.find_spec("objgraph") is not None
beside = pytest.mark.skipif(not HAS_PEER, reason="objgraph isn't installed")


class Node:
    def __init__(self, **links: Any) -> None:
        self.links = links


class Leaf:
    pass


KEPT: dict[str, Any] = {}


@pytest.fixture
def kept():
    yield KEPT
    KEPT.clear()


def text_of(show, *args: Any, **options: Any) -> str:
    out = io.StringIO()
    show(*args, output=out, **options)
    return out.getvalue()


# ---- counts ----------------------------------------------------------------------------------------


def test_counts_by_name() -> None:
    leaves = [Leaf() for _ in range(17)]
    assert objgraph.count("Leaf") == 17
    assert objgraph.count(f"{__name__}.Leaf") == 17
    assert objgraph.count("Leaf", [leaves[0], 3, leaves[1]]) == 2
    assert {id(leaf) for leaf in objgraph.by_type("Leaf")} == {id(leaf) for leaf in leaves}
    assert objgraph.by_type(f"{__name__}.Leaf", [leaves[0], 1]) == [leaves[0]]
    assert objgraph.by_type("NoSuchClass") == []
    assert objgraph.typestats()["Leaf"] == 17
    assert objgraph.typestats(shortnames=False)[f"{__name__}.Leaf"] == 17
    assert objgraph.typestats(leaves, filter=lambda leaf: leaf is leaves[0]) == {"Leaf": 1}


def test_counts_are_the_collectors() -> None:
    gc.collect()
    stats = objgraph.typestats()
    real: dict[str, int] = {}
    for obj in gc.get_objects():
        real[type(obj).__name__] = real.get(type(obj).__name__, 0) + 1
    for name in ("function", "module", "type", "set", "Leaf"):
        assert stats.get(name, 0) == real.get(name, 0), name


def test_most_common_types() -> None:
    rows = objgraph.most_common_types(limit=5)
    assert len(rows) == 5
    assert [count for _, count in rows] == sorted((count for _, count in rows), reverse=True)
    out = io.StringIO()
    objgraph.show_most_common_types(limit=3, file=out)
    assert len(out.getvalue().splitlines()) == 3
    assert all(re.fullmatch(r"\S+ +\d+", line) for line in out.getvalue().splitlines())


def test_growth_is_over_the_peak() -> None:
    peaks: dict[str, int] = {}
    objgraph.growth(peak_stats=peaks)
    leaves = [Leaf() for _ in range(5)]
    found = {name: (count, more) for name, count, more in objgraph.growth(limit=None, peak_stats=peaks)}
    assert found["Leaf"] == (5, 5)
    leaves.pop()
    assert "Leaf" not in {name for name, _, _ in objgraph.growth(limit=None, peak_stats=peaks)}
    leaves += [Leaf(), Leaf()]
    out = io.StringIO()
    objgraph.show_growth(limit=None, peak_stats=peaks, file=out)
    assert re.search(r"^Leaf +6 +\+1$", out.getvalue(), re.M)


def test_new_ids() -> None:
    out, state = io.StringIO(), {}
    objgraph.get_new_ids(file=out, _state=state)
    leaves = [Leaf() for _ in range(3)]
    new = objgraph.get_new_ids(limit=2, file=out, _state=state)
    assert new["Leaf"] == {id(leaf) for leaf in leaves}
    lines = out.getvalue().splitlines()
    assert lines[1].split() == ["Type", "Old_ids", "Current_ids", "New_ids", "Count_Deltas"]
    assert set(lines[0]) == {"="} and len(lines[0]) == len(lines[1])


# ---- chains ----------------------------------------------------------------------------------------


def test_backref_chain_to_a_module(kept: dict[str, Any]) -> None:
    leaf = Leaf()
    kept["node"] = Node(inner=[leaf])
    chain = objgraph.find_backref_chain(leaf, objgraph.is_proper_module)
    assert chain[0] is sys.modules[__name__]
    assert chain[-1] is leaf
    for source, target in itertools.pairwise(chain):
        assert any(found is target for found in gc.get_referents(source))
    assert len(chain) <= 8


def test_backref_chain_to_anything(kept: dict[str, Any]) -> None:
    leaf = Leaf()
    node = kept["node"] = Node(inner=[leaf])
    chain = objgraph.find_backref_chain(leaf, lambda obj: isinstance(obj, Node))
    assert chain[0] is node and chain[-1] is leaf
    assert objgraph.find_backref_chain(leaf, lambda obj: False, max_depth=3) == [leaf]
    assert objgraph.find_backref_chain(leaf, lambda obj: isinstance(obj, Leaf)) == [leaf]
    away = objgraph.find_backref_chain(leaf, lambda obj: isinstance(obj, Node), 3, [id(node.links["inner"])])
    assert away == [leaf]


def test_ref_chain() -> None:
    leaf = Leaf()
    node = Node(inner=[leaf])
    chain = objgraph.find_ref_chain(node, lambda obj: isinstance(obj, Leaf))
    assert chain[0] is node and chain[-1] is leaf
    assert objgraph.find_ref_chain(leaf, lambda obj: isinstance(obj, Node), max_depth=2) == [leaf]


def test_at() -> None:
    leaf = Leaf()
    assert objgraph.at(id(leaf)) is leaf
    assert objgraph.at_addrs({id(leaf), 1}) == [leaf]
    assert objgraph.at(1) is None


def test_is_proper_module() -> None:
    assert objgraph.is_proper_module(sys)
    assert not objgraph.is_proper_module(types.ModuleType("sys"))
    assert not objgraph.is_proper_module(3)


def test_leaking_objects() -> None:
    leaf, held = Leaf(), Leaf()
    holder = [held]
    found = {id(obj) for obj in objgraph.get_leaking_objects()}
    assert id(leaf) in found  # only a variable of this function
    assert id(held) not in found
    assert holder
    assert objgraph.get_leaking_objects([held, holder]) == [holder]


# ---- pictures --------------------------------------------------------------------------------------


def edges(text: str) -> list[tuple[str, str, str]]:
    return re.findall(r'o(\d+) -> o(\d+)(?: \[label="([^"]*)")?', text)


def test_backrefs_are_drawn(kept: dict[str, Any]) -> None:
    leaf = Leaf()
    node = kept["node"] = Node(inner=leaf)
    text = text_of(objgraph.show_backrefs, [leaf], max_depth=4)
    assert text.startswith("digraph ObjectGraph {\n  node[shape=box, style=filled, fillcolor=white];\n")
    assert f"o{id(leaf)}[fontcolor=red];" in text
    found = edges(text)
    assert (str(id(node.links)), str(id(leaf)), "inner") in found
    assert (str(id(node)), str(id(node.links)), "links") in found
    assert (str(id(kept)), str(id(node)), "node") in found
    assert text.endswith("}\n")
    assert "barrow" not in text


def test_refs_are_drawn() -> None:
    node = Node(inner=Leaf())
    text = text_of(objgraph.show_refs, [node], max_depth=3, refcounts=True)
    assert f'o{id(node)}[label="Node [1]\\n' in text
    assert (str(id(node.links)), str(id(node.links["inner"])), "inner") in edges(text)


def test_much_is_cut(kept: dict[str, Any]) -> None:
    items = list(map(str, range(100, 150)))
    text = text_of(objgraph.show_refs, [items], too_many=10)
    assert "40 more references" in text
    assert len(edges(text)) == 10


def test_options_of_pictures() -> None:
    leaf = Leaf()
    holder = {"weird key": leaf, 3: leaf}
    text = text_of(
        objgraph.show_refs, holder, highlight=lambda obj: obj is leaf, extra_info=lambda obj: "extra", shortnames=False
    )
    assert f"{__name__}.Leaf" in text
    assert "\\nextra" in text
    assert "0.6,0.6," in text
    assert text_of(objgraph.show_refs, holder, filter=lambda obj: False).count("->") == 0
    assert text_of(objgraph.show_refs, holder, extra_ignore=[id(leaf)]).count(f"-> o{id(leaf)}") == 0
    with pytest.raises(ValueError):
        objgraph.show_refs(holder, output=io.StringIO(), filename="x.dot")


def test_pictures_as_files(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "graph.dot"
    objgraph.show_refs([[1]], filename=str(path))
    assert path.read_text().startswith("digraph ObjectGraph {")
    assert capsys.readouterr().out == f"Graph written to {path} (2 nodes)\n"
    monkeypatch.setenv("PATH", "")
    objgraph.show_refs([[1]], filename=str(tmp_path / "graph.png"))
    assert "Image renderer (dot) not found" in capsys.readouterr().out
    objgraph.show_refs([[1]])
    assert "Graph viewer (xdot) and image renderer (dot) not found" in capsys.readouterr().out


def test_pictures_without_graphviz(
    tmp_path: Path, kept: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    leaf = Leaf()
    kept["node"] = Node(inner=leaf, again=[leaf, leaf])
    monkeypatch.setenv("PATH", "")
    for show, words in ((objgraph.show_backrefs, ("Leaf", "Node", "inner")), (objgraph.show_refs, ("Leaf", "type"))):
        path = tmp_path / f"{show.__name__}.svg"
        show([leaf], max_depth=4, filename=str(path))
        assert capsys.readouterr().out == f"Image generated as {path}\n"
        root = ElementTree.parse(path).getroot()
        text = " ".join("".join(node.itertext()) for node in root.iter())
        assert root.tag.endswith("svg")
        assert all(word in text for word in words), text


def test_chains_are_drawn(kept: dict[str, Any]) -> None:
    leaf = kept["leaf"] = Leaf()
    chain = objgraph.find_backref_chain(leaf, objgraph.is_proper_module)
    text = text_of(objgraph.show_chain, chain)
    assert len(edges(text)) == len(chain) - 1
    assert edges(text)[0][1] == str(id(leaf))
    assert "0.3,1,0.3" in text, "the module is green"


# ---- beside objgraph -------------------------------------------------------------------------------

PROGRAM = """
import gc, sys, io
import objgraph

class Leaf: pass
class Node:
    __slots__ = ("links", "__weakref__")
    def __init__(self, links): self.links = links

leaf = Leaf()
node = Node({"inner": leaf, 3: [leaf, (leaf, "text")]})
more = [Leaf() for _ in range(30)]
names = {}
def plain(text):
    for name in ("leaf", "node", "more"):
        names[str(id(globals()[name]))] = name
    import re
    def rename(match):
        return names.setdefault(match[0], f"n{len(names)}")
    text = re.sub(r"\\b\\d{9,}\\b", rename, text.replace("o", "o "))
    return re.sub(r"0x[0-9a-f]+", "0x", text)

print(objgraph.count("Leaf"), objgraph.count("__main__.Leaf"), len(objgraph.by_type("Node")))
print(objgraph.is_proper_module(sys), objgraph.at(id(leaf)) is leaf)
print([type(x).__name__ for x in objgraph.find_backref_chain(leaf, lambda x: isinstance(x, Node))])
print([type(x).__name__ for x in objgraph.find_ref_chain(node, lambda x: isinstance(x, Leaf))])
print([n for n, c in objgraph.most_common_types(limit=1)])
objgraph.show_growth(limit=2, file=io.StringIO())
later = [Leaf() for _ in range(7)]
objgraph.show_growth(limit=1)
objgraph.get_new_ids(limit=1, file=io.StringIO())
latest = [Leaf() for _ in range(9)]
objgraph.get_new_ids(limit=None, file=(out := io.StringIO()))
print([line for line in out.getvalue().splitlines() if line.startswith(("Leaf", "Type"))][0].split())
objs = [more[0], [1, 2.5, "text", None, {4: 5}]]
for options in ({}, {"refcounts": True, "shortnames": False}, {"too_many": 2}, {"max_depth": 1}):
    out = io.StringIO()
    objgraph.show_refs(objs, output=out, filter=lambda x: not isinstance(x, type), **options)
    print(plain(out.getvalue()))
objgraph.show_chain([node, node.links, leaf], output=(out := io.StringIO()))
print(plain(out.getvalue()))
"""


@beside
def test_same_output_as_objgraph(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    theirs = execute([sys.executable, str(program)])
    ours = execute([sys.executable, str(program)], env={"BARROW_COMPAT": "objgraph"})
    assert theirs.status == 0, theirs.stderr
    assert ours.status == 0, ours.stderr

    def lines(text: str) -> list[str]:
        # References to attributes have names here that objgraph doesn't know; it counts some of its own
        # references to objects.
        plain = re.sub(r' \[label="links",weight=10\]', "", text.strip())
        return [re.sub(r"(label=.*?) \[-?\d+\]", r"\1", line) for line in plain.splitlines()]

    assert lines(ours.stdout) == lines(theirs.stdout)


@beside
@pytest.mark.parametrize("name", objgraph.__all__)
def test_same_parameters_as_objgraph(name: str) -> None:
    import objgraph as peer

    ours, theirs = inspect.signature(getattr(objgraph, name)), inspect.signature(getattr(peer, name))
    assert list(ours.parameters) == list(theirs.parameters)
    for one, other in zip(ours.parameters.values(), theirs.parameters.values(), strict=True):
        assert one.default == other.default or one.name in ("peak_stats", "_state")


def test_installs_by_environment() -> None:
    done = execute(
        [sys.executable, "-c", "import objgraph; print(objgraph.__file__)"], env={"BARROW_COMPAT": "objgraph"}
    )
    assert done.status == 0, done.stderr
    assert done.stdout.strip().endswith("barrow/compat/objgraph.py")
