"""What other programs read in barrow's exports: the same totals as barrow's own views.

Each test asks the real consumer: go's pprof, speedscope in a browser, SQLite, the data frame
libraries.  Perfetto's trace processor is in no package registry; the trace is checked against the
rules of its format instead.
"""

from __future__ import annotations

import base64
import collections
import gzip
import html
import itertools
import json
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from runner import METRICS, Ledger, barrow_exe, clean_environment, execute, ledger, record

import barrow

REPOSITORY = Path(__file__).resolve().parents[2]

PROGRAM = """
import gc, os, threading
import barrow

class Tree:
    def __init__(self, depth):
        self.children = [Tree(depth - 1) for _ in range(2)] if depth else []
        self.me = self

def churn():
    return sum(len(bytes(1000 + i % 7)) for i in range(5000))

def work(kept):
    kept += (lambda: [bytearray(10_000) for _ in range(20)])()

keep = [Tree(8), bytearray(3_000_000)]
with_name = [threading.Thread(target=work, args=(keep,), name=f"pool-{i}") for i in range(3)]
for thread in with_name:
    thread.start()
for thread in with_name:
    thread.join()
barrow.mark("built")
del keep[1:3]
gc.collect()
if not (pid := os.fork()):
    child = [bytes(5000) for _ in range(50)]
    os._exit(0)
os.waitpid(pid, 0)
churn()
"""

PPROF_TYPES = {
    "alloc_objects": ("total", "blocks"),
    "alloc_space": ("total", "bytes"),
    "inuse_objects": ("leaked", "blocks"),
    "inuse_space": ("leaked", "bytes"),
    "peak_space": ("peak", "bytes"),
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A recording of two processes."""
    directory = tmp_path_factory.mktemp("recorded")
    program = directory / "program.py"
    program.write_text(PROGRAM)
    done = record(directory / "run.barrow", program)
    assert done.status == 0, done.stderr
    (directory / "ledgers").mkdir()
    for path in directory.glob("*.barrow"):
        path.rename(directory / "ledgers" / path.name)
    found = ledger(directory / "ledgers")
    assert len(found.summary["processes"]) == 2
    assert all(total(found, metric) > 0 for metric in METRICS)
    return found


FAMILY = ledger(REPOSITORY / "tests/data/family")


@pytest.fixture(params=["recorded", "family"])
def some(request: pytest.FixtureRequest) -> Ledger:
    return request.getfixturevalue("recorded") if request.param == "recorded" else FAMILY


def total(of: Ledger, metric: str, what: str = "bytes") -> int:
    return sum(row[what] for row in of.rows(metric, "domain"))


def clean(name: str) -> str:
    """A name as the formats of other programs hold it: bytes of file names that are no text."""
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", name)


def export(of: Ledger, to: Path, format: str, *words: str) -> Path:
    argv = [barrow_exe(), "export", "-F", format, "-o", str(to), *words, *map(str, of.paths)]
    done = execute(argv)
    if "built without SQLite" in done.stderr:
        pytest.skip("this barrow was built without SQLite")
    assert (done.status, done.stdout, done.stderr) == (0, "", "")
    return to


# ---- pprof ----


def fields(data: bytes) -> list[tuple[int, Any]]:
    """The fields of a protobuf message: numbers and bytes."""

    def varint(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            byte = data[at]
            value |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128:
                return value, at

    found, at = [], 0
    while at < len(data):
        tag, at = varint(at)
        value: Any
        value, at = varint(at)
        if tag & 7 == 2:
            value, at = data[at : at + value], at + value
        else:
            assert tag & 7 == 0
        found.append((tag >> 3, value))
    assert at == len(data)
    return found


def packed(data: bytes) -> list[int]:
    numbers = re.findall(rb"[\x80-\xff]*[\0-\x7f]", data)
    return [value for number in numbers for _, value in fields(b"\0" + number)]


def test_pprof_keeps_the_rules_of_its_format(some: Ledger, tmp_path: Path) -> None:
    raw = export(some, tmp_path / "x.pb.gz", "pprof").read_bytes()
    assert raw[:4] == b"\x1f\x8b\x08\0" and raw[4:8] == bytes(4), "no time in the header"
    parts = collections.defaultdict(list)
    for number, value in fields(gzip.decompress(raw)):
        parts[number].append(value)
    strings = [text.decode() for text in parts[6]]
    assert strings[0] == "" and len(set(strings)) == len(strings)
    types = [tuple(strings[value] for _, value in fields(part)) for part in parts[1]]
    assert [name for name, _ in types] == list(PPROF_TYPES)
    assert [unit for _, unit in types] == ["count", "bytes", "count", "bytes", "bytes"]
    assert [strings[i] for i in parts[14]] == ["inuse_space"]
    assert [strings[value] for _, value in fields(parts[11][0])] == ["space", "bytes"]
    assert parts[12] == [1] and len(parts[9]) == len(parts[10]) == 1
    (mapping,) = map(dict, map(fields, parts[3]))
    assert mapping[1] == 1 and mapping[7] == mapping[8] == mapping[9] == 1
    functions = [dict(fields(part)) for part in parts[5]]
    assert [function[1] for function in functions] == list(range(1, len(functions) + 1))
    assert all(3 not in function for function in functions), "no system name: it would be demangled"
    locations = {}
    for location in map(dict, map(fields, parts[4])):
        line = dict(fields(location[4]))
        assert location[1] not in locations and location[1] > 0 and location[2] == 1
        locations[location[1]] = (functions[line[1] - 1], line.get(2, 0))
    sums = [0] * 5
    for sample in parts[2]:
        stack, values = (packed(value) for number, value in fields(sample) if number in (1, 2))
        assert stack and set(stack) <= set(locations) and len(values) == 5
        sums = [a + b for a, b in zip(sums, values, strict=True)]
        labels = {}
        for label in (dict(fields(value)) for number, value in fields(sample) if number == 3):
            labels[strings[label[1]]] = strings[label[2]] if 2 in label else label[3]
        assert labels["domain"] in ("obj", "mem", "malloc", "mmap") and int(labels["process"]) > 0
        assert labels["thread"]
    assert sums == [total(some, *what) for what in PPROF_TYPES.values()]
    leaves = {strings[functions[0][2]] for functions in locations.values()}
    assert "<module>" in leaves


@pytest.fixture
def pprof(tmp_path: Path):
    go = shutil.which("go")
    if not go or execute([go, "tool", "-n", "pprof"]).status != 0:
        pytest.skip("no go with its pprof here")

    def run(*words: object) -> str:
        env = {"PPROF_TMPDIR": str(tmp_path)}
        done = execute([go, "tool", "pprof", *map(str, words)], env=env)
        assert done.status == 0, done.stderr
        return done.stdout

    return run


def test_pprof_is_read_by_go(some: Ledger, tmp_path: Path, pprof) -> None:
    path = export(some, tmp_path / "x.pb.gz", "pprof")
    raw = pprof("-raw", path)
    assert "inuse_space/bytes[dflt]" in raw
    samples = re.findall(r"^ +((?:\d+ +){4}\d+): ", raw, re.M)
    sums = [sum(column) for column in zip(*(map(int, line.split()) for line in samples), strict=True)]
    assert sums == [total(some, *what) for what in PPROF_TYPES.values()]
    for name, (metric, what) in PPROF_TYPES.items():
        text = pprof("-top", f"-sample_index={name}", "-unit=B", "-nodefraction=0", "-nodecount=1000000", path)
        flat = collections.Counter()
        for number, function in re.findall(r"^ *(\d+)B? +\S+ +\S+ +\S+ +\S+  (.*)$", text, re.M):
            flat[function] += int(number)
        wanted = collections.Counter()
        for row in some.rows(metric, "function"):
            wanted[row["function"] or "<no Python frame>"] += row[what]
        assert +flat == +wanted, name


def test_pprof_differences(recorded: Ledger, tmp_path: Path, pprof) -> None:
    path = export(recorded, tmp_path / "x.pb.gz", "pprof")
    assert "Showing nodes accounting for 0, 0% of" in pprof("-top", f"-diff_base={path}", path)
    threads = pprof("-tags", path)
    assert "pool-*" in threads and "MainThread" in threads


# ---- speedscope ----


@pytest.mark.parametrize("metric", METRICS)
def test_speedscope_document(some: Ledger, tmp_path: Path, metric: str) -> None:
    document = json.loads(export(some, tmp_path / "x.speedscope.json", "speedscope", "-m", metric).read_text())
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert document["exporter"] == f"barrow@{barrow.__version__}"
    assert document["activeProfileIndex"] == METRICS.index(metric)
    frames = document["shared"]["frames"]
    assert all(isinstance(frame["name"], str) for frame in frames)
    for profile, name in zip(document["profiles"], METRICS, strict=True):
        assert (profile["type"], profile["unit"], profile["startValue"]) == ("sampled", "bytes", 0)
        assert len(profile["samples"]) == len(profile["weights"])
        assert profile["endValue"] == sum(profile["weights"]) == total(some, name)
        flat = collections.Counter()
        for sample, weight in zip(profile["samples"], profile["weights"], strict=True):
            frame = frames[sample[-1]]
            flat[frame["name"], frame.get("file", ""), frame.get("line", 0)] += weight
        wanted = collections.Counter()
        for row in some.rows(name, "line"):
            function = row["function"] if row["function"] or row["file"] else "(no Python frame)"
            wanted[clean(function), clean(row["file"]), row["line"]] += row["bytes"]
        assert flat == +wanted


SPEEDSCOPE = "speedscope@1.25.0"


@pytest.fixture(scope="module")
def speedscope_page() -> Path:
    """speedscope as npm has it: a page that imports files."""
    directory = REPOSITORY / "build" / SPEEDSCOPE
    page = directory / "package/dist/release/index.html"
    if not page.exists():
        npm = shutil.which("npm")
        directory.mkdir(parents=True, exist_ok=True)
        done = npm and execute([npm, "pack", "--silent", SPEEDSCOPE], cwd=directory)
        if not done or done.status != 0:
            pytest.skip(f"npm can't get {SPEEDSCOPE} here")
        (archive,) = directory.glob("*.tgz")
        shutil.unpack_archive(archive, directory)
    return page


def size(number: int) -> str:
    """Bytes as speedscope writes them."""
    unit = 0
    value = float(number)
    while value >= 1024 and unit < 3:
        value, unit = value / 1024, unit + 1
    return f"{value:.2f} {['B', 'KB', 'MB', 'GB'][unit]}"


def test_speedscope_imports_it(some: Ledger, tmp_path: Path, speedscope_page: Path) -> None:
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("no chromium here")
    path = export(some, tmp_path / "x.speedscope.json", "speedscope", "-m", "leaked")
    content = base64.b64encode(path.read_bytes()).decode()
    script = tmp_path / "load.js"
    script.write_text(f'speedscope.loadFileFromBase64("{path.name}", "{content}")')
    argv = [chromium, "--headless=new", "--no-sandbox", f"--user-data-dir={tmp_path}/profile"]
    argv += ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    argv += ["--virtual-time-budget=5000", "--dump-dom"]
    argv += [f"file://{speedscope_page}#localProfilePath={script}&view=sandwich"]
    done = subprocess.run(argv, capture_output=True, text=True, env=clean_environment(), timeout=120, check=False)
    words = [html.unescape(word).strip() for word in re.split(r"<[^>]*>", done.stdout)]
    words = [word for word in words if word]
    assert "Sandwich" in words, done.stderr[-2000:]
    assert "still allocated when recording ended" in words and "(2/4)" in words
    for metric, name in zip(METRICS, ("live at the peak", "allocated in all"), strict=False):
        place = max(i for i, word in enumerate(words) if word == name)
        assert words[place + 1] == size(total(some, {"allocated in all": "total"}.get(name, metric)))
    # It shows own bytes in front of the names, a row for each line of a function.
    shown = {(words[i - 1].partition(" (")[0], word) for i, word in enumerate(words)}
    lines = collections.Counter()
    for row in some.rows("leaked", "line"):
        lines[row["function"], row["file"], row["line"]] += row["bytes"]
    (largest, *_), own = lines.most_common(1)[0]
    assert (size(own), largest) in shown


# ---- trace events ----


def test_trace_keeps_the_rules_of_its_format(some: Ledger, tmp_path: Path) -> None:
    document = json.loads(export(some, tmp_path / "x.json", "trace").read_text())
    events = document["traceEvents"]
    assert document["displayTimeUnit"] == "ms"
    by_phase = collections.defaultdict(list)
    for event in events:
        assert isinstance(event["name"], str) and event["ts"] >= 0 and event["pid"] > 0
        by_phase[event["ph"]].append(event)
    assert set(by_phase) <= set("MCXibe")
    processes = {p["pid"]: p["command"] for p in some.summary["processes"]}
    assert {
        event["pid"]: event["args"]["name"] for event in by_phase["M"] if event["name"] == "process_name"
    } == processes
    named = {(e["pid"], e["tid"]) for e in by_phase["M"] if e["name"] == "thread_name"}
    assert {(e["pid"], e["tid"]) for ph in "Xibe" for e in by_phase[ph]} <= named

    series = some.view("timeline")
    ended = {p["pid"]: p["start_s"] + p["duration_s"] for p in some.summary["processes"]}
    for name, key in (("RSS", "rss_bytes"), ("heap", "heap_bytes")):
        told = sorted(
            (round(e["ts"]), e["pid"], e["args"]["bytes"])
            for e in by_phase["C"]
            if e["name"] == name and not (e["args"]["bytes"] == 0 and e["ts"] == pytest.approx(ended[e["pid"]] * 1e6))
        )
        samples = {(round(s["time_s"] * 1e6), s["pid"], s[key]) for s in series["samples"]}
        assert set(told) == samples and len(told) >= 2

    pauses = sorted((e["pid"], e["ts"], e["dur"]) for e in by_phase["X"])
    assert [pytest.approx(pause) for pause in pauses] == sorted(
        (e["pid"], e["time_s"] * 1e6, e["pause_s"] * 1e6) for e in series["gc_events"]
    )
    for (pid, start, length), (next_pid, next_start, _) in itertools.pairwise(pauses):
        assert pid != next_pid or start + length <= next_start, "slices of a line must not overlap"

    marks = {e["name"] for e in by_phase["i"] if e["cat"] == "mark"} | {e["name"] for e in by_phase["b"]}
    assert marks == ({"load"} if some is FAMILY else {"built"})
    assert sorted((e["id"], e["name"]) for e in by_phase["b"]) == sorted((e["id"], e["name"]) for e in by_phase["e"])
    peaks = [e for e in by_phase["i"] if e["cat"] == "peak"]
    assert {e["pid"] for e in peaks} == set(processes)


# ---- SQLite ----


def test_sqlite_database(some: Ledger, tmp_path: Path) -> None:
    path = export(some, tmp_path / "x.sqlite", "sqlite")
    with sqlite3.connect(path) as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
        for metric in METRICS:
            found = db.execute(f"select sum({metric}_bytes), sum({metric}_blocks) from sites").fetchone()
            assert found == (total(some, metric), total(some, metric, "blocks"))
            lines = db.execute(
                f"select coalesce(function, ''), coalesce(file, ''), coalesce(line, 0), domain, sum({metric}_bytes) b,"
                f" sum({metric}_blocks) n from sites group by 1, 2, 3, 4 having b > 0 or n > 0"
            ).fetchall()
            wanted = [tuple(row.values()) for row in some.rows(metric, "line")]
            assert sorted(lines) == sorted((row[0], clean(row[1]), *row[2:]) for row in wanted)
        series = some.view("timeline")
        assert db.execute("select count(*), max(rss_bytes), sum(heap_bytes) from samples").fetchone() == (
            len(series["samples"]),
            max(s["rss_bytes"] for s in series["samples"]),
            sum(s["heap_bytes"] for s in series["samples"]),
        )
        assert db.execute("select count(*) from gc").fetchone() == (len(series["gc_events"]),)
        assert db.execute("select sum(held_bytes) from changes join checkpoints on checkpoint_id = checkpoints.id"
                          " where is_end and live_bytes = 0").fetchone()[0] in (None, 0)  # fmt: skip
        assert db.execute("select sum(live_bytes) from checkpoints where is_end").fetchone() == (
            some.summary["live_bytes"],
        )
    shell = shutil.which("sqlite3")
    if shell:
        done = execute([shell, str(path), "select sum(peak_bytes) from sites"])
        assert done.stdout == f"{total(some, 'peak')}\n"


# ---- Arrow ----


def read_totals(name: str, table: Any) -> tuple[int, int]:
    library = pytest.importorskip(name, reason=f"{name} has no wheel for this Python")
    if name == "pyarrow":
        read = library.table(table)
        return sum(read["bytes"].to_pylist()), sum(read["blocks"].to_pylist())
    if name == "polars":
        frame = library.DataFrame(table)
        return frame["bytes"].sum(), frame["blocks"].sum()
    if name == "duckdb":
        the_table = table  # noqa: F841  (duckdb finds it by its name)
        return library.sql("select sum(bytes)::hugeint, sum(blocks)::hugeint from the_table").fetchall()[0]
    pytest.importorskip("pyarrow", reason="pandas reads Arrow streams with pyarrow")
    if not hasattr(library.DataFrame, "from_arrow"):
        pytest.skip(f"pandas {library.__version__} has no DataFrame.from_arrow")
    frame = library.DataFrame.from_arrow(table)
    return int(frame["bytes"].sum()), int(frame["blocks"].sum())


@pytest.mark.parametrize("name", ["pyarrow", "pandas", "polars", "duckdb"])
@pytest.mark.parametrize("metric", METRICS)
def test_arrow_totals(recorded: Ledger, name: str, metric: str) -> None:
    rows = barrow.open(recorded.paths[0]).table(metric, by="line")
    assert read_totals(name, rows) == (total(recorded, metric), total(recorded, metric, "blocks"))
