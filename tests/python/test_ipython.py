"""The magics, in a real kernel: `%load_ext barrow` and `%load_ext memory_profiler`."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from runner import clean_environment

manager = pytest.importorskip("jupyter_client.manager", reason="jupyter_client isn't installed")
pytest.importorskip("ipykernel", reason="ipykernel isn't installed")

FUNCTION = """\
def make(n):
    zeros = [0] * n
    text = bytearray(5 << 20)
    del text
    return zeros"""


@dataclass
class Output:
    text: str = ""
    error: str = ""
    page: str = ""
    results: list[dict[str, str]] = field(default_factory=list)


class Kernel:
    def __init__(self, manager: Any, client: Any) -> None:
        self.manager, self.client = manager, client

    def run(self, code: str) -> Output:
        output = Output()

        def take(message: dict[str, Any]) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                output.text += content["text"]
            elif kind in ("execute_result", "display_data"):
                output.results.append(content["data"])
            elif kind == "error":
                output.error = content["ename"]

        reply = self.client.execute_interactive(code, output_hook=take, timeout=120)
        for payload in reply["content"].get("payload", []):
            output.page += payload.get("data", {}).get("text/plain", "")
        return output

    def value(self, expression: str) -> Any:
        data = self.run(f"import json; print(json.dumps({expression}))")
        return json.loads(data.text)


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    directory = tmp_path_factory.mktemp("kernel")
    env = clean_environment(
        {
            "BARROW_COMPAT": "memory_profiler",
            "IPYTHONDIR": str(directory / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(directory / "runtime"),
            "JUPYTER_PATH": str(directory),
        }
    )
    spec = directory / "kernels" / "tested"
    spec.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "tested", "language": "python"}))
    old = {name: os.environ.get(name) for name in env}
    os.environ.update(env)
    try:
        running, client = manager.start_new_kernel(
            kernel_name="tested", startup_timeout=120, env=env, cwd=str(directory)
        )
    finally:
        for name, value in old.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    kernel = Kernel(running, client)
    assert kernel.run("%load_ext barrow").error == ""
    yield kernel
    client.stop_channels()
    running.shutdown_kernel(now=True)


@pytest.fixture
def kernel(started):
    yield started
    started.run("%reset -f")


def mib(text: str, name: str) -> float:
    """A size of the first line of %mem."""
    number, unit = re.search(rf"{name}: (-?[\d.]+) (\w+)", text).groups()
    return float(number) * {"B": 2.0**-20, "KiB": 2.0**-10, "MiB": 1, "GiB": 1024}[unit]


def test_mem_of_a_statement(kernel):
    output = kernel.run("%mem x = [0] * 10**7")
    assert mib(output.text, "peak") == pytest.approx(76.3, abs=0.9)
    assert mib(output.text, "increment") == pytest.approx(76.3, abs=0.9)
    assert re.search(r"allocations: [\d,]+ \(7[67] MiB\)", output.text)
    assert output.results == []
    assert kernel.value("len(x)") == 10**7  # it ran in the notebook's names, once


def test_mem_of_a_cell(kernel):
    """Peak and rest differ; the lines are those of the cell, its first being the magic's."""
    output = kernel.run(
        "%%mem\n\ndata = [bytes(1000) for _ in range(2000)]\nmuch = bytearray(20 << 20)\ndel much\nlen(data)"
    )
    head, heading, largest, second, *_ = output.text.splitlines()
    assert mib(head, "peak") in (21, 22)  # 21.9, rounded down, and what else happens
    assert mib(head, "increment") == pytest.approx(2, abs=0.3)
    assert heading == "at the peak"
    assert re.fullmatch(r" +20 MiB  Cell In\[\d+\]:4  much = bytearray\(20 << 20\)", largest)
    assert re.fullmatch(r" +1\.\d MiB  Cell In\[\d+\]:3  data = \[.*", second)
    assert output.results[0]["text/plain"] == "2000"


def test_mem_of_a_call(kernel):
    kernel.run(FUNCTION)
    output = kernel.run("%mem kept = make(10**6)")
    assert "zeros = [0] * n" in output.text and "text = bytearray(5 << 20)" in output.text


def test_mem_takes_what_cells_take(kernel):
    assert kernel.run('%mem s = {i: "a b" for i in range(3)}').error == ""
    assert kernel.value("s[2]") == "a b"
    assert kernel.run("%mem 1 / 0").error == "ZeroDivisionError"
    assert kernel.run("%mem x = = 1").error == "SyntaxError"
    output = kernel.run("%mem import asyncio; await asyncio.sleep(0)")
    assert "can't be measured" in output.text + output.error
    assert kernel.run("%mem y = 1").text.startswith("peak: ")  # and works on


def test_mem_within_a_recording(kernel):
    """A region of it: the figures are the region's own, the lines say what they allocated."""
    kernel.run("import barrow; recording = barrow.record(); recording.start(); before = bytearray(50 << 20)")
    output = kernel.run("%mem x = bytearray(10 << 20)")
    assert mib(output.text, "peak") == pytest.approx(10, abs=0.5)
    assert output.text.splitlines()[1] == " allocated"
    assert re.search(r"10 MiB  Cell In\[\d+\]:1  x = bytearray", output.text)
    assert kernel.run("recording.stop()").error == ""


def test_mem_flame(kernel):
    kernel.run(FUNCTION)
    output = kernel.run("%%mem_flame\nkept = make(10**6)")
    (shown,) = output.results
    assert shown["text/html"].startswith(("<iframe", "<table"))
    assert shown["text/plain"].startswith("peak: 12 MiB, increment: 7.6 MiB")


def test_memit(kernel):
    output = kernel.run("%memit x = b'x' * (100 << 20)")
    match = re.fullmatch(r"peak memory: (\d+\.\d\d) MiB, increment: (\d+\.\d\d) MiB\n", output.text)
    assert float(match[1]) > 110
    assert 99 < float(match[2]) < 115


def test_memit_of_a_cell_with_options(kernel):
    output = kernel.run(
        "%%memit -r2 -t 10 -i 0.01 -c import time; size = 30 << 20; runs = []\n"
        "runs.append(1)\nblock = b'x' * size\ntime.sleep(0.1)\ndel block"
    )
    assert 29 < float(re.search(r"increment: ([\d.]+) MiB", output.text)[1]) < 45
    assert kernel.value("len(runs)") == 2
    output = kernel.run("result = %memit -o -q -r3 x = 1\nresult")
    assert output.text == ""
    assert output.results[0]["text/plain"].startswith("<MemitResult : peak memory: ")
    assert kernel.value("[len(result.mem_usage), result.repeat, result.baseline > 5]") == [3, 3, True]


def test_memit_usage_error(kernel):
    output = kernel.run("%memit -r many x = 1")
    assert "UsageError" in output.text + output.error


def test_mprun_of_a_function_from_a_cell(kernel, tmp_path):
    kernel.run(FUNCTION)
    path = tmp_path / "table.txt"
    output = kernel.run(f"profiler = %mprun -r -f make -T {path} kept = make(10**6)")
    lines = output.page.splitlines()
    assert lines[0].startswith("Filename: ") and lines[2].split()[:2] == ["Line", "#"]
    rows = {int(words[0]): words for words in map(str.split, lines[4:])}
    assert rows[2][1:6:2] == [rows[2][1], rows[2][3], "1"]
    assert float(rows[2][3]) == pytest.approx(8e6 / 2**20, abs=0.06)
    assert float(rows[3][3]) == pytest.approx(5, abs=0.06)
    assert float(rows[4][3]) == pytest.approx(-5, abs=0.06)
    assert "zeros = [0] * n" in output.page
    assert path.read_text() == output.page
    assert f"saved to text file {path}" in output.text
    assert kernel.value("[type(profiler).__name__, len(kept)]") == ["LineProfiler", 10**6]
    # Nothing goes on being recorded.
    assert kernel.value("__import__('barrow')._core.recording()") is False


def test_mprun_of_a_cell_and_its_errors(kernel):
    kernel.run(FUNCTION)
    output = kernel.run("%%mprun -f make\nfor n in (1, 2, 3):\n    make(n)\nraise SystemExit")
    assert re.search(r"^ +2 .* 3 +zeros", output.page, re.MULTILINE)
    assert "SystemExit exception caught" in output.text
    output = kernel.run("%mprun -f missing make(1)")
    assert "Could not find function 'missing'" in output.text + output.error


def test_the_stand_in_loads_its_magics(started):
    """%load_ext memory_profiler, which breaks with the original from Python 3.12 on."""
    assert started.run("%load_ext memory_profiler").error == ""
    assert started.run("%memit -q 1").error == ""
    assert started.run("from memory_profiler import memory_usage; memory_usage()").error == ""
