"""Drawing who refers to whom, as text for Graphviz."""

import gc
import io
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, TextIO, TypeAlias

from barrow import _core
from barrow import _dig as _dig  # tells the walk where barrow's own frames are
from barrow.compat._objgraph.chains import is_proper_module
from barrow.compat._objgraph.counts import Filter, type_name

Neighbours: TypeAlias = Callable[[Any], list[Any]]
_ATTRIBUTE, _VALUE, _VARIABLE = 1, 4, 6  # kinds of names, as barrow's walk has them


@dataclass
class Look:
    """What show_refs() and its like take beside the objects."""

    max_depth: int = 3
    extra_ignore: Iterable[int] = ()
    filter: Filter = None
    too_many: int = 10
    highlight: Callable[[Any], bool] | Container[Any] | None = None
    filename: str | None = None
    extra_info: Callable[[Any], str] | None = None
    refcounts: bool = False
    shortnames: bool = True
    output: TextIO | None = None
    extra_node_attrs: Callable[[Any], dict[str, Any]] | None = None
    backwards: bool = False
    boxes: dict[int, tuple[str, str, str]] = field(default_factory=dict)  # id: title, detail, kind; as drawn
    edges: list[tuple[int, int, str]] = field(default_factory=list)  # from id, to id, name


def show_refs(
    objs: Any,
    max_depth: int = 3,
    extra_ignore: Iterable[int] = (),
    filter: Filter = None,
    too_many: int = 10,
    highlight: Callable[[Any], bool] | Container[Any] | None = None,
    filename: str | None = None,
    extra_info: Callable[[Any], str] | None = None,
    refcounts: bool = False,
    shortnames: bool = True,
    output: TextIO | None = None,
    extra_node_attrs: Callable[[Any], dict[str, Any]] | None = None,
) -> Any:
    """Draw what objects refer to, `max_depth` steps far.

    output: a file that gets the graph as text.  filename: a file to write; its ending says what: .dot, or
    what Graphviz's `dot` makes (.svg, .png, ...).  Without either a viewer (xdot) is started if there is one.
    """
    look = Look(max_depth, extra_ignore, filter, too_many, highlight, filename, extra_info, refcounts)
    look.shortnames, look.output, look.extra_node_attrs = shortnames, output, extra_node_attrs
    return _show(_list(objs), look, gc.get_referents)


def show_backrefs(
    objs: Any,
    max_depth: int = 3,
    extra_ignore: Iterable[int] = (),
    filter: Filter = None,
    too_many: int = 10,
    highlight: Callable[[Any], bool] | Container[Any] | None = None,
    filename: str | None = None,
    extra_info: Callable[[Any], str] | None = None,
    refcounts: bool = False,
    shortnames: bool = True,
    output: TextIO | None = None,
    extra_node_attrs: Callable[[Any], dict[str, Any]] | None = None,
) -> Any:
    """Draw what refers to objects, `max_depth` steps far, no further than to modules.

    The heap is walked once.  output, filename: see show_refs().
    """
    look = Look(max_depth, extra_ignore, filter, too_many, highlight, filename, extra_info, refcounts)
    look.shortnames, look.output, look.extra_node_attrs = shortnames, output, extra_node_attrs
    look.backwards = True
    starts = _list(objs)
    modules = tuple(module for module in sys.modules.values() if isinstance(module, ModuleType))
    objects, referrers = _core.ancestors(tuple(starts), max_depth, (objs, starts, look), modules, None)
    places = {id(obj): place for place, obj in enumerate(objects)}

    def neighbours(target: Any) -> list[Any]:
        return [objects[place] for place in referrers[places[id(target)]] or ()]

    return _show(starts, look, neighbours)


def show_chain(*chains: Sequence[Any], **kw: Any) -> Any:
    """Draw chains of references, as find_ref_chain() and find_backref_chain() give them."""
    backwards = kw.pop("backrefs", True)
    given = [list(chain) for chain in chains if chain]
    look = Look(**kw)
    look.backwards = backwards
    look.max_depth = max(map(len, given), default=1) - 1
    links: dict[int, list[Any]] = {}
    for chain in given:
        if backwards:
            chain.reverse()
        for target, source in itertools.pairwise(chain):
            links.setdefault(id(target), []).append(source)
    return _show([chain[0] for chain in given], look, lambda target: links.get(id(target), []))


def _list(objs: Any) -> list[Any]:
    if not isinstance(objs, (list, tuple)):
        objs = [objs]
    return list(objs)


# ---- the graph -------------------------------------------------------------------------------------


def _show(starts: list[Any], look: Look, neighbours: Neighbours) -> Any:
    if look.output is not None and look.filename is not None:
        raise ValueError("Cannot specify both output and filename.")
    text = io.StringIO()
    nodes = _draw(starts, look, neighbours, text)
    if look.output is not None:
        look.output.write(text.getvalue())
        return None
    if look.filename is not None:
        _write(text.getvalue(), look.filename, nodes, look)
        return None
    return _present(text.getvalue(), nodes)


def _draw(starts: list[Any], look: Look, neighbours: Neighbours, out: TextIO) -> int:
    out.write("digraph ObjectGraph {\n  node[shape=box, style=filled, fillcolor=white];\n")
    out.writelines(f"  {_node(obj)}[fontcolor=red];\n" for obj in starts)
    queue = list({id(obj): obj for obj in starts}.values())
    depth = dict.fromkeys(map(id, queue), 0)
    own = _own_references() + look.backwards
    for target in queue:
        references = sys.getrefcount(target) - own - (2 if depth[id(target)] == 0 else 0)
        _draw_node(target, depth[id(target)], references, look, out)
        if depth[id(target)] < look.max_depth and not (look.backwards and is_proper_module(target)):
            _draw_edges(target, neighbours(target), depth, queue, look, out)
    out.write("}\n")
    return len(depth)


def _draw_edges(
    target: Any, others: list[Any], depth: dict[int, int], queue: list[Any], look: Look, out: TextIO
) -> None:
    ignored = set(look.extra_ignore)
    others = [obj for obj in others if id(obj) not in ignored and (not look.filter or look.filter(obj))]
    shown = others[: look.too_many] if look.too_many else others
    for other in shown:
        source, end = (other, target) if look.backwards else (target, other)
        name, weight = _edge_name(source, end, look.shortnames)
        out.write(f"  {_node(source)} -> {_node(end)}{_edge_label(name, weight)};\n")
        look.edges.append((id(source), id(end), name))
        if id(other) not in depth:
            depth[id(other)] = depth[id(target)] + 1
            queue.append(other)
    if len(shown) < len(others):
        _draw_left_out(target, depth[id(target)], len(others) - len(shown), look, out)


def _own_references() -> int:
    """Tell how many references the loop of _draw() adds to what it draws.

    Those that were asked for stand in two lists more: the caller's and its copy.
    """
    queue = [object()]
    for target in queue:
        return sys.getrefcount(target)
    return 0


def _node(obj: Any) -> str:
    return f"o{id(obj)}"


def _quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\0", "\\\\0")


def _gradient(depth: int, look: Look) -> float:
    return 1.0 - 0.7 * depth / look.max_depth if look.max_depth else 1.0


def _draw_node(obj: Any, depth: int, references: int, look: Look, out: TextIO) -> None:
    node, value, label = _node(obj), _gradient(depth, look), _label(obj, references, look)
    title, _, detail = label.partition("\n")
    kind = "target" if depth == 0 else "root" if is_proper_module(obj) else "holder" if look.backwards else "held"
    look.boxes[id(obj)] = title, detail.replace("\n", " "), kind
    out.write(f'  {node}[label="{_quote(label)}"')
    for name, attribute in (look.extra_node_attrs(obj) if look.extra_node_attrs else {}).items():
        out.write(f', {name}="{_quote(str(attribute))}"')
    out.write("];\n")
    hue, saturation = 0.0, 0.0
    if is_proper_module(obj):
        hue, saturation = 0.3, 1.0
    if look.highlight is not None and _is_highlighted(obj, look.highlight):
        hue, saturation, value = 0.6, 0.6, 0.5 + value * 0.5
    out.write(f'  {node}[fillcolor="{hue:g},{saturation:g},{value:g}"];\n')
    if value < 0.5:
        out.write(f"  {node}[fontcolor=white];\n")
    if hasattr(type(obj), "__del__"):
        out.write(f"  {node}->{node}_has_a_del[color=red,style=dotted,len=0.25,weight=10];\n")
        out.write(f'  {node}_has_a_del[label="__del__",shape=doublecircle,height=0.25,color=red,')
        out.write('fillcolor="0,.5,1",fontsize=6];\n')


def _is_highlighted(obj: Any, highlight: Callable[[Any], bool] | Container[Any]) -> bool:
    return bool(highlight(obj)) if callable(highlight) else obj in highlight


def _draw_left_out(target: Any, depth: int, count: int, look: Look, out: TextIO) -> None:
    node, what = f"too_many_{_node(target)}", "backreferences" if look.backwards else "references"
    value = _gradient(depth + 1, look)
    edge = f"{node}->{_node(target)}" if look.backwards else f"{_node(target)}->{node}"
    out.write(f"  {edge}[color=red,style=dotted,len=0.25,weight=10];\n")
    out.write(f'  {node}[label="{count} more {what}",shape=box,height=0.25,color=red,')
    out.write(f'fillcolor="0,1,{value:g}",fontsize=6];\n  {node}[fontcolor=white];\n')


def _label(obj: Any, references: int, look: Look) -> str:
    words = [type_name(type(obj), look.shortnames)]
    if look.refcounts:
        words[0] += f" [{references}]"
    words.append(_short_repr(obj))
    if look.extra_info is not None:
        extra = look.extra_info(obj)
        if extra:
            words.append(str(extra))
    return "\n".join(words)


def _short_repr(obj: Any) -> str:
    if isinstance(obj, (type, ModuleType, BuiltinFunctionType)):
        return str(obj.__name__)
    if isinstance(obj, MethodType):
        return f"{getattr(obj.__func__, '__name__', '?')} (bound)"
    if isinstance(obj, FunctionType) and obj.__name__ == "<lambda>":
        code = obj.__code__
        return f"lambda: {os.path.basename(code.co_filename)}:{code.co_firstlineno}"
    if isinstance(obj, FrameType):
        return f"{obj.f_code.co_filename}:{obj.f_lineno}"
    if isinstance(obj, (tuple, list, dict, set)):
        return f"{len(obj)} items"
    try:
        return repr(obj)[:40]
    except Exception:
        return "(unrepresentable)"


def _edge_name(source: Any, target: Any, short: bool) -> tuple[str, int]:
    """Name the reference as barrow's walk does: attributes, variables, keys of dicts.  Gives its weight, too."""
    for kind, name, found in _core.links(source):
        if found is not target:
            continue
        if kind == _VALUE:
            if isinstance(name, str) and name.isidentifier():
                return name, 2
            return f"{type_name(type(name), short)}\n{_short_repr(name)}", 0
        if kind in (_ATTRIBUTE, _VARIABLE) and isinstance(name, str):
            return name, 10
    return "", 0


def _edge_label(name: str, weight: int) -> str:
    if not name:
        return ""
    return f' [label="{_quote(name)}",weight={weight}]' if weight else f' [label="{_quote(name)}"]'


# ---- showing it ------------------------------------------------------------------------------------


def _write(text: str, filename: str, nodes: int, look: Look | None = None) -> None:
    if filename.endswith(".dot"):
        with open(filename, "w", encoding="utf-8") as file:
            file.write(text)
        print(f"Graph written to {filename} ({nodes} nodes)")
        return
    kind = os.path.splitext(filename)[1][1:]
    if not kind:
        print(f"Unrecognized file type ({filename})")
    elif shutil.which("dot"):
        subprocess.run(["dot", f"-T{kind}", "-o", filename], input=text.encode(), check=True)
        print(f"Image generated as {filename}")
    elif kind == "svg" and look is not None:
        with open(filename, "w", encoding="utf-8") as file:
            file.write(_svg(look))
        print(f"Image generated as {filename}")
    else:
        print("Image renderer (dot) not found, not doing anything else")


def _svg(look: Look) -> str:
    """Draw it without Graphviz: who refers stands above what it refers to, as far as there are no cycles."""
    order = list(look.boxes)
    if look.backwards:
        order.reverse()
    place = {box: number for number, box in enumerate(order)}
    parents: dict[int, tuple[int, str]] = {}
    arrows = []
    for source, end, name in look.edges:
        start, stop, label = place[source], place[end], name.replace("\n", " ")
        if start < stop and stop not in parents:
            parents[stop] = start, label
        else:
            arrows.append((start, stop, label))
    boxes = [(*look.boxes[box], *parents.get(number, (-1, ""))) for number, box in enumerate(order)]
    return _core.diagram_svg("objects that refer" if look.backwards else "objects referred to", boxes, arrows)


def _present(text: str, nodes: int) -> Any:
    """Show it in a notebook if this is one, else in a viewer."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        try:
            import graphviz  # type: ignore[import-not-found,import-untyped,unused-ignore]
        except ImportError:
            pass
        else:
            return graphviz.Source(text)
    viewer = shutil.which("xdot")
    if not viewer and not shutil.which("dot"):
        print("Graph viewer (xdot) and image renderer (dot) not found, not doing anything else")
        return None
    descriptor, path = tempfile.mkstemp(prefix="objgraph-", suffix=".dot")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"Graph written to {path} ({nodes} nodes)")
    if viewer:
        print("Spawning graph viewer (xdot)")
        subprocess.Popen([viewer, path], close_fds=True)
    else:
        png = path[: -len(".dot")] + ".png"
        _write(text, png, nodes)
    return None
