"""Questions about this process's heap: barrow.size, growth, referrers, paths, why, Tracker."""

from __future__ import annotations

import array
import gc
import json
import mmap
import subprocess
import sys
import threading
import time
import tracemalloc
import weakref
from pathlib import Path
from typing import Any

import pytest
from native import target_environment
from runner import execute, plain, run_words

import barrow
from barrow import _core

DEEP = Path(__file__).with_name("size_deep.py")


class Plain:
    pass


class Derived(Plain):
    pass


class Holder:
    def __init__(self, content: object) -> None:
        self.content = content


# ---- sizes -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    report = tmp_path_factory.mktemp("deep") / "sizes.json"
    done = plain("-W", "ignore", DEEP, report, env=target_environment())
    assert done.status == 0, done.stderr
    return json.loads(report.read_text())


@pytest.mark.parametrize(
    "name",
    ["table", "mixed", "cyclic", "shared", "closures", "buffers", "generators", "ordered", "counter", "tree",
     "slotted", "large", "numbers", "text"],
)  # fmt: skip
def test_deep_sizes_are_the_allocators(deep: dict[str, Any], name: str) -> None:
    blocks, told, exclusive = deep[name]
    real = sum(block[2] for block in blocks)
    # A block of the C library's may be 16 bytes longer than its rule says.
    slack = 16 * sum(block[1] > 512 for block in blocks)
    if name in ("closures", "generators"):  # their names are their code's, too
        assert exclusive < told < exclusive + 2000
        told = exclusive
    assert real - slack <= told <= real + slack, f"{len(blocks)} blocks of {real} bytes, told {told}"
    assert exclusive == told


def test_size_counts_an_object_once() -> None:
    text = "x" * 1000 + str(id(Plain))
    one = barrow.size([text])
    two = barrow.size([text, text, [text]])
    assert one.deep < two.deep < one.deep + 200
    assert barrow.size([text], [text]).objects == 3


def test_exclusive_leaves_out_what_others_hold() -> None:
    common = [bytes(5000)]
    first, second = Holder(common), Holder(common)
    alone = barrow.size(first)
    assert alone.deep > 5000 > alone.exclusive
    del common
    assert barrow.size(first).exclusive < 5000
    assert barrow.size(first, second).exclusive > 5000
    del second
    assert barrow.size(first).exclusive == barrow.size(first).deep


def test_exclusive_of_one_that_is_held_by_what_it_reaches() -> None:
    parent = Holder([])
    child = Holder(parent)
    parent.content.append(child)
    child.extra = bytes(3000)  # type: ignore[attr-defined]
    size = barrow.size(parent)
    assert size.deep > 3000 > size.exclusive  # `child` is a variable here
    del child
    assert barrow.size(parent).exclusive > 3000


def test_retained_is_of_the_whole_heap() -> None:
    owner = Holder(bytes(4000))
    size = barrow.size(owner, retained=True)
    assert size.retained == size.exclusive == size.deep
    assert barrow.size(owner).retained is None


def test_size_stops_where_it_is_told() -> None:
    class Odd:
        ballast = bytes(10_000)

    thing = Odd()
    assert barrow.size(thing).deep < 1000
    assert barrow.size(thing, stop=()).deep > 10_000
    assert barrow.size([thing], stop=[Odd]).objects == 1
    assert barrow.size(thing, stop=[Odd]).objects >= 1, "what was asked for is always entered"

    def function(value: object = bytes(2000)) -> object:
        return value

    assert barrow.size([function]).deep > 2000
    assert barrow.size([function], stop=["functions"]).objects == 1
    assert barrow.size(function).deep < 10_000, "not the globals"
    with pytest.raises(ValueError, match="'cheese' is unknown"):
        barrow.size(1, stop=["cheese"])


def test_weak_references_lead_nowhere() -> None:
    target = Holder(bytes(9000))
    assert barrow.size(weakref.ref(target)).deep < 1000
    assert barrow.size(weakref.WeakValueDictionary(a=target)).deep < 9000


def test_buffers_and_views() -> None:
    assert barrow.size(array.array("d", bytes(8000))).deep in range(8064, 9000)
    memory = bytearray(100_000)
    view = memoryview(memory)
    both, base = barrow.size([memory, view]).deep, barrow.size([memory]).deep
    assert both - base < 500
    assert barrow.size(view).deep > 100_000, "the base is reached through the view"
    with mmap.mmap(-1, 1 << 20) as mapping:
        assert barrow.size(mapping).deep >= 1 << 20


def test_mapped_files_are_the_files(tmp_path: Path) -> None:
    path = tmp_path / "mapped"
    path.write_bytes(bytes(1 << 20))
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapping:
        assert barrow.size(mapping).deep < 4096


def test_numpy() -> None:
    numpy = pytest.importorskip("numpy")
    array = numpy.zeros(100_000)
    assert barrow.size(array).deep in range(800_000, 810_000)
    view = array[10:20]
    assert barrow.size(view).own < 300
    assert barrow.size([array, view, array.T, array.reshape(10, -1)]).deep < 810_000
    words = numpy.array([f"{'word' * 20} {i}" for i in range(100)], dtype=object)
    assert barrow.size(words).deep > 100 * 120
    assert barrow.size(words).objects >= 101
    assert barrow.size(numpy.frombuffer(bytes(7000), dtype="u1")).deep > 7000
    assert barrow.size(numpy.zeros(3)).own < 300


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [i * 0.5 for i in range(10_000)], "b": range(10_000)})
    size = barrow.size(frame).deep
    assert 160_000 < size < 200_000
    part = frame[["a"]]
    assert barrow.size(frame, part).deep < 2 * size
    texts = pandas.DataFrame({"c": pandas.Series([f"text {i}" * 10 for i in range(1000)], dtype=object)})
    assert barrow.size(texts).deep > 60_000


def test_pyarrow() -> None:
    arrow = pytest.importorskip("pyarrow")
    whole = arrow.array(range(100_000))
    size = barrow.size(whole).deep
    assert 800_000 < size < 810_000
    assert barrow.size(whole, whole[10:20], whole[5:]).deep < 810_000
    table = arrow.table({"a": whole, "b": whole})
    assert barrow.size(table).deep < 810_000
    assert any("pyarrow" in row.name for row in barrow.size(table).by_type)


def test_size_shows_a_table() -> None:
    text = str(barrow.size([Holder(i + 0.5) for i in range(3)]))
    head, titles, *rows = text.splitlines()
    assert " objects: own " in head
    assert "exclusive" in head
    assert titles.split() == ["bytes", "objects", "class"]
    assert any(row.endswith(f"{__name__}.Holder") for row in rows)


def test_size_changes_nothing() -> None:
    things = [Holder([i]) for i in range(100)]
    counts = [sys.getrefcount(thing) for thing in things]
    barrow.size(things)
    blocks = sys.getallocatedblocks()
    for _ in range(20):
        barrow.size(things)
    assert sys.getallocatedblocks() - blocks < 20
    assert [sys.getrefcount(thing) for thing in things] == counts


# ---- growth ----------------------------------------------------------------------------------------


def test_growth_tells_what_is_new() -> None:
    gc.collect()
    barrow.growth()
    kept = [Plain() for _ in range(1234)]
    found = {row.name: row for row in barrow.growth(None)}
    row = found[f"{__name__}.Plain"]
    assert row.new_objects == 1234
    assert row.new_bytes == sum(barrow.size(thing).own for thing in kept)
    assert "new objects" in str(barrow.growth()) or str(barrow.growth()) == "no class grew"


def test_growth_finds_nothing_of_its_own() -> None:
    done = plain(
        "-c",
        "import barrow, gc\ngc.disable()\nfor _ in range(3): barrow.growth()\n"
        "print([sum(row.new_objects for row in barrow.growth(None)) for _ in range(4)])",
        cwd="/",
    )
    assert done.status == 0, done.stderr
    assert json.loads(done.stdout)[1:] == [0, 0, 0]


# ---- referrers, paths, why -------------------------------------------------------------------------

REGISTRY: dict[str, Any] = {}


def test_referrers_by_name() -> None:
    thing = Plain()
    holder, items = Holder(thing), [None, thing]
    found = barrow.referrers(thing)
    names = {name for _, name in found}
    assert any(referrer is holder and name == ".content" for referrer, name in found)
    assert any(referrer is items and name == "[1]" for referrer, name in found)
    assert any(name.startswith("thing, local of test_referrers_by_name") for name in names)
    assert not any("C code" in name for name in names), names


def test_paths_and_why() -> None:
    session = Holder(bytes(2000))
    REGISTRY["sessions"] = [None, session]
    try:
        paths = barrow.paths(session)
        assert any(path.endswith('.REGISTRY["sessions"][1]') for path in paths), paths
        why = barrow.why(session)
        assert why.name == f"{__name__}.Holder"
        assert why.address == id(session)
        assert why.retained > 2000
        assert "local of test_paths_and_why" in " ".join(why.paths)
        del session
        why = barrow.why(REGISTRY["sessions"][1])
        assert why.path.endswith('.REGISTRY["sessions"][1]')
        assert why.cut is not None
        assert why.cut[1] == why.retained
        assert "frees:" in str(why)
        assert "<pre>" in why._repr_html_()
    finally:
        REGISTRY.clear()


def test_what_two_hold_no_single_cut_frees() -> None:
    REGISTRY["one"] = [Holder(bytes(3000))]
    REGISTRY["two"] = list(REGISTRY["one"])
    try:
        why = barrow.why(REGISTRY["one"][0])
        assert len(why.paths) == 2
        assert why.cut is None or "REGISTRY[" not in why.cut[0]
        REGISTRY["two"].clear()
        cut = barrow.why(REGISTRY["one"][0]).cut
        assert cut is not None and cut[0].endswith('.REGISTRY["one"][0]')
    finally:
        REGISTRY.clear()


def test_why_of_what_nothing_holds() -> None:
    why = barrow.why(Plain())
    assert why.path == ""
    assert why.retained == why.bytes > 0
    assert "held by nothing" in str(why)
    paths = barrow.paths(Plain())
    assert paths == []


def test_why_knows_the_birth_while_recording(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import barrow\n"
        "class Thing:\n"
        "    def __init__(self): self.data = [1.5] * 100\n"
        "def make():\n"
        "    return [Thing() for _ in range(300)]\n"
        "kept = make()\n"
        "why = barrow.why(kept[200])\n"
        "print(why.path, why.birth[0].function, why.birth[0].line)\n"
        "print(barrow.Tracker(Thing).born()[0].objects)\n"
    )
    done = execute([*run_words(tmp_path / "out.barrow"), str(program)])
    assert done.status == 0, done.stderr
    first, second = done.stdout.splitlines()[:2]
    assert first.startswith("__main__.kept[200] make")
    assert first.endswith(" 5")
    assert second == "300"


# ---- trackers --------------------------------------------------------------------------------------

exact = pytest.mark.skipif(not _core.has_ref_tracer(), reason="from Python 3.13 on")


def make_and_drop(cls: type, count: int) -> None:
    for _ in range(count):
        cls()


def test_tracker_counts_what_stays() -> None:
    with barrow.Tracker(Plain) as tracker:
        kept = [Plain() for _ in range(50)]
    row = tracker[Plain]
    assert row.live == 50
    assert len(kept) == 50
    del kept
    assert tracker[Plain].live == 50, "it was stopped"
    assert row.name in str(tracker)


def test_tracker_takes_classes_only() -> None:
    with pytest.raises(TypeError):
        barrow.Tracker()
    with pytest.raises(TypeError):
        barrow.Tracker(3)  # type: ignore[arg-type]


def test_tracker_without_tracer_shows_the_difference() -> None:
    tracker = barrow.Tracker(Plain, subclasses=True)
    tracker.exact = False  # as before 3.13
    older = [Plain() for _ in range(10)]
    with tracker:
        make_and_drop(Plain, 100)
        kept = [Derived() for _ in range(7)]
        del older
    assert tracker[Derived].births == len(kept)
    assert tracker[Plain].older_deaths == 10
    assert tracker[Plain].min_s is None
    assert "before Python 3.13" in str(tracker)


@exact
def test_tracker_counts_births_and_deaths() -> None:
    older = [Plain() for _ in range(3)]
    with barrow.Tracker(Plain) as tracker:
        make_and_drop(Plain, 1000)
        kept = [Plain() for _ in range(20)]
        other = Derived()
        del older
    row = tracker[Plain]
    assert (row.births, row.deaths, row.live, row.older_deaths) == (1020, 1000, 20, 3)
    assert len(tracker.lives()) == 1, "subclasses weren't asked for"
    assert kept and other


@exact
def test_tracker_with_subclasses() -> None:
    with barrow.Tracker(Plain, subclasses=True) as tracker:
        kept = [Derived() for _ in range(5)]
        local = type("Local", (Plain,), {})
        make_and_drop(local, 10)
        del local
        gc.collect()
    assert tracker[Derived].births == len(kept)
    assert [row.births for row in tracker if row.name.endswith("Local")] == [10]


@exact
def test_lifetimes() -> None:
    with barrow.Tracker(Plain) as tracker:
        kept = [[Plain() for _ in range(10)] for _ in range(2)]
        time.sleep(0.05)
        kept.pop()  # the list lets go of its items: every interpreter tells of these
        time.sleep(0.1)
        kept.pop()
    row = tracker[Plain]
    assert row.deaths == 20
    assert row.untold_deaths == 0
    assert row.min_s is not None and row.max_s is not None and row.median_s is not None and row.mean_s is not None
    assert 0.05 <= row.min_s < 0.15 <= row.max_s < 5
    assert row.min_s <= row.median_s <= row.max_s
    assert sum(count for _, _, count in row.histogram) == 20
    assert all(start < end for start, end, _ in row.histogram)


@exact
def test_tracker_keeps_nothing_alive() -> None:
    with barrow.Tracker(Plain) as tracker:
        thing = Plain()
        watch = weakref.ref(thing)
        del thing
        assert watch() is None
    assert tracker[Plain].deaths == 1


@exact
def test_trackers_side_by_side_and_again() -> None:
    first, second = barrow.Tracker(Plain), barrow.Tracker(Holder)
    with first:
        make_and_drop(Plain, 5)
        with second:
            one = Holder(Plain())
        make_and_drop(Plain, 5)
    with first:
        make_and_drop(Plain, 5)
    assert first[Plain].births == 16
    assert second[Holder].births == 1
    assert one


@exact
def test_tracker_of_threads() -> None:
    with barrow.Tracker(Plain) as tracker:
        threads = [threading.Thread(target=make_and_drop, args=(Plain, 3000)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (tracker[Plain].births, tracker[Plain].deaths) == (12_000, 12_000)


@exact
def test_tracker_and_tracemalloc() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(barrow.Error, match="tracemalloc"):
            barrow.Tracker(Plain).start()
    finally:
        tracemalloc.stop()
    with barrow.Tracker(Plain) as tracker:  # what tracemalloc leaves behind is no obstacle
        make_and_drop(Plain, 2)
        tracemalloc.start()
        make_and_drop(Plain, 2)
    tracemalloc.stop()
    assert not tracker.complete
    assert "incomplete" in str(tracker)


def test_tracker_at_exit() -> None:
    code = (
        "import barrow\nclass A: pass\nkept = [A() for _ in range(10)]\n"
        "tracker = barrow.Tracker(A, dict, int).start()\nmore = [A() for _ in range(10)]\nprint('end')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd="/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


# ---- all of them -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["size", "retained", "growth", "referrers", "paths", "why"])
def test_asking_changes_nothing(name: str) -> None:
    things = [Holder([i]) for i in range(50)]
    ask = {
        "size": lambda: barrow.size(things),
        "retained": lambda: barrow.size(things, retained=True),
        "growth": lambda: barrow.growth(),
        "referrers": lambda: barrow.referrers(things[3]),
        "paths": lambda: barrow.paths(things[3]),
        "why": lambda: barrow.why(things[3]),
    }[name]
    for _ in range(3):
        ask()
    gc.collect()

    def look() -> str:  # a text: nothing that the collector tracks stays
        return json.dumps(
            {
                "references": [sys.getrefcount(thing) for thing in [things, Holder, *things]],
                "collections": [row["collections"] for row in gc.get_stats()][2],
                "tracked": len(gc.get_objects()),
            }
        )

    look()
    before = look()
    ask()
    assert look() == before
