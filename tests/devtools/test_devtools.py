"""Heap snapshots as Chrome's DevTools loads them: the same sizes, dominators and births as barrow's own.

Needs Node 20, the packages of package.json in BARROW_DEVTOOLS (build/devtools, where `make pages` installs them)
and make-heap of the C tests; without them the tests are skipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DEVTOOLS = Path(os.environ.get("BARROW_DEVTOOLS") or ROOT / "build/devtools")
MAKE_HEAP = [
    Path(os.environ.get("BARROW_MAKE_HEAP", "/nonexistent")),
    *(ROOT / f"build/{name}/tests/c/make-heap" for name in ("san", "plain")),
]

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not shutil.which("node"), reason="no Node here"),
    pytest.mark.skipif(
        not (DEVTOOLS / "node_modules/chrome-devtools-frontend").exists(),
        reason=f"the packages of tests/devtools are not installed in {DEVTOOLS}: make pages does it",
    ),
]

ID, TYPE, NAME, SELF, RETAINED, DISTANCE, DOMINATOR, TRACE = range(8)


def command() -> str:
    return os.environ.get("BARROW_EXE") or str(Path(sys.executable).parent / "barrow")


def barrow(*words: str | Path) -> str:
    done = subprocess.run([command(), *map(str, words)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def query(ledger: Path, text: str) -> list[dict[str, Any]]:
    return json.loads(barrow("sql", "--json", ledger, text))["rows"]


def load(*snapshots: Path) -> list[dict[str, Any]]:
    """What DevTools makes of them."""
    for name in ("load.mjs", "entry.ts"):
        if (DEVTOOLS / name).read_bytes() != (HERE / name).read_bytes():
            shutil.copy(HERE / name, DEVTOOLS)
            (DEVTOOLS / "loader.mjs").unlink(missing_ok=True)
    done = subprocess.run(
        ["node", DEVTOOLS / "load.mjs", *snapshots], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def export(ledger: Path, number: int) -> Path:
    path = ledger.with_suffix(f".{number}.heapsnapshot")
    barrow("export", "--format", "heapsnapshot", "--snapshot", str(number), "-o", path, ledger)
    json.loads(path.read_text())  # DevTools' own reader is lenient
    return path


@pytest.fixture(scope="session")
def make_heap() -> Callable[..., None]:
    found = [path for path in MAKE_HEAP if path.exists()]
    if not found:
        pytest.skip("make-heap is not built: make unit builds it")

    def run(*words: str | Path) -> None:
        subprocess.run([found[0], *map(str, words)], check=True, timeout=60)

    return run


def check(ledger: Path, number: int, seen: dict[str, Any]) -> None:
    """Every object: its size, what it retains, who dominates it."""
    nodes = {node[ID]: node for node in seen["nodes"]}
    assert len(nodes) == len(seen["nodes"]), "ids are not unique"
    assert all(id % 2 for id in nodes)
    ours = query(
        ledger,
        "select o.identity, o.bytes, o.retained, d.identity as dominator, o.idom is null as garbage,"
        " r.id is not null as under_root"
        " from objects o left join objects d on d.id = o.idom left join roots r on r.id = o.idom"
        f" where o.snapshot = {number}",
    )
    large = 0
    for row in ours:
        node = nodes[2 * row["identity"] + 1]
        assert node[SELF] == min(row["bytes"], 2**32 - 1)
        if row["garbage"]:
            # DevTools has no garbage: ours hangs side by side below a root of its own.
            assert node[RETAINED] == row["bytes"] and nodes[node[DOMINATOR]][NAME].startswith("(garbage")
            continue
        assert node[RETAINED] == row["retained"], node
        if row["under_root"]:
            assert nodes[node[DOMINATOR]][TYPE] == "synthetic"
        else:
            assert node[DOMINATOR] == 2 * row["dominator"] + 1, node
        large += row["bytes"] >= 2**32
    if large:
        assert any(node[TYPE] == "native" for node in nodes.values())
    roots = query(ledger, f"select retained from roots where snapshot = {number} and parent_id is not null")
    synthetic = [node for node in nodes.values() if node[TYPE] == "synthetic" and node[ID] != 1]
    told = Counter(node[RETAINED] for node in synthetic if not node[NAME].startswith("(garbage"))
    assert told == Counter(row["retained"] for row in roots)
    (total,) = query(ledger, f"select bytes from snapshots where id = {number}")
    assert nodes[1][RETAINED] == total["bytes"]
    direct = query(
        ledger,
        "select 1 from roots join refs on refs.source = roots.id"
        f" where roots.snapshot = {number} and parent_id is null and refs.kind != 'part'",
    )
    if not direct:  # objects below the root of all, which only made heaps have, are at distance 1
        assert all(node[DISTANCE] < 1_000_000 for node in nodes.values())


# ---- made heaps ----


@pytest.mark.parametrize("seed", range(12))
def test_random_heaps(seed: int, make_heap: Callable[..., None], tmp_path: Path) -> None:
    """Several roots, weak references, self loops, unreachable parts, giants."""
    ledger = tmp_path / "random.barrow"
    make_heap("--random", seed, 30 + 40 * seed, 60 + 90 * seed, ledger)
    (seen,) = load(export(ledger, 1))
    check(ledger, 1, seen)


def test_large_heap(make_heap: Callable[..., None], tmp_path: Path) -> None:
    ledger = tmp_path / "large.barrow"
    make_heap("--big", 100_000, ledger)
    (seen,) = load(export(ledger, 1))
    check(ledger, 1, seen)
    classes = {row["class"]: row["objects"] for row in query(ledger, "select class, objects from types")}
    for name, (count, _, _) in seen["classes"].items():
        if name in classes and name not in ("Object",):
            assert count == classes[name], name


TWO = """
type Node module=app flags=gc,heap
type list flags=gc,container
type dict flags=gc,container,dict
type str flags=text
type int flags=number
type function flags=gc,function
type type flags=gc,type
type module flags=gc,module
type Object flags=gc
type odd class="<odd name>" flags=gc
root main module name=app
root held c_code name=""
object app module 100 address=0x1000
object cache list 5000000000 address=0x2000 length=2
object first Node 64 address=0x3000
object name str 50 address=0x4000 text=key length=3
object secret str 60 address=0x5000 hash=0xbadcafe length=11
object long str 400 address=0xc000 hash=0xfeed length=300 text=begins
object table dict 200 address=0x6000 length=1
object work function 160 address=0x7000 file=/srv/app.py line=12
object klass type 1000 address=0x8000
object bare Object 32 address=0x9000
object strange odd 32 address=0xa000
object number int 32 address=0xb000
type Klass module=app flags=gc,heap object=klass
rootedge main app
rootedge held strange counted 2
edge app cache attribute cache
edge app table attribute table
edge app work attribute work
edge cache first index 0
edge cache bare index 1
edge cache long index 2
edge table name key
edge table secret value
edge first first weak
edge first klass class
edge work number variable total

snapshot time=2
type Node module=app flags=gc,heap
type list flags=gc,container
type module flags=gc,module
type str flags=text
root main module name=app
object app module 100 address=0x1000
object young Node 64 address=0x9990
object cache list 5000000000 address=0x2000 length=2
object first Node 64 address=0x3000
object taken list 50 address=0x4000
rootedge main app
edge app cache attribute cache
edge cache first index 0
edge cache young index 1
edge cache taken index 2
"""


@pytest.fixture(scope="session")
def two(make_heap: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    (folder / "two.txt").write_text(TWO)
    make_heap(folder / "two.txt", folder / "two.barrow")
    return folder / "two.barrow"


def test_two_snapshots(two: Path) -> None:
    """Ids stay, younger objects have larger ones, an address that was taken again is another object."""
    first, second = load(export(two, 1), export(two, 2))
    check(two, 1, first)
    check(two, 2, second)
    ids = [{node[NAME]: node[ID] for node in seen["nodes"]} for seen in (first, second)]
    assert ids[0]["module app"] == ids[1]["module app"] and ids[0]["(module app)"] == ids[1]["(module app)"]
    lists = [sorted(node[ID] for node in seen["nodes"] if node[NAME] == "list") for seen in (first, second)]
    assert lists[0] == lists[1][:1] and lists[1][1] > max(node[ID] for node in first["nodes"] if node[TYPE] != "native")
    assert second["diff"]["app.Node"][:2] == [1, 0]
    assert second["diff"]["list"][:2] == [1, 0]
    assert second["diff"]["(string)"][:2] == [0, 3]
    assert second["diff"].get("module app", [0, 0])[:2] == [0, 0]


def test_names(two: Path) -> None:
    (seen,) = load(export(two, 1))
    names = {node[NAME]: node[TYPE] for node in seen["nodes"]}
    assert names["key"] == "string" and names["str[11] #0badcafe"] == "string"
    assert names["begins\u2026 #0000feed"] == "string"
    assert names["function (app.py:12)"] == "closure"
    assert names["class app.Klass"] == names["module app"] == names["app.Node"] == "object"
    assert names["builtins.Object"] == names["builtins.<odd name>"] == "object"
    assert names["int"] == "number"
    assert names["(held by C code)"] == names["(module app)"] == "synthetic"
    assert "builtins.Object" in seen["classes"] and "(string)" in seen["classes"]


# ---- real programs ----

SHOP = """
import barrow

class Order:
    def __init__(self, number):
        self.number = number
        self.lines = [str(number) * 10 for _ in range(20)]

orders = {}
def fill(start):
    for number in range(start, start + 500):
        orders[number] = Order(number)

fill(0)
barrow.dig()
fill(1000)
barrow.dig()
"""


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(SHOP)
    ledger = folder / "shop.barrow"
    barrow("run", "-q", "--python", sys.executable, "-o", ledger, folder / "shop.py")
    return ledger


def test_real_program(shop: Path) -> None:
    first, second = load(export(shop, 1), export(shop, 2))
    check(shop, 1, first)
    check(shop, 2, second)
    assert second["diff"]["__main__.Order"][:2] == [500, 0]


def test_births(shop: Path) -> None:
    """DevTools shows where an object was allocated, as barrow knows it."""
    (seen,) = load(export(shop, 2))
    stacks = {node[ID]: seen["stacks"][str(node[TRACE])] for node in seen["nodes"] if node[TRACE]}
    rows = query(
        shop,
        "select identity, class, birth_function, birth_file, birth_line from objects"
        " where snapshot = 2 and birth_function is not null",
    )
    assert len(rows) > 1000
    for row in rows:
        stack = stacks[2 * row["identity"] + 1]
        assert stack[0] == [row["birth_function"], row["birth_file"], row["birth_line"]]
        assert stack[-1][0] == "(root)"
    orders = [stacks[2 * row["identity"] + 1] for row in rows if row["class"] == "__main__.Order"]
    assert len(orders) == 1000
    assert {stack[0][0] for stack in orders} <= {"fill", "Order.__init__"}


# ---- what can't be ----


def test_errors(two: Path, tmp_path: Path) -> None:
    for words, what in (
        (["--snapshot", "3"], "there is no snapshot 3: this recording has 2"),
        (["--metric", "peak"], "holds one heap snapshot"),
    ):
        done = subprocess.run(
            [command(), "export", "-F", "heapsnapshot", *words, two], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2 and re.fullmatch(r"barrow: [^\n]*\n", done.stderr) and what in done.stderr
        assert done.stdout == ""
