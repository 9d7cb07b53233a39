"""The stand-in for pympler: true sizes, and pympler's tables."""

from __future__ import annotations

import gc
import importlib.util
import inspect
import io
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from runner import execute

import barrow
from barrow.compat.pympler import asizeof, classtracker, muppy, summary, tracker

HAS_PEER = importlib.util.find_spec("pympler") is not None
beside = pytest.mark.skipif(not HAS_PEER, reason="pympler isn't installed")


class Thing:
    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.data = [number + 0.5] * 10


class Derived(Thing):
    pass


# ---- asizeof ---------------------------------------------------------------------------------------


def test_asizeof_is_the_deep_size() -> None:
    for obj in (Thing(3), [Thing(i) for i in range(20)], {"key": [1.5, "text" * 100]}, "x" * 1000):
        assert asizeof.asizeof(obj) == barrow.size(obj).deep
        assert asizeof.flatsize(obj) == barrow.size(obj).own
    assert asizeof.asizeof() == 0


def test_shared_parts_count_once() -> None:
    common = bytes(5000)
    first, second = [common], [common]
    sizes = asizeof.asizesof(first, second)
    assert sizes[0] > 5000 > sizes[1]
    assert asizeof.asizeof(first, second) == sum(sizes)
    assert asizeof.asizesof() == ()


def test_code_counts_if_asked() -> None:
    def function() -> None:
        return None

    assert asizeof.asizeof(function) == 0
    assert asizeof.asizeof(Thing) == 0
    assert asizeof.asizeof(Thing, code=True) > 1000
    assert asizeof.asizeof([function], code=True) > asizeof.asizeof([function])


def test_asized_adds_up() -> None:
    thing = Thing(10**6)
    thing.more = {"a": [1.5], "b": thing.data}  # type: ignore[attr-defined]
    for detail in range(4):
        sized = asizeof.asized(thing, detail=detail)
        assert sized.size == asizeof.asizeof(thing)
        assert bool(sized.refs) == bool(detail)
        if detail:
            assert sized.size == sized.flat + sum(ref.size for ref in sized.refs)
    sized = asizeof.asized(thing, detail=1)
    assert {ref.name for ref in sized.refs} >= {"number", "data", "more"} or "__dict__" in {r.name for r in sized.refs}
    text = sized.format()
    assert re.fullmatch(r".* size=\d+ flat=\d+", text.splitlines()[0])
    assert text.splitlines()[1].startswith("    ")
    assert sized.get(sized.refs[0].name) is sized.refs[0]
    assert sized.get("no such") is None
    assert len(asizeof.asized(thing, [1])) == 2


def test_asizer_remembers() -> None:
    sizer = asizeof.Asizer()
    thing = Thing()
    size = sizer.asizeof(thing)
    assert size == asizeof.asizeof(thing)
    assert sizer.asizeof(thing) == 0
    assert sizer.total == size
    sizer.reset()
    assert sizer.asizeof(thing) == size


def test_asizer_leaves_out() -> None:
    common = bytes(7000)
    sizer = asizeof.Asizer()
    sizer.exclude_refs(common)
    assert sizer.asizeof([common]) < 200
    sizer = asizeof.Asizer()
    sizer.exclude_types(Thing)
    assert sizer.asizeof([Thing()]) < 200
    with pytest.raises(KeyError, match="invalid option"):
        asizeof.asizeof(1, cheese=2)


def test_parts_of_objects() -> None:
    assert asizeof.leng([1, 2, 3]) == 3
    assert asizeof.leng(1.5) is None
    assert asizeof.itemsize([1]) == 8
    assert asizeof.basicsize([1]) == 56
    assert asizeof.basicsize(1.5) == 24
    assert any(ref == [1.5] for ref in asizeof.refs({"a": [1.5]}))
    assert ("[0]", "text") in asizeof.named_refs(["text"])
    assert ("data", [0.5] * 10) in asizeof.named_refs(Thing())


def test_stats_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    asizeof.asizeof([1.5], stats=1)
    assert re.search(r"^ \d+ bytes$", capsys.readouterr().out, re.M)


# ---- muppy, summary --------------------------------------------------------------------------------


def test_all_objects_are_listed() -> None:
    thing = Thing()
    text = f"untracked {id(thing)}"
    holder = [text]
    found = {id(obj) for obj in muppy.get_objects()}
    assert {id(thing), id(text), id(holder), id(Thing)} <= found


def test_lists_of_objects() -> None:
    a, b, c = "x" * 100, "y" * 10, [1.5]
    assert muppy.filter([a, b, c], Type=str) == [a, b]
    assert muppy.filter([a, b, c], min=100) == [a]
    assert muppy.filter([a, b], max=100) == [b]
    assert muppy.sort([a, b]) == [b, a]
    assert muppy.get_diff([a, b], [b, c]) == {"+": [c], "-": [a]}
    assert muppy.get_size([a, b]) == barrow.size(a).own + barrow.size(b).own
    assert set(muppy.get_referents([a, b])) == {a, b}
    assert c in muppy.get_referents([[c]], level=2)


def test_summaries() -> None:
    rows = {row[0]: row[1:] for row in summary.summarize([Thing(), Thing(), "text" * 50, summary.summarize])}
    name = f"{__name__}.Thing"
    assert rows[name][0] == 2
    assert rows["str"] == [1, barrow.size("text" * 50).own]
    assert "function (summarize)" in rows
    diff = summary.get_diff([["int", 3, 96]], [["int", 2, 64], ["str", 1, 80]])
    assert diff == [["int", -1, -32], ["str", 1, 80]]


def test_tables() -> None:
    rows = [["int", 2, 56], ["a.Thing", 3, 2048], ["str", 1, 3 << 20]]
    lines = list(summary.format_(rows))
    assert lines == [
        "    types |   # objects |   total size",
        "========= | =========== | ============",
        "      str |           1 |      3.00 MB",
        "  a.Thing |           3 |      2.00 KB",
        "      int |           2 |     56     B",
    ]
    names = [line.split()[0] for line in summary.format_(rows, sort="#", order="ascending")]
    assert names[2:] == ["str", "int", "a.Thing"]
    assert len(list(summary.format_(rows, limit=1))) == 3
    with pytest.raises(ValueError):
        list(summary.format_(rows, sort="colour"))
    with pytest.raises(ValueError):
        list(summary.format_(rows, order="odd"))


# ---- tracker ---------------------------------------------------------------------------------------


def test_summary_tracker_finds_what_is_new() -> None:
    tracked = tracker.SummaryTracker()
    kept = [Thing(i) for i in range(123)]
    rows = {row[0]: row[1:] for row in tracked.diff()}
    assert rows[f"{__name__}.Thing"] == [123, sum(barrow.size(thing).own for thing in kept)]
    del kept
    rows = {row[0]: row[1:] for row in tracked.diff()}
    assert rows[f"{__name__}.Thing"][0] == -123


def test_summary_tracker_leaves_itself_out() -> None:
    done = execute(
        [
            sys.executable,
            "-c",
            "from barrow.compat.pympler.tracker import SummaryTracker as T\nt = T()\nt.diff()\n"
            "print([sum(abs(row[1]) for row in t.diff()) for _ in range(4)])",
        ],
        cwd="/",
    )
    assert done.status == 0, done.stderr
    assert max(eval(done.stdout)[1:]) <= 2, done.stdout


def test_stored_summaries() -> None:
    tracked = tracker.SummaryTracker()
    tracked.store_summary("before")
    kept = [Thing() for _ in range(9)]
    tracked.store_summary("after")
    rows = {row[0]: row[1] for row in tracked.diff(tracked.summaries["before"], tracked.summaries["after"])}
    assert rows[f"{__name__}.Thing"] == len(kept)


def test_object_tracker() -> None:
    tracked = tracker.ObjectTracker()
    kept = [Thing() for _ in range(3)]
    new = tracked.get_diff()["+"]
    assert sum(isinstance(obj, Thing) for obj in new) == 3
    del new
    assert not any(isinstance(obj, Thing) for obj in tracked.get_diff()["+"])
    assert len(kept) == 3
    lines = list(tracked.format_diff())
    assert lines[0] == "Added objects:"
    assert "Removed objects:" in lines


# ---- classtracker ----------------------------------------------------------------------------------


@pytest.fixture
def classes():
    found = classtracker.ClassTracker(stream=io.StringIO())
    yield found
    found.close()


def test_objects_of_a_class(classes: classtracker.ClassTracker) -> None:
    before = Thing()
    init = Thing.__init__
    classes.track_class(Thing)
    kept = [Thing(i) for i in range(10)]
    lost = Thing()
    classes.create_snapshot("first")
    del lost
    classes.create_snapshot("second")
    name = f"{__name__}.Thing"
    objects = classes.index[name]
    assert len(objects) == 11
    assert sum(obj.death is not None for obj in objects) == 1
    assert [snapshot.classes[name]["active"] for snapshot in classes.snapshots] == [11, 10]
    assert objects[0].get_max_size() == pytest.approx(barrow.size(kept[0]).deep, abs=200)
    assert classes.snapshots[1].total == barrow.size(*kept).deep
    classes.detach_class(Thing)
    assert Thing.__init__ is init
    assert before and len(classes.index[name]) == 11


def test_derived_classes(classes: classtracker.ClassTracker) -> None:
    classes.track_class(Thing, name="things")
    one = Derived()
    classes.track_class(Derived)
    two = Derived()
    assert len(classes.index["things"]) == 1
    assert len(classes.index[f"{__name__}.Derived"]) == 1
    classes.detach_all_classes()
    assert "__init__" not in vars(Derived)
    assert one and two and Derived()
    assert len(classes.index["things"]) == 1


def test_single_objects(classes: classtracker.ClassTracker) -> None:
    thing = Thing()
    classes.track_object(thing, resolution_level=1)
    classes.track_object(thing)
    classes.create_snapshot()
    (tracked,) = classes.index[f"{__name__}.Thing"]
    assert tracked.snapshots[0][1].refs
    del thing
    gc.collect()
    assert tracked.death is not None
    with pytest.raises(TypeError):
        classes.track_object(3)
    kept = Thing(4)
    classes.track_object(kept, keep=True)
    del kept
    classes.create_snapshot()
    assert classes.snapshots[-1].total > 0


def test_summary_of_classes(classes: classtracker.ClassTracker) -> None:
    classes.track_class(Thing)
    kept = [Thing() for _ in range(10)]
    classes.create_snapshot("ten of them")
    classes.stats.print_summary()
    lines = classes._stream.getvalue().splitlines()  # type: ignore[union-attr]
    assert lines[0] == "---- SUMMARY " + "-" * 66
    assert re.fullmatch(r"ten of them {30}active +[\d.]+ .?B +average +pct", lines[1])
    assert re.fullmatch(rf"  {re.escape(__name__)}\.Thing +10 +[\d.]+ .*B +[\d.]+ +B +100%", lines[2])
    assert lines[-1] == "-" * 79
    assert {len(line) for line in lines} == {79}
    assert kept


def test_periodic_snapshots(classes: classtracker.ClassTracker) -> None:
    classes.start_periodic_snapshots(0.02)
    deadline = time.monotonic() + 10
    while len(classes.snapshots) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    classes.stop_periodic_snapshots()
    count = len(classes.snapshots)
    time.sleep(0.1)
    assert len(classes.snapshots) == count >= 3


# ---- beside pympler --------------------------------------------------------------------------------

PROGRAM = """
from pympler import asizeof, muppy, summary, tracker, classtracker
import re
class Thing:
    def __init__(self, i): self.a = [i] * 5
rows = [["int", 2, 56], ["str", 1, 50], ["__main__.Thing", 2, 112], ["list", 5, 5 << 20]]
summary.print_(rows)
summary.print_(rows, limit=2, sort="#", order="ascending")
print(sorted(summary.get_diff(rows, rows[:2])))
print([(n, c) for n, c, s in summary.summarize([Thing(1), Thing(2), 3])])
print(muppy.get_diff([1, 2], [2, 3]), muppy.filter([1, "a"], Type=int))
print(sorted(type(x).__name__ for x in muppy.get_referents([Thing, "a"])))
print(asizeof.itemsize([1]), asizeof.asizeof(Thing), asizeof.asizeof(len), asizeof.asizeof())
print(len(asizeof.asizesof([1], [2])), type(asizeof.asized([1])).__name__)
t = tracker.SummaryTracker()
kept = [Thing(1) for i in range(100)]
print([line.split("|")[1] for line in t.format_diff() if "__main__.Thing" in line])
c = classtracker.ClassTracker()
c.track_class(Thing)
more = [Thing(i) for i in range(5)]
c.create_snapshot("one")
print(list(c.index), [len(v) for v in c.index.values()])
c.detach_all_classes()
"""


@beside
def test_same_output_as_pympler(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    theirs = execute([sys.executable, str(program)])
    ours = execute([sys.executable, str(program)], env={"BARROW_COMPAT": "pympler"})
    assert theirs.status == 0, theirs.stderr
    assert ours.status == 0, ours.stderr
    assert ours.stdout == theirs.stdout


@beside
@pytest.mark.parametrize("module", ["asizeof", "muppy", "summary", "tracker", "classtracker"])
def test_parameters_of_pympler_are_taken(module: str) -> None:
    """Each function and method of the stand-in has at least the parameters of its model, by the same names."""
    peer = importlib.import_module(f"pympler.{module}")
    own = importlib.import_module(f"barrow.compat.pympler.{module}")
    for name in own.__all__:
        ours, theirs = getattr(own, name), getattr(peer, name, None)
        pairs: list[tuple[Any, Any]] = [(ours, theirs)]
        if inspect.isclass(ours):
            pairs = [
                (value, getattr(theirs, key))
                for key, value in vars(ours).items()
                if inspect.isfunction(value) and not key.startswith("_") and hasattr(theirs, key)
            ]
        for one, other in pairs:
            if not inspect.isfunction(one) or not inspect.isfunction(other):
                continue
            known = list(inspect.signature(one).parameters.values())
            if any(parameter.kind is parameter.VAR_KEYWORD for parameter in known):
                continue
            wanted = list(inspect.signature(other).parameters)
            assert [parameter.name for parameter in known][: len(wanted)] == wanted, f"{module}.{name}"


def test_installs_by_environment() -> None:
    code = (
        "import pympler.asizeof, pympler.muppy\nfrom pympler import summary, tracker, classtracker\n"
        "from pympler.classtracker_stats import ConsoleStats\nprint(pympler.__file__)\n"
    )
    done = execute([sys.executable, "-c", code], env={"BARROW_COMPAT": "pympler,objgraph"})
    assert done.status == 0, done.stderr
    assert done.stdout.strip().endswith("barrow/compat/pympler/__init__.py")
