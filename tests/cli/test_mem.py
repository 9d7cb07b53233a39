"""`barrow mem`: sampling programs of any kind, and what is made of the files."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import xml.dom.minidom
import zlib
from pathlib import Path

import pytest
from harness import Barrow, environment, one_line

MIB = 1 << 20
NAME = re.compile(r"mprofile_\d{14}\.dat")


@pytest.fixture
def mem(exe: str, tmp_path: Path) -> Barrow:
    """Calls `barrow mem` in an empty directory."""
    call = Barrow(exe, tmp_path)
    return lambda *words, **options: call("mem", *words, **options)


def only_file(directory: Path) -> Path:
    (path,) = directory.glob("*.dat")
    return path


def read(path: Path) -> list[list[str]]:
    """The file's lines as words."""
    return [line.split(" ") for line in path.read_text().splitlines()]


def samples(path: Path) -> list[tuple[float, float]]:
    return [(float(line[2]), float(line[1])) for line in read(path) if line[0] == "MEM"]


def peak(path: Path) -> float:
    (line,) = [line for line in read(path) if line[0] == "PEAK"]
    return float(line[1])


def python(code: str) -> list[str]:
    return [sys.executable, "-IS", "-c", code]


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines))
    return path


def write_hill(path: Path) -> Path:
    return write(path, "CMDLINE ./hill", *(f"MEM {10 + min(i, 40 - i):.6f} {1000 + i / 10:.4f}" for i in range(41)),
                 "FUNC hill.climb 10.0 1000.0 30.0 1002.0 0", "FUNC hill.descend 30.0 1002.0 10.0 1004.0 0")


# ---- run ----

def test_a_program_that_is_not_python(mem, tmp_path: Path) -> None:
    done = mem("run", "-T", "20ms", "--", "sh", "-c", "echo out; echo err >&2; sleep 0.3; exit 7")
    assert done.returncode == 7
    assert done.stdout == b"out\n"
    assert done.stderr.startswith(b"err\nbarrow: peak ")
    path = only_file(tmp_path)
    assert NAME.fullmatch(path.name) and path.name.encode() in done.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("CMDLINE sh -c echo out; ")
    got = samples(path)
    assert len(got) >= 8
    assert all(before[0] < after[0] for before, after in itertools.pairwise(got))
    assert abs(got[-1][0] - time.time()) < 30


def test_samples_and_peak_are_true(mem, tmp_path: Path) -> None:
    code = "import time; x = bytearray(80 << 20); time.sleep(0.3); del x; time.sleep(0.2)"
    assert mem("run", "-q", "-T", "0.01", *python(code)).stderr == b""
    path = only_file(tmp_path)
    values = [mib for _, mib in samples(path)]
    assert 80 < max(values) < 110
    assert values[-1] < max(values) - 70
    assert max(values) - 1 <= peak(path) < 110


def test_the_peak_between_two_samples_is_known(mem, tmp_path: Path) -> None:
    """The process ends long before the second sample."""
    assert mem("run", "-T", "30s", *python("x = bytearray(100 << 20); del x")).returncode == 0
    path = only_file(tmp_path)
    assert max(mib for _, mib in samples(path)) < 60
    assert 100 < peak(path) < 130


def test_the_peak_is_not_that_of_children(mem, tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-IS', '-c', 'x = bytearray(200 << 20)'])"
    mem("run", *python(code))
    assert peak(only_file(tmp_path)) < 60


def test_children_are_summed(mem, tmp_path: Path) -> None:
    child = "import time; x = bytearray(50 << 20); time.sleep(0.5)"
    code = (f"import subprocess, sys; c = [subprocess.Popen([sys.executable, '-IS', '-c', {child!r}]) "
            "for _ in range(2)]; [p.wait() for p in c]")
    mem("run", "-C", "-T", "20ms", *python(code))
    path = only_file(tmp_path)
    assert 100 < max(mib for _, mib in samples(path)) < 180
    assert not [line for line in read(path) if line[0] in ("CHLD", "PEAK")]


def test_children_apart(mem, tmp_path: Path) -> None:
    child = "import time; x = bytearray(50 << 20); time.sleep(0.5)"
    code = (f"import subprocess, sys; c = [subprocess.Popen([sys.executable, '-IS', '-c', {child!r}]) "
            "for _ in range(2)]; [p.wait() for p in c]")
    mem("run", "-M", "-T", "20ms", *python(code))
    path = only_file(tmp_path)
    assert max(mib for _, mib in samples(path)) < 50
    children: dict[str, float] = {}
    for line in read(path):
        if line[0] == "CHLD":
            children[line[1]] = max(children.get(line[1], 0), float(line[2]))
    assert len(children) == 2
    assert all(50 < value < 80 for value in children.values())


@pytest.mark.parametrize("metric", ["pss", "uss"])
def test_other_metrics(mem, tmp_path: Path, metric: str) -> None:
    mem("run", "-T", "20ms", "--metric", metric, *python("import time; x = bytearray(40 << 20); time.sleep(0.3)"))
    path = only_file(tmp_path)
    assert ["METRIC", metric] in read(path)
    assert 40 < max(mib for _, mib in samples(path)) < 60
    rows = json.loads(mem("peak", "--json").stdout)["rows"]
    assert rows[0]["metric"] == metric and rows[0]["exact"] is False
    assert metric.upper().encode() in mem("peak").stdout


def test_a_killed_program(mem) -> None:
    assert mem("run", "-q", *python("import os; os.kill(os.getpid(), 9)")).returncode == -signal.SIGKILL
    assert mem("run", "-q", *python("import os; os.abort()")).returncode == -signal.SIGABRT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_are_passed_on(exe: str, tmp_path: Path, number: signal.Signals) -> None:
    code = ("import signal, sys, time\n"
            f"signal.signal({int(number)}, lambda *_: sys.exit(41))\n"
            "print('ready', flush=True)\ntime.sleep(30)")
    with subprocess.Popen([exe, "mem", "run", "-q", *python(code)], cwd=tmp_path, env=environment(),
                          stdout=subprocess.PIPE) as run:
        assert run.stdout.readline() == b"ready\n"
        run.send_signal(number)
        assert run.wait(20) == 41


def test_the_program_has_the_signal_mask_of_before(mem) -> None:
    code = "import signal; print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))"
    assert mem("run", "-q", *python(code)).stdout == b"[]\n"


def test_a_kill_loses_at_most_a_second(exe: str, tmp_path: Path) -> None:
    with subprocess.Popen([exe, "mem", "run", "-q", "-T", "10ms", "sleep", "30"], cwd=tmp_path, env=environment(),
                          start_new_session=True) as run:
        time.sleep(2)
        killed = time.time()
        os.killpg(run.pid, signal.SIGKILL)
    got = samples(only_file(tmp_path))
    assert len(got) > 50
    assert killed - got[-1][0] < 1.2


def test_a_script_is_run_by_python(mem, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import sys; print(sys.argv)")
    done = mem("run", "-q", "--python", sys.executable, "app.py", "-x", "--", "y")
    assert done.stdout == b"['app.py', '-x', '--', 'y']\n"


def test_children_may_add_lines(mem, tmp_path: Path) -> None:
    code = ("import os; path = os.environ['BARROW_MEM_FILE']; assert os.path.isabs(path)\n"
            "open(path, 'a').write('FUNC mod.f 10.0 1000.0 20.0 1001.0 0\\n')")
    assert mem("run", "-q", "-o", "x.dat", *python(code)).returncode == 0
    assert ["FUNC", "mod.f", "10.0", "1000.0", "20.0", "1001.0", "0"] in read(tmp_path / "x.dat")


def test_attach(exe: str, mem, tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "30"]) as target:
        done = mem("run", "-T", "20ms", "-t", "0.3", "--attach", str(target.pid))
        assert done.returncode == 0
        path = only_file(tmp_path)
        assert len(samples(path)) > 5
        assert read(path)[0][:2] == ["CMDLINE", "PID"]
        path.unlink()
        with subprocess.Popen([exe, "mem", "run", "-q", "-a", str(target.pid)], cwd=tmp_path,
                              env=environment()) as run:
            time.sleep(0.5)
            run.send_signal(signal.SIGINT)
            assert run.wait(10) == 0
        assert target.poll() is None
        target.kill()
        target.wait()
        assert "there is no process" in one_line(mem("run", "--attach", str(target.pid)).stderr)
    assert len(list(tmp_path.glob("*.dat"))) == 1


def test_attach_ends_with_the_process(exe: str, tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "0.5"]) as target, \
            subprocess.Popen([exe, "mem", "run", "-q", "-a", str(target.pid)], cwd=tmp_path, env=environment()) as run:
        assert target.wait(10) == 0
        assert run.wait(10) == 0


def test_existing_files_stay(mem, tmp_path: Path) -> None:
    path = write(tmp_path / "a.dat", "mine")
    assert "-f overwrites" in one_line(mem("run", "-o", "a.dat", "true").stderr)
    assert path.read_text() == "mine\n"
    assert mem("run", "-f", "-o", "a.dat", "sleep", "0.1").returncode == 0
    assert samples(path)


def test_a_command_that_is_not_there_leaves_no_file(mem, tmp_path: Path) -> None:
    done = mem("run", "no-such-command")
    assert done.returncode == 2 and "can't run no-such-command" in one_line(done.stderr)
    assert not list(tmp_path.iterdir())


# ---- list, rm, clean ----

def make_three(directory: Path) -> None:
    for hour in (10, 11, 12):
        write(directory / f"mprofile_20261121{hour}0000.dat", f"CMDLINE job {hour}", f"MEM {hour}.0 1000", "MEM 1 1002")
    write(directory / "mprofile_2026.dat", "MEM 1 1")


def test_list(mem, tmp_path: Path) -> None:
    assert b"0 files" in mem("list").stdout
    make_three(tmp_path)
    (tmp_path / "mprofile_20261121130000.dat").write_bytes(b"\x7fELF\n")
    lines = mem("list").stdout.decode().splitlines()
    assert lines[0] == "memory over time: 4 files in this directory"
    assert lines[2].split() == ["0", "10", "MiB", "2.0", "s", "mprofile_20261121100000.dat", "job", "10"]
    assert "can't be read" in lines[5]
    rows = json.loads(mem("list", "--json").stdout)["rows"]
    assert [row["index"] for row in rows] == [0, 1, 2, 3]
    assert rows[2]["command"] == "job 12" and rows[2]["peak_bytes"] == 12 * MIB and rows[2]["duration_s"] == 2
    assert "mprof file" in rows[3]["error"]


def test_rm(mem, tmp_path: Path) -> None:
    make_three(tmp_path)
    assert b"would delete mprofile_20261121120000.dat" in mem("rm", "--dry-run", "-1").stdout
    assert len(list(tmp_path.iterdir())) == 4
    assert one_line(mem("rm", "0", "3").stderr).startswith("barrow: there is no file 3: there are 0 to 2 here")
    assert len(list(tmp_path.iterdir())) == 4
    assert mem("rm", "-1", "0").returncode == 0
    assert [path.name for path in tmp_path.glob("*0000.dat")] == ["mprofile_20261121110000.dat"]
    assert "which files" in one_line(mem("rm").stderr)


def test_clean(mem, tmp_path: Path) -> None:
    make_three(tmp_path)
    mem("clean", "--dry-run")
    assert len(list(tmp_path.iterdir())) == 4
    assert mem("clean").returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mprofile_2026.dat"]


# ---- peak ----

def test_peak(mem, tmp_path: Path) -> None:
    assert "no mprofile_*.dat" in one_line(mem("peak").stderr)
    make_three(tmp_path)
    write(tmp_path / "b.dat", "MEM 5 1", "PEAK 7.5")
    assert mem("peak").stdout == b"mprofile_20261121120000.dat: peak 12 MiB, of the samples\n"
    assert mem("peak", "b.dat", "0").stdout.splitlines()[0] == b"b.dat: peak 7.5 MiB, exact, from the kernel"
    rows = json.loads(mem("peak", "--json", "b.dat").stdout)["rows"]
    assert rows == [{"file": "b.dat", "peak_bytes": int(7.5 * MIB), "exact": True, "metric": "rss"}]


def test_peak_inside_a_function(mem, tmp_path: Path) -> None:
    write_hill(tmp_path / "hill.dat")
    for name, mib in (("climb", 30), ("hill.descend", 30)):
        (row,) = json.loads(mem("peak", "--json", "--func", name, "hill.dat").stdout)["rows"]
        assert row["peak_bytes"] == mib * MIB
    assert "no call of limb" in one_line(mem("peak", "--func", "limb", "hill.dat").stderr)


# ---- plot ----

def test_plot_in_the_terminal(mem, tmp_path: Path) -> None:
    write_hill(tmp_path / "hill.dat")
    text = mem("plot", "-s", "hill.dat").stdout.decode()
    lines = text.splitlines()
    assert lines[:2] == ["memory over time: RSS, peak 30 MiB of the samples in 4.0 s", "./hill"]
    assert all(len(line) <= 80 for line in lines)
    assert "30 MiB \u2524" in text and "4 s" in text
    assert re.search(r"climb +\u251c\u2500+\u2524", text) and re.search(r"descend +\u251c\u2500+\u2524", text)
    assert "slope 0 B/s" in text
    # The highest dots stand in the middle, the lowest at the edges.
    rows = [line.split("\u2524")[-1].split("\u2502")[-1] for line in lines[2:16]]
    top = next(row for row in rows if row.strip())
    assert 25 < len(top) - len(top.lstrip()) < 45


def test_plot_without_utf8_or_colour(mem, tmp_path: Path) -> None:
    write_hill(tmp_path / "hill.dat")
    out = mem("plot", "hill.dat", env={"LC_ALL": "C"}).stdout
    assert max(out) < 0x7f and b"*" in out
    assert b"\x1b" not in out
    assert b"\x1b[35m" in mem("plot", "--color", "always", "hill.dat").stdout
    assert b"\x1b" not in mem("plot", "hill.dat", env={"NO_COLOR": "1"}).stdout


def test_plot_svg(mem, tmp_path: Path) -> None:
    write_hill(tmp_path / "hill.dat")
    write(tmp_path / "other.dat", "CMDLINE <&>", "MEM 5 1", "MEM 20 6", "CHLD 77 3 2", "CHLD 77 4 4")
    done = mem("plot", "-s", "-t", 'a <title> & "more"', "-o", "both.svg", "hill.dat", "other.dat")
    assert done.returncode == 0 and not done.stdout
    page = xml.dom.minidom.parse(str(tmp_path / "both.svg"))
    texts = [node.firstChild.data for node in page.getElementsByTagName("text")]
    assert texts[0] == 'a <title> & "more"'
    assert {"MiB", "seconds", "0", "10", "20", "30"} <= set(texts)
    joined = "\n".join(texts)
    assert "hill.dat, up to 30 MiB" in joined and "child 77, up to 4.0 MiB" in joined
    assert "slope +3.0 MiB/s of other.dat" in joined and "climb, 1 call, 2.0 s" in joined
    assert not page.getElementsByTagName("script")


def pixels(path: Path) -> tuple[int, int, bytes]:
    """Width, height and RGB of a PNG, whose rows are not or upwards filtered."""
    data, at, body = path.read_bytes(), 8, b""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        chunk = data[at + 8:at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(kind + chunk)
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", chunk[:10])
            assert (depth, color) == (8, 2)
        body += chunk if kind == b"IDAT" else b""
        at += 12 + length
    raw, rows, above = zlib.decompress(body), [], bytes(width * 3)
    for y in range(height):
        row = raw[y * (width * 3 + 1) + 1:(y + 1) * (width * 3 + 1)]
        if raw[y * (width * 3 + 1)] == 2:
            row = bytes((a + b) & 255 for a, b in zip(row, above, strict=True))
        rows.append(row)
        above = row
    return width, height, b"".join(rows)


def test_plot_png(mem, tmp_path: Path) -> None:
    write_hill(tmp_path / "hill.dat")
    done = mem("plot", "-o", "hill.png", "hill.dat")
    if b"without libpng" in done.stderr:
        one_line(done.stderr)
        assert done.returncode == 2 and not (tmp_path / "hill.png").exists()
        pytest.skip("this barrow was built without libpng")
    width, height, rgb = pixels(tmp_path / "hill.png")
    assert (width, height) == (2000, height)
    # The curve's colour: highest in the middle of the plot.
    ink = bytes.fromhex("b4500a")
    found = [(i // 3 % width, i // 3 // width) for i in range(0, len(rgb), 3) if rgb[i:i + 3] == ink]
    highest = min(y for _, y in found)
    middle = [x for x, y in found if y == highest]
    assert abs(sum(middle) / len(middle) - (76 + 900 / 2) * 2) < 20


def test_plot_json_has_every_sample(mem, tmp_path: Path) -> None:
    write_hill(tmp_path / "hill.dat")
    (file,) = json.loads(mem("plot", "--json", "-s", "hill.dat").stdout)["files"]
    assert len(file["samples"]) == 41
    assert file["samples"][20] == [1002, 30 * MIB]
    assert file["calls"][0] == {"function": "hill.climb", "level": 0, "enter": [1000, 10 * MIB],
                                "leave": [1002, 30 * MIB]}
    assert abs(file["slope_bytes_per_s"]) < 1
    assert file["peak_bytes"] == 30 * MIB and not file["peak_exact"]


def test_plot_takes_the_newest(mem, tmp_path: Path) -> None:
    make_three(tmp_path)
    assert b"job 12" in mem("plot").stdout
    assert b"job 10" in mem("plot", "0").stdout
    assert b"2 files" in mem("plot", "0", "-1").stdout


def test_a_day_is_drawn_in_a_moment(mem, tmp_path: Path) -> None:
    """Generously: bench/mem measures it."""
    with (tmp_path / "day.dat").open("w") as file:
        file.writelines(f"MEM {100 + i % 50}.123456 {1700000000 + i / 10:.4f}\n" for i in range(864_000))
    start = time.monotonic()
    assert mem("plot", "-o", "day.svg", "day.dat").returncode == 0
    assert time.monotonic() - start < 10
    assert (tmp_path / "day.svg").stat().st_size < 200_000


# ---- input that is no such file ----

@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"MEM\n", b"MEM 1\n", b"MEM nan 1\n", b"MEM 1 inf\n",
                                     b"MEM -5 1\n", b"FUNC\n", b"CHLD 1\n", b"MEM " + b"9" * 100_000 + b" 1\n",
                                     b"hello world\n", b"\xff\xfe\n", b"MEM 1 1\nMEM 1 1 \x1b[31m\nMEM x\n"])
def test_hostile_files(mem, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.dat").write_bytes(content)
    for words in (["plot"], ["peak"], ["plot", "--json"]):
        done = mem(*words, "bad.dat")
        assert done.returncode == 2 and not done.stdout
        assert "bad.dat" in one_line(done.stderr)


def test_escapes_do_not_reach_the_terminal(mem, tmp_path: Path) -> None:
    write(tmp_path / "esc.dat", "CMDLINE \x1b[31mred\x07", "MEM 1 1", "MEM 2 2", "FUNC a\x1b[2Jb 1 1 2 2 0")
    assert b"\x1b" not in mem("plot", "esc.dat").stdout
    mem("plot", "-o", "esc.svg", "esc.dat")
    xml.dom.minidom.parse(str(tmp_path / "esc.svg"))


def test_a_file_without_samples(mem, tmp_path: Path) -> None:
    write(tmp_path / "short.dat", "CMDLINE true")
    for command in ("plot", "peak"):
        assert "holds no samples" in one_line(mem(command, "short.dat").stderr)


@pytest.mark.parametrize(("words", "text"), [
    ([], "There are: run, list, plot"),
    (["plott"], "did you mean 'mem plot'?"),
    (["run"], "which command?"),
    (["run", "--attach", "1", "true"], "leave the command away"),
    (["run", "-t", "1", "true"], "--timeout goes with --attach"),
    (["run", "-T", "0", "true"], "--interval 0: expected seconds"),
    (["plot", "-o", "x.gif"], "must end in .svg or .png"),
    (["plot", "nowhere.dat"], "can't read nowhere.dat"),
    (["plot", "."], "no plain file"),
    (["list", "x"], "list takes no names"),
])
def test_errors(mem, words: list[str], text: str) -> None:
    done = mem(*words)
    assert done.returncode == 2 and text in one_line(done.stderr)


def test_help(mem) -> None:
    for words in (["--help"], ["run", "--help"], ["plot", "-h"]):
        done = mem(*words)
        assert done.returncode == 0 and done.stdout.startswith(b"barrow mem")
