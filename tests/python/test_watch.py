"""barrow.watch(): the configuration, the records, the beat."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from runner import execute, plain
from watch_programs import config, facts, run

import barrow
from barrow import _core, _watch

SECTION = "general.monitoring.memory_profiling"
KEYS = "enabled, interval_seconds, top_n_classes, scope, ledger"
SECONDS = "allowed are integers from 10"


def nested(settings: object) -> dict[str, object]:
    return {"general": {"monitoring": {"memory_profiling": settings}}}


# ---- configuration ----

WRONG = [  # key, what YAML has, what a dict has, what is said
    ("interval_seconds", "5", 5, f"interval_seconds: 5 is too small: {SECONDS}"),
    ("interval_seconds", "-60", -60, f"interval_seconds: -60 is too small: {SECONDS}"),
    ("interval_seconds", "true", True, f"interval_seconds: true is a boolean: {SECONDS}"),
    ("interval_seconds", '"60"', "60", f'interval_seconds: "60" is a text: {SECONDS}'),
    ("interval_seconds", "60.5", 60.5, f"interval_seconds: 60.5 is no integer: {SECONDS}"),
    ("interval_seconds", "", None, f"interval_seconds: this is nothing: {SECONDS}"),
    ("interval_seconds", "[60]", [60], f"interval_seconds: this is a list: {SECONDS}"),
    ("interval_seconds", "{a: 1}", {"a": 1}, f"interval_seconds: this is a mapping: {SECONDS}"),
    ("interval_seconds", str(10**30), 10**30, f"interval_seconds: {10**30} is too large: {SECONDS}"),
    ("top_n_classes", "0", 0, "top_n_classes: 0 is too small: allowed are integers from 1"),
    ("enabled", "1", 1, "enabled: 1 is an integer: allowed are true and false"),
    ("enabled", "'true'", "true", 'enabled: "true" is a text: allowed are true and false'),
    ("scope", "some", "some", 'scope: "some" is no scope: allowed are tracked and all'),
    ("ledger", "7", 7, "ledger: 7 is an integer: allowed is the path of a file to write"),
    ("intervall", "60", 60, f"intervall: there is no such key: allowed are {KEYS}"),
]


@pytest.mark.parametrize(("key", "yaml", "value", "words"), WRONG, ids=lambda value: str(value)[:20])
def test_wrong_settings(tmp_path: Path, key: str, yaml: str, value: object, words: str) -> None:
    path = tmp_path / "app.yaml"
    path.write_text(f"a: 1\ngeneral:\n  monitoring:\n    memory_profiling:\n      # why\n      {key}: {yaml}\n")
    with pytest.raises(barrow.ConfigError) as caught:
        barrow.watch(path)
    assert str(caught.value) == f"{path}:6: {words}"
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, barrow.Error)
    with pytest.raises(barrow.ConfigError) as caught:
        barrow.watch(nested({key: value}))
    # A dict's booleans are Python's.
    assert str(caught.value) == f"{SECTION}.{words}".replace(": true is", ": True is")


@pytest.fixture
def no_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(path: object) -> object:
        raise _core.Error(f"{path}: barrow was built without libyaml: install PyYAML, or give barrow.watch() a dict")

    monkeypatch.setattr(_core, "watch_config_load", load)


@pytest.mark.usefixtures("no_libyaml")
@pytest.mark.parametrize(("key", "yaml", "value", "words"), WRONG, ids=lambda value: str(value)[:20])
def test_pyyaml_says_the_same(tmp_path: Path, key: str, yaml: str, value: object, words: str) -> None:
    pytest.importorskip("yaml")
    path = tmp_path / "app.yaml"
    path.write_text(f"a: 1\ngeneral:\n  monitoring:\n    memory_profiling:\n      # why\n      {key}: {yaml}\n")
    with pytest.raises(barrow.ConfigError) as caught:
        barrow.watch(path)
    assert str(caught.value) == f"{path}:6: {words}".replace(": true is", ": True is")


@pytest.mark.usefixtures("no_libyaml")
def test_pyyaml_reads_a_whole_service(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    path = tmp_path / "app.yaml"
    path.write_text(
        "base: &base {interval_seconds: 30, top_n_classes: 7}\nserver: {port: 80}\ngeneral:\n  monitoring:\n"
        "    memory_profiling:\n      <<: *base\n      top_n_classes: 9\n      enabled: no\n"
    )
    watch = barrow.watch(path)
    assert (watch.enabled, watch.interval_seconds, watch.top_n_classes) == (False, 30, 9)
    path.write_text("general: [\n")
    with pytest.raises(barrow.ConfigError, match=r"app\.yaml:2: this is no valid YAML: "):
        barrow.watch(path)
    with pytest.raises(barrow.ConfigError, match=r"nothing\.yaml: No such file"):
        barrow.watch(tmp_path / "nothing.yaml")
    path.write_text("general:\n  monitoring:\n    memory_profiling: on\n")
    with pytest.raises(barrow.ConfigError, match=r"app\.yaml:3: memory_profiling: this is a boolean: allowed is a map"):
        barrow.watch(path)


@pytest.mark.usefixtures("no_libyaml")
def test_no_yaml_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.delitem(sys.modules, "barrow._watch_yaml", raising=False)
    monkeypatch.delattr(barrow, "_watch_yaml", raising=False)
    with pytest.raises(barrow.ConfigError, match="built without libyaml: install PyYAML, or give") as caught:
        barrow.watch(config(tmp_path / "app.yaml"))
    assert "\n" not in str(caught.value)


def test_what_is_the_services_own_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "app.yaml"
    path.write_text(
        "enabled: 5\nmemory_profiling: [1]\ngeneral:\n  interval: x\n  monitoring:\n    tracing: {enabled: 7}\n"
    )
    assert barrow.watch(path).enabled is False
    for own in ({}, {"server": 1}, {"general": None}, {"general": {"monitoring": {}}}, nested(None), nested({})):
        watch = barrow.watch(own)
        assert (watch.enabled, watch.running, watch.interval_seconds, watch.top_n_classes, watch.scope) == (
            False,
            False,
            60,
            50,
            "tracked",
        )


def test_a_dict_with_its_section_elsewhere() -> None:
    for own in ({"memory_profiling": {"enabled": True}}, {"monitoring": {"memory_profiling": {"enabled": True}}}):
        with pytest.raises(barrow.ConfigError, match=r"this belongs into general"):
            barrow.watch(own)
    with pytest.raises(barrow.ConfigError, match=r"memory_profiling: this is a boolean"):
        barrow.watch(nested(True))


def test_unreadable_files(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.yaml", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(barrow.ConfigError) as caught:
            barrow.watch(path)
        assert str(caught.value) == f"{path}: {words}"
    with pytest.raises(barrow.LedgerError, match="No such file or directory"):
        barrow.watch(nested({"enabled": True, "ledger": str(tmp_path / "no" / "where.barrow")}))
    assert _watch._current is None


# ---- the record ----


def test_record(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "class Item:\n    def __init__(self):\n        for c in 'abcdefghijklm': setattr(self, c, 1)\n"
        "class Outer:\n    class Inner(Item): pass\n"
        "items = [Item() for _ in range(12345)]; inner = [Outer.Inner() for _ in range(9000)]\n"
        "CONFIG['general']['monitoring']['memory_profiling']['top_n_classes'] = 2\n"
        "watch = barrow.watch(CONFIG); watch.census(); watch.stop()\n"
        "r, = records; bytes = dict((n, b) for n, _, b in _core.census(False)[0])\n"
        "say(name=r.name, level=r.levelname, text=r.getMessage(), args=r.args or None, thread=r.threadName,\n"
        "    item=bytes['__main__.Item'], inner=bytes['__main__.Outer.Inner'])\n",
    )
    assert (said["name"], said["level"], said["args"]) == ("memory_profiler", "INFO", None)
    assert said["thread"] == "MainThread"
    assert said["text"] == (
        "Memory Snapshot\n"
        "\n"
        "Top 2 by object count:\n"
        "  __main__.Item: 12,345 objects\n"
        "  __main__.Outer.Inner: 9,000 objects\n"
        "\n"
        "Top 2 by memory usage:\n"
        f"  __main__.Item: {said['item'] / 1024**2:.1f} MB\n"
        f"  __main__.Outer.Inner: {said['inner'] / 1024**2:.1f} MB"
    )


def test_every_class_as_python_counts_them(tmp_path: Path) -> None:
    """Builtins have no module, others theirs and their qualified name; nothing is left out."""
    said = facts(
        tmp_path,
        "from collections import Counter, deque, OrderedDict, namedtuple\n"
        "import argparse, decimal, email.message, unittest.mock\n"
        "def local():\n    class Local: pass\n    return [Local() for _ in range(70)]\n"
        "Point = namedtuple('Point', 'x y')\n"
        "keep = [local(), local(), [Point(i, []) for i in range(90)], deque(), OrderedDict(), unittest.mock.Mock()]\n"
        "odd = type('Odd\\n', (), {'__module__': property()})\n"
        "keep.append([odd() for _ in range(40)]); keep.append([type('é', (), {})() for _ in range(30)])\n"
        "def name(t):\n    t_name = type.__dict__['__qualname__'].__get__(t)\n"
        "    module = type.__dict__['__module__'].__get__(t)\n"
        "    if not isinstance(module, str): return 'Odd?'\n"
        "    return t_name if module == 'builtins' else f'{module}.{t_name}'\n"
        "Counter(name(t) for t in [int]); gc.collect(); gc.unfreeze(); gc.disable()\n"  # its first use makes caches
        "names = Counter(name(type(o)) for o in gc.get_objects())\n"
        "rows, _ = _core.census(False)\n"
        "counted = {n: c for n, c, _ in rows}\n"
        "say(differ={n: (names[n], counted.get(n)) for n in set(names) | set(counted)\n"
        "            if abs(names[n] - counted.get(n, 0)) > 3}, local=counted['__main__.local.<locals>.Local'],\n"
        "    point=counted['__main__.Point'], classes=len(rows), e=counted['__main__.é'])\n",
    )
    assert said["local"] == 140
    assert said["point"] == 90
    assert said["e"] == 30
    # The list of objects, the counter and its parts; and static types that C gives another module than their name.
    assert all(count in (None, 0) or have in (None, 0) for have, count in said["differ"].values()), said["differ"]
    assert len(said["differ"]) < 12, said["differ"]
    assert said["classes"] > 80


def test_frozen_objects_count(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "class Item: pass\nitems = [Item() for _ in range(777)]\n"
        "gc.collect(); gc.freeze()\nitems += [Item() for _ in range(3)]\n"
        "say(**{n: c for n, c, _ in _core.census(False)[0] if n == '__main__.Item'})\n",
    )
    assert said == {"__main__.Item": 780}


def test_bytes_are_those_of_the_walk(tmp_path: Path) -> None:
    """Of classes all of whose objects the collector tracks."""
    said = facts(
        tmp_path,
        "from collections import OrderedDict, deque\n"
        "class Plain:\n    def __init__(self, n):\n        for i in range(n): setattr(self, f'a{i}', i)\n"
        "class Slots: __slots__ = ('a', 'b', '__weakref__')\n"
        "class List(list): pass\n"
        "class Dict(dict): pass\n"
        "class Set(set): pass\n"
        "class Tuple(tuple): pass\n"
        "keep = []\n"
        "for i in range(200):\n"
        "    keep += [Plain(i % 40), Slots(), List(range(i)), Dict.fromkeys(range(i)), Set(range(i)),\n"
        "             Tuple(range(i)),\n"
        "             deque(range(i)), OrderedDict.fromkeys(range(i)), (lambda: i), bytearray(i).__len__, [keep] * i]\n"
        "    vars(keep[-11]) if i % 2 else None\n"
        "gc.collect(); gc.disable()\n"
        "tracked = {n: (c, b) for n, c, b in _core.census(False)[0]}\n"
        "all = {n: (c, b) for n, c, b in _core.census(True)[0]}\n"
        "names = ['__main__.' + n for n in ('Plain', 'Slots', 'List', 'Dict', 'Set', 'Tuple')]\n"
        "names += ['collections.deque', 'collections.OrderedDict', 'function', 'builtin_function_or_method', 'list']\n"
        "say(**{n: (tracked[n], all[n]) for n in names})\n",
    )
    for name, (tracked, everything) in said.items():
        if name in ("list", "function"):  # the walk sees a few that the collector doesn't, and comes later
            assert abs(tracked[0] - everything[0]) < 20, name
            assert tracked[1] == pytest.approx(everything[1], rel=0.02), name
        else:
            assert tracked == everything, name
            assert tracked[0] >= 200 or name == "collections.OrderedDict"


def test_scope_all_counts_what_the_collector_does_not_track(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "keep = [float(i) for i in range(5000)] + [f'text {i}' for i in range(3000)]\n"
        "s = CONFIG['general']['monitoring']['memory_profiling']; s['scope'] = 'all'\n"
        "watch = barrow.watch(CONFIG); watch.census(); watch.stop()\n"
        "tracked = {n: c for n, c, _ in _core.census(False)[0]}; all = {n: c for n, c, _ in _core.census(True)[0]}\n"
        "say(text=records[0].getMessage(), scope=watch.scope, floats=all['float'], strs=all['str'],\n"
        "    tracked='float' in tracked or 'str' in tracked)\n",
    )
    assert said["scope"] == "all"
    assert 5000 <= said["floats"] < 5500
    assert said["strs"] > 3000
    assert said["tracked"] is False
    assert re.search(r"^  str: \d+,\d+ objects$", said["text"], re.M)


# ---- the beat ----


def test_beat_and_stop(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "watch = barrow.watch(CONFIG); before = threads(); quick(0.1)\n"
        "start = time.monotonic(); wait(lambda: len(records) >= 10); took = time.monotonic() - start\n"
        "alive = [t.name for t in threading.enumerate()]\n"
        "watch.stop(); n = len(records); after = threads(); time.sleep(0.4); watch.stop()\n"
        "say(took=took, n=n, later=len(records) - n, before=before, after=after, alive=alive, running=watch.running,\n"
        "    name=records[0].threadName, active=threading.active_count())\n",
    )
    assert 0.9 <= said["took"] < 5
    assert said["later"] == 0
    assert (said["before"], said["after"]) == (2, 1)
    assert said["alive"] == ["MainThread"]
    assert said["name"] == "barrow-watch"
    assert said["running"] is False


def test_first_record_comes_after_an_interval(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "watch = barrow.watch(CONFIG); quick(0.5); time.sleep(0.2); early = len(records)\n"
        "wait(lambda: records); say(early=early, later=len(records), repr=repr(watch))\n",
    )
    assert said["early"] == 0
    assert said["later"] == 1
    assert said["repr"] == "<barrow.Watch every 60 s, running>"


def test_ticks_that_were_missed_are_not_made_up_for(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "class Slow(logging.Handler):\n    def emit(self, record): time.sleep(0.5)\n"
        "logger.addHandler(Slow()); barrow.watch(CONFIG); quick(0.05); time.sleep(1.8); say(n=len(records))\n",
    )
    assert 2 <= said["n"] <= 4


def test_switched_off(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "CONFIG['general']['monitoring']['memory_profiling']['enabled'] = False\n"
        "watch = barrow.watch(CONFIG); say(threads=threads(), running=watch.running); watch.stop()\n",
    )
    assert said == {"threads": 1, "running": False}


def test_a_later_watch_takes_the_place(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "first = barrow.watch(CONFIG); second = barrow.watch(CONFIG)\n"
        "states = [first.running, second.running, threads()]; first.stop(); states.append(second.running)\n"
        "with second: pass\nstates += [second.running, threads()]; say(states=states)\n",
    )
    assert said["states"] == [False, True, 2, True, False, 1]


def test_stop_within_a_record(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "class Stop(logging.Handler):\n    def emit(self, record): watch.stop()\n"
        "logger.addHandler(Stop()); watch = barrow.watch(CONFIG); quick()\n"
        "ok = wait(lambda: not watch.running and threads() == 1); time.sleep(0.2)\n"
        "say(ok=ok, n=len(records))\n",
    )
    assert said == {"ok": True, "n": 1}


def test_nobody_listens(tmp_path: Path) -> None:
    """No text is made when no handler can want it, and logging isn't imported for it."""
    program = (
        "import sys, time\nimport barrow\nfrom barrow import _core, _watch\n"
        "texts = []; real = _core.watch_census\n"
        "_core.watch_census = lambda all, top: texts.append((top, real(all, top)))\n"
        "barrow.watch({'general': {'monitoring': {'memory_profiling': {'enabled': True}}}})\n"
        "_core.watch_start(0.02, _watch._on_time)\nwhile len(texts) < 3: time.sleep(0.01)\n"
        "assert 'logging' not in sys.modules and 'threading' not in sys.modules\n"
        "import logging\n{level}n = len(texts)\nwhile len(texts) < n + 3: time.sleep(0.01)\n"
        "assert all(t == (0, None) for t in texts), texts\n"
    )
    for level in ("", "logging.basicConfig(level='WARNING')\n", "logging.getLogger('memory_profiler').disabled=True\n"):
        result = plain("-W", "error", "-c", program.replace("{level}", level), cwd=tmp_path)
        assert (result.status, result.stderr) == (0, "")


def test_failing_handlers_do_not_end_it(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        "class Bad(logging.Handler):\n    def emit(self, record): raise RuntimeError('no room')\n"
        "logger.addHandler(Bad()); barrow.watch(CONFIG); quick()\nok = wait(lambda: len(records) >= 3)\n"
        "say(ok=ok)\n",
    )
    assert result.status == 0
    assert '"ok": true' in result.stdout
    assert "RuntimeError: no room" in result.stderr


def test_threads_that_make_and_drop_objects(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "class Node:\n    def __init__(self, next): self.next = next; self.me = self\n"
        "stop = False\n"
        "def churn():\n"
        "    while not stop:\n"
        "        node = None\n"
        "        for _ in range(500): node = Node(node)\n"
        "        type('Late', (), {})(); gc.collect(0)\n"
        "workers = [threading.Thread(target=churn) for _ in range(4)]\n"
        "sys.setswitchinterval(1e-5)\n"
        "barrow.watch(CONFIG); quick(0.001)\nfor w in workers: w.start()\n"
        "time.sleep(2); stop = True\nfor w in workers: w.join()\n"
        "say(n=len(records), node=any('__main__.Node: ' in r.getMessage() for r in records))\n",
    )
    assert said["n"] > 5
    assert said["node"] is True


def test_asyncio(tmp_path: Path) -> None:
    said = facts(
        tmp_path,
        "import asyncio\n"
        "async def main():\n"
        "    tasks = [asyncio.create_task(asyncio.sleep(60)) for _ in range(321)]\n"
        "    quick(); n = len(records)\n"
        "    while len(records) < n + 5: await asyncio.sleep(0.01)\n"
        "    for task in tasks: task.cancel()\n"
        "barrow.watch(CONFIG); asyncio.run(main())\n"
        "say(text=records[2].getMessage())\n",
    )
    assert re.search(r"^  _asyncio\.Task: 32[12] objects$", said["text"], re.M), said["text"]


def test_ends_of_programs_are_as_without(tmp_path: Path) -> None:
    """Also in the middle of a tick; nothing is printed."""
    path = config(tmp_path / "app.yaml")
    ends = {
        "pass": 0,
        "sys.exit(3)": 3,
        "os._exit(4)": 4,
        "1 / 0": 1,
        "os.kill(os.getpid(), 15)": -15,
        "threading.Thread(target=time.sleep, args=(0.2,)).start()": 0,
        "sys.setrecursionlimit(50)\ndef f(): f()\nf()": 1,
    }
    for end, status in ends.items():
        text = (
            "import logging, os, sys, threading, time\n"
            "logging.basicConfig(level='INFO', stream=open(os.devnull, 'w'))\n"
            "from barrow import _core, _watch\n_core.watch_start(0.001, _watch._on_time); time.sleep(0.05)\n" + end
        )
        for _ in range(4):
            alone = plain("-c", text.replace("_core.watch_start(0.001, _watch._on_time); ", ""), cwd=tmp_path)
            watched = plain(
                "-X", "dev", "-W", "ignore::ResourceWarning", "-c", text, env={"BARROW_CONFIG": str(path)}, cwd=tmp_path
            )
            assert watched.status == alone.status == status, watched.stderr
            assert watched.stdout == alone.stdout == ""
            assert watched.stderr.count("\n") == alone.stderr.count("\n"), watched.stderr


# ---- BARROW_CONFIG ----


def test_environment(tmp_path: Path) -> None:
    path = config(tmp_path / "app.yaml", interval_seconds=10, top_n_classes=3)
    program = (
        "import sys, logging, barrow._watch as w\nassert sys.argv == ['-c', 'x']\n"
        "logging.basicConfig(level='INFO', stream=sys.stdout, format='%(name)s %(message)s')\n"
        "assert w._current.running and w._current.interval_seconds == 10\nw._current.census()\n"
    )
    result = plain("-W", "error", "-c", program, "x", env={"BARROW_CONFIG": str(path)}, cwd=tmp_path)
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout.startswith("memory_profiler Memory Snapshot\n\nTop 3 by object count:\n  ")


def test_environment_with_a_mistake(tmp_path: Path) -> None:
    path = config(tmp_path / "app.yaml", interval_seconds=1)
    for name, words in (
        (path, f"{path}:5: interval_seconds: 1 is too small: {SECONDS}"),
        (tmp_path / "x.yaml", f"{tmp_path / 'x.yaml'}: No such file or directory"),
    ):
        result = plain("-c", "print('runs'); raise SystemExit(5)", env={"BARROW_CONFIG": str(name)})
        assert (result.status, result.stdout) == (5, "runs\n")
        assert result.stderr == f"barrow: {words}\n"
    quiet = plain("-c", "print('runs')", env={"BARROW_CONFIG": ""})
    assert (quiet.status, quiet.stdout, quiet.stderr) == (0, "runs\n", "")


def test_isolated_interpreters_are_left_alone(tmp_path: Path) -> None:
    """As -E and -I mean all of Python's variables, and the site module that reads ours runs with -S never."""
    path = config(tmp_path / "app.yaml")
    result = execute(
        [sys.executable, "-S", "-c", "import sys; print('barrow' in sys.modules)"], env={"BARROW_CONFIG": str(path)}
    )
    assert result.stdout == "False\n"
