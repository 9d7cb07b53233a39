"""barrow report and what notebooks show: the page's data, read back and compared with the views."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
import runner
from container import check, check_shape, read_page
from ledger_file import INNER, MALLOC, MMAP, OBJ, OUTER, LedgerFile
from runner import barrow_exe, clean_environment, execute

import barrow

DATA = Path(__file__).resolve().parents[1] / "data"
PAGE = Path(barrow.__file__).with_name("_page.html")
PROGRAM = """\
import gc
import barrow

kept = [bytearray(1000) for _ in range(300)]
barrow.mark("loaded")
for _ in range(3):
    gc.collect()
churn = [str(n) * 10 for n in range(5000)]
del churn
text = "é ü </script> \\U0001f600"
"""


@pytest.fixture(autouse=True, scope="module")
def page():
    """The built page.  A build without npm has none; there is nothing to test then."""
    if not PAGE.stat().st_size and not shutil.which("npm"):
        pytest.skip("barrow was built without the report's page: there is no npm here")
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("<!--barrow:data-->") == 1
    return text


def report(*words, **options):
    return execute([barrow_exe(), "report", *map(str, words)], **options)


def made(tmp_path, *words):
    """The page that the command writes, taken apart."""
    out = tmp_path / "made.html"
    done = report(*words, "-f", "-o", out)
    assert (done.status, done.stdout) == (0, ""), done.stderr
    return read_page(out.read_text(encoding="utf-8"))


# ---- every column ----


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("recorded")
    (directory / "app.py").write_text(PROGRAM, encoding="utf-8")
    past = time.time() - 5  # as file systems keep time coarsely
    os.utime(directory / "app.py", (past, past))
    done = runner.record(directory / "app.barrow", directory / "app.py")
    assert done.status == 0, done.stderr
    return directory / "app.barrow"


def test_recorded_program(recorded, tmp_path):
    container = made(tmp_path, recorded).data["main"]
    check(container, runner.ledger(recorded))
    columns = container.columns
    assert "loaded" in [columns["strings"][name] for name in columns["marks.name"]]
    marks = barrow.open(recorded).marks
    assert [row.name for row in marks] == [columns["strings"][n] for n in columns["marks.name"]]
    for row, ours in zip(marks, container.rows("marks"), strict=True):
        assert abs(ours["time_us"] - row.time_s * 1e6) < 1.01
    lines = {
        (columns["strings"][f["file"]], f["line"]): columns["strings"][f["module"]]
        for f in container.rows("frames")
    }
    assert lines[str(recorded.with_name("app.py")), 4] == "__main__"
    sizes = container.head["sizes"]
    assert sum(map(sum, sizes.values())) == container.head["summary"]["allocations"]


def test_known_ledger(tmp_path):
    check(made(tmp_path, DATA / "format1.barrow").data["main"], runner.ledger(DATA / "format1.barrow"))


def test_family_of_processes(tmp_path):
    family = DATA / "family"
    container = made(tmp_path, family).data["main"]
    check(container, runner.ledger(family))
    assert len(set(container.columns["sites.process"])) == 3


def test_empty_ledger(tmp_path):
    path = LedgerFile().write(tmp_path / "x.barrow")
    container = made(tmp_path, path).data["main"]
    check(container, runner.ledger(path))
    assert container.columns["sites.node"] == []
    assert container.columns["strings"][0] == ""


def test_one_site(tmp_path):
    ledger = LedgerFile()
    ledger.site(ledger.stack(OUTER), OBJ, allocated=77, allocations=7, freed=11, frees=1, peak=66)
    path = ledger.write(tmp_path / "x.barrow")
    container = made(tmp_path, path).data["main"]
    check(container, runner.ledger(path))
    assert len(container.rows("sites")) == 1
    assert container.rows("sites")[0]["leaked_bytes"] == 66


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--barrow:data-->",
    "quo'te\"& <b>",
    "line\nbreak\r\x1b[31m\x7f\x01",
    "数据/处理.解析",
    "\u202eright\u200bto left \u2028",
    "\U0001f600\u0301",
    "lone \udcff\udc80 \ud83d",
    "x" * 70_000,
    "$& $1 %s \\u0000",
]


def test_hostile_names(tmp_path, page):
    ledger = LedgerFile(command=("app.py", *HOSTILE[:4]))
    for number, name in enumerate(HOSTILE):
        node = ledger.stack(OUTER, (f"/srv/{name}.py"[:60000], name[:60000], number))
        ledger.site(node, MALLOC, allocated=1000 + number, allocations=2, peak=10)
    path = ledger.write(tmp_path / "x.barrow")
    result = made(tmp_path, path)
    check(result.data["main"], runner.ledger(path))
    assert result.rest == read_page(page).rest
    assert "</script><script>alert(1)</script>" in result.title
    assert "\x1b" not in result.title and "\n" not in result.title


def test_strings_that_are_no_utf8(tmp_path):
    ledger = LedgerFile()
    ledger.site(ledger.stack((INNER[0], "name\udc80\udcff.py", 3)), OBJ, allocated=5, allocations=1)
    path = ledger.write(tmp_path / "x.barrow")
    data = path.read_bytes()
    raw = "name\udc80\udcff.py".encode("utf-8", "surrogatepass")
    assert data.count(raw) == 1
    path.write_bytes(data.replace(raw, b"na\xe4\xf6\xfc\xffe\xc3x\xf0.py"))
    container = made(tmp_path, path).data["main"]
    check(container, runner.ledger(path))
    assert any("na\ufffd" in text for text in container.columns["strings"])


def test_deep_stack(tmp_path):
    ledger = LedgerFile()
    codes = [ledger.code("/srv/deep.py", name, 1, [(1, 2)]) for name in ("even", "odd")]
    node = ledger.main_thread
    for level in range(10_000):
        node = ledger.node(node, codes[level % 2], 0)
    ledger.site(node, OBJ, allocated=100, allocations=1, peak=100, peak_blocks=1)
    path = ledger.write(tmp_path / "x.barrow")
    container = made(tmp_path, path).data["main"]
    check(container, runner.ledger(path))
    assert len(container.columns["nodes.parent"]) == 10_002


def test_great_numbers_are_cut(tmp_path):
    ledger = LedgerFile()
    ledger.site(ledger.stack(OUTER), MMAP, allocated=(1 << 62) + 1, allocations=1 << 60)
    container = made(tmp_path, ledger.write(tmp_path / "x.barrow")).data["main"]
    check_shape(container)
    assert container.columns["sites.total_bytes"] == [(1 << 53) - 1]


def test_sites_are_written_by_node_and_changes_name_them(tmp_path):
    """Sites come into a ledger in any order."""
    ledger = LedgerFile()
    leaves = [ledger.stack(OUTER, (INNER[0], f"f{n}", n + 1)) for n in range(20)]
    numbers = {}
    for n in (*range(19, -1, -2), *range(0, 20, 2)):
        for domain in (MALLOC, OBJ):
            numbers[n, domain] = ledger.site(
                leaves[n], domain, allocated=100 + n, allocations=1, peak=50 + n, peak_blocks=1
            )
    ledger.checkpoint(
        10**9, 500, [(numbers[7, OBJ], 300, 3), (numbers[2, MALLOC], 200, 2), (numbers[19, OBJ], 5, 1)]
    )
    path = ledger.write(tmp_path / "x.barrow")
    container = made(tmp_path, path).data["main"]
    check(container, runner.ledger(path))
    first = next(point["changes"] for point in container.rows("points"))
    told = [
        (container.columns["strings"][frame["function"]], row["bytes"], row["blocks"])
        for row in container.rows("changes")[:first]
        for site in [container.rows("sites")[row["site"]]]
        for frame in [container.rows("frames")[container.columns["nodes.frame"][site["node"]]]]
    ]
    assert sorted(told) == [("f19", 5, 1), ("f2", 200, 2), ("f7", 300, 3)]


# ---- sources ----


def sources(container):
    strings = container.columns["strings"]
    return {strings[row["file"]]: row["text"] for row in container.rows("sources")}


def test_source_of_the_program(recorded, tmp_path):
    container = made(tmp_path, recorded).data["main"]
    assert sources(container)[str(recorded.with_name("app.py"))] == PROGRAM
    assert container.head["source_changed"] == container.head["source_left_out"] == 0
    bare = made(tmp_path, recorded, "--no-source").data["main"]
    check(bare, runner.ledger(recorded), sources=False)


def source_ledger(tmp_path, files, **settings):
    """A ledger recorded in the future, in which each file owns less than the one before."""
    ledger = LedgerFile(**settings)
    for number, file in enumerate(files):
        ledger.site(
            ledger.stack((str(file), f"f{number}", 1)),
            OBJ,
            **{"allocated": 10**9 - number, "allocations": 1, "peak": 10**9 - number},
        )
    return ledger.write(tmp_path / "x.barrow")


@pytest.fixture
def old(tmp_path):
    """Makes a file that is older than any recording."""

    def make(name, data: bytes):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1_000_000, 1_000_000))
        return path

    return make


def test_only_what_looks_like_python_is_read(tmp_path, old):
    good = [
        old("a.py", b"x = 1\n"),
        old("tool", b"#!/usr/bin/env python3\nx = 2\n"),
        old("odd.py", b"# \xff\xfe caf\xe9 \x00 \xed\xb3\xbf\n"),
        old("fast.pyx", b"cdef int x\n"),
    ]
    bad = [
        old("id_rsa", b"-----BEGIN KEY-----\npython\n"),
        old("notes.txt", b"#!not\npython"),
        old("empty.py", b""),
        tmp_path / "missing.py",
        tmp_path / "folder.py",
        tmp_path / "pipe.py",
        Path("/dev/zero"),
    ]
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    found = sources(made(tmp_path, source_ledger(tmp_path, [*bad, *good])).data["main"])
    assert list(found) == [str(path) for path in good]
    assert found[str(good[2])] == "# \ufffd\ufffd caf\ufffd \ufffd \ufffd\n"


def test_sources_that_were_changed_are_left_out(tmp_path, old):
    same, changed = old("same.py", b"a\n"), old("changed.py", b"b\n")
    os.utime(changed)
    container = made(tmp_path, source_ledger(tmp_path, [changed, same])).data["main"]
    assert list(sources(container)) == [str(same)]
    assert container.head["source_changed"] == 1


def test_sources_have_limits(tmp_path, old):
    large = old("large.py", b"#" * (256 << 10) + b"\n")
    most = [old(f"m{n}.py", b"#" * (256 << 10)) for n in range(17)]
    container = made(tmp_path, source_ledger(tmp_path, [large, *most])).data["main"]
    assert list(sources(container)) == [str(path) for path in most[:16]]
    assert container.head["source_left_out"] == 2
    many = [old(f"many/{n}.py", b"x\n") for n in range(405)]
    container = made(tmp_path, source_ledger(tmp_path, many)).data["main"]
    assert list(sources(container)) == [str(path) for path in many[:400]]
    assert container.head["source_left_out"] == 5


# ---- the command ----


def test_page_is_as_built_but_for_data_and_title(ledger_path, tmp_path, page):
    result = made(tmp_path, ledger_path)
    assert result.rest == read_page(page).rest
    assert result.title == "barrow: app.py"
    assert list(result.data) == ["main"]
    assert made(tmp_path, ledger_path, "--title", "a <b> & c").title == "a <b> & c"


def test_base_is_a_second_element(ledger_path, recorded, tmp_path):
    result = made(tmp_path, recorded, "--base", ledger_path)
    assert list(result.data) == ["main", "base"]
    check(result.data["main"], runner.ledger(recorded))
    check(result.data["base"], runner.ledger(ledger_path), sources=False)


def test_default_name_and_mode(ledger_path, tmp_path):
    os.umask(0o022)
    work = tmp_path / "work"
    work.mkdir()
    done = report(ledger_path, cwd=work)
    assert (done.status, done.stdout) == (0, "")
    assert [path.name for path in work.iterdir()] == ["known.html"]
    made_page = work / "known.html"
    assert stat.S_IMODE(made_page.stat().st_mode) == 0o600
    size = made_page.stat().st_size
    assert done.stderr == f"barrow: wrote known.html, {size // 1024} KiB\n"
    again = report(ledger_path, cwd=work)
    assert (again.status, again.stderr) == (2, "barrow: known.html exists; -f overwrites it\n")
    assert report(ledger_path, "-f", cwd=work).status == 0
    (work / "run").mkdir()
    shutil.copy(ledger_path, work / "run")
    assert report("run/", cwd=work).stderr.startswith("barrow: wrote run.html, ")


def test_standard_output(ledger_path):
    done = report(ledger_path, "-o", "-")
    assert (done.status, done.stderr) == (0, "")
    check(read_page(done.stdout).data["main"], runner.ledger(ledger_path))


def test_equal_input_gives_equal_pages(ledger_path):
    assert report(ledger_path, "-o", "-").stdout == report(ledger_path, "-o", "-").stdout


@pytest.mark.parametrize(
    "words, said",
    [
        ([], "which recording"),
        (["LEDGER", "-o", "-", "--open"], "--open"),
        (["LEDGER", "-o", "/nowhere/x.html"], "/nowhere/x.html"),
        (["LEDGER", "-o", "/tmp", "-f"], "directory"),
        (["nothing.barrow"], "nothing.barrow"),
        (["LEDGER", "--base", "nothing.barrow"], "nothing.barrow"),
        (["LEDGER", "LEDGER2"], "run"),
    ],
)
def test_errors(ledger_path, tmp_path, words, said):
    other = LedgerFile(run=b"of another run!!").write(tmp_path / "other.barrow")
    names = {"LEDGER": ledger_path, "LEDGER2": other}
    work = tmp_path / "work"
    work.mkdir()
    done = report(*[names.get(word, word) for word in words], cwd=work)
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith("barrow: ") and done.stderr.count("\n") == 1
    assert said in done.stderr
    assert list(work.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_full_disk(ledger_path):
    done = report(ledger_path, "-o", "/dev/full", "-f")
    assert done.status == 2
    assert done.stderr.startswith("barrow: can't write /dev/full")


def test_open_starts_the_browser(ledger_path, tmp_path):
    browser = tmp_path / "browser"
    browser.write_text('#!/bin/sh\nprintf "%s|" "$@" >opened\n')
    browser.chmod(0o755)
    work = tmp_path / "it's a $(place)"
    work.mkdir()
    env = {"BROWSER": f"{browser} --new"}
    out = work / "x.html"
    done = report(ledger_path, "--open", "-o", out, cwd=work, env=env)
    assert (done.status, done.stdout) == (0, "")
    assert (work / "opened").read_text() == f"--new|{out}|"
    done = report(ledger_path, "--open", "-f", "-o", out, cwd=work, env={"BROWSER": "/no/browser"})
    assert done.status == 2
    wrote, failed = done.stderr.splitlines()
    assert wrote.startswith("barrow: wrote ")
    assert failed.startswith("barrow: there is no browser") and "BROWSER" in failed


def test_ledger_that_is_being_written(tmp_path):
    script = tmp_path / "app.py"
    script.write_text("kept = bytearray(70000)\nprint('ready', flush=True)\ninput()\n")
    words = [*runner.run_words(tmp_path / "app.barrow"), "-q", str(script)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, env=clean_environment(), text=True, **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        container = made(tmp_path, tmp_path / "app.barrow").data["main"]
        process.communicate("\n")
    check_shape(container)
    assert container.head["summary"]["complete"] is False
    assert container.head["summary"]["live_bytes"] >= 70000


# ---- notebooks ----


class Frame(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def framed(html):
    """The page in the frame that a notebook is given."""
    ((tag, attributes),) = Frame(html).tags
    assert tag == "iframe"
    assert attributes["sandbox"] == "allow-scripts"
    return read_page(attributes["srcdoc"])


def test_ledger_in_a_notebook(recorded, page):
    ledger = barrow.open(recorded)
    result = framed(ledger._repr_html_())
    check(result.data["main"], runner.ledger(recorded))
    assert result.rest == read_page(page).rest
    total = sum(row.bytes for row in ledger.table("total"))
    assert sum(result.data["main"].columns["sites.total_bytes"]) == total


def test_notebook_without_the_page(ledger_path, tmp_path, monkeypatch):
    from barrow import _html

    path = LedgerFile(command=("<script>.py",)).write(tmp_path / "x.barrow")
    (tmp_path / "empty.html").touch()
    for missing in (tmp_path / "missing.html", tmp_path / "empty.html"):
        monkeypatch.setattr(_html, "_PAGE", missing)
        html = barrow.open(path)._repr_html_()
        assert html.startswith("<table>") and "&lt;script&gt;.py" in html
        assert "3.3 KiB" in barrow.open(ledger_path)._repr_html_()


def test_notebook_is_not_burdened(ledger_path, monkeypatch):
    from barrow import _html

    monkeypatch.setattr(_html, "_MOST_BYTES", 1000)
    html = barrow.open(ledger_path)._repr_html_()
    assert html.startswith("<table>") and "barrow report" in html


RECORD = """\
import sys
sys.path[:0] = {path!r}
import barrow
from barrow._html import _bytes
from test_report import framed

def totals(html):
    container = framed(html).data["main"]
    return container.head["summary"]["complete"], sum(container.columns["sites.leaked_bytes"])

recording = barrow.record({where})
print(recording._repr_html_())
recording.start()
kept = bytearray(1_000_000)
complete, leaked = totals(recording._repr_html_())
print(complete, leaked >= 1_000_000)
inner = barrow.record()
inner.start()
print(totals(inner._repr_html_())[0])
more = bytearray(500_000)
inner.stop()
shown = _bytes(inner.summary()["live_bytes"])
print(inner._repr_html_().startswith("<table>"), f">{{shown}}<" in inner._repr_html_())
recording.stop()
complete, leaked = totals(recording._repr_html_())
print(complete, leaked == sum(row.bytes for row in recording.table("leaked")) >= 1_500_000)
"""


@pytest.mark.parametrize("where", ["", "'x.barrow'"])
def test_record_in_a_notebook(tmp_path, where):
    code = RECORD.format(path=[str(Path(__file__).parent)], where=where)
    done = execute([sys.executable, "-c", code], cwd=tmp_path)
    assert done.status == 0, done.stderr
    assert done.stdout.splitlines() == ["None", "False True", "False", "True True", "True True"]
