"""barrow._core.Sampler: a process's memory, sampled by a thread that never takes the GIL."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time

import pytest
from runner import clean_environment

import barrow
from barrow._core import Sampler

MIB = 1 << 20


def highest(samples):
    return max(size for _, size in samples)


def test_samples_have_times_and_bytes():
    sampler = Sampler(os.getpid(), 0.01)
    before = time.time()
    sampler.start()
    time.sleep(0.2)
    samples = sampler.stop()
    after = time.time()
    assert len(samples) >= 5
    assert before - 0.01 <= samples[0][0] and samples[-1][0] <= after + 0.01
    assert all(first[0] <= second[0] for first, second in itertools.pairwise(samples))
    assert all(isinstance(size, int) and size > MIB for _, size in samples)


def test_two_samples_at_least():
    sampler = Sampler(os.getpid(), 100)
    sampler.start()
    assert len(sampler.stop()) == 2


def test_a_function_that_holds_the_gil_is_sampled():
    """One call into C that never lets go of the lock, and whose memory is gone when it ends."""
    sampler = Sampler(os.getpid(), 0.005)
    sampler.start()
    begin = time.time()
    len(sorted(range(3_000_000, 0, -1)) + list(range(3_000_000)))
    end = time.time()
    inside = [size for at, size in sampler.stop() if begin < at < end]
    assert len(inside) >= 5
    assert max(inside) - min(inside) > 20 * MIB


def test_peak_is_exact_where_it_can_be(tmp_path):
    code = """if True:
        import os
        from barrow._core import Sampler
        sampler = Sampler(os.getpid(), 1000)
        sampler.start()
        memory = bytearray(300 << 20)
        del memory
        samples = sampler.stop()
        assert max(size for _, size in samples) < 200 << 20
        print(sampler.peak >> 20)
    """
    done = subprocess.run([sys.executable, "-c", code], env=clean_environment(), cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert 300 <= int(done.stdout) < 400


def test_children_are_summed():
    code = "import time; x = bytearray(80 << 20); print(flush=True); time.sleep(30)"
    sampler = Sampler(os.getpid(), 0.01, children=True)
    alone = Sampler(os.getpid(), 0.01)
    with subprocess.Popen([sys.executable, "-IS", "-c", code], stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        sampler.start()
        alone.start()
        time.sleep(0.2)
        together, own = highest(sampler.stop()), highest(alone.stop())
        child.kill()
    assert 80 * MIB < together - own < 110 * MIB


@pytest.mark.parametrize("metric", ["rss", "pss", "uss"])
def test_metrics_of_another_process(metric):
    code = "import time; x = bytearray(50 << 20); print(flush=True); time.sleep(30)"
    with subprocess.Popen([sys.executable, "-IS", "-c", code], stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        sampler = Sampler(child.pid, 0.01, metric=metric)
        sampler.start()
        time.sleep(0.1)
        child.kill()
        child.wait()
        time.sleep(0.1)
        samples = sampler.stop()
    assert 50 * MIB < highest(samples) == sampler.peak < 80 * MIB


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_can_stop_and_start():
    sampler = Sampler(os.getpid(), 0.01)
    sampler.start()
    time.sleep(0.05)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.alarm(20)
            old = sampler.stop()
            sampler.start()
            time.sleep(0.05)
            status = 0 if len(old) >= 1 and len(sampler.stop()) >= 2 else 2
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    time.sleep(0.05)
    assert len(sampler.stop()) >= 5


def test_no_descriptor_is_left():
    before = os.listdir("/proc/self/fd")
    for _ in range(3):
        sampler = Sampler(os.getpid(), 0.01)
        sampler.start()
        time.sleep(0.02)
        sampler.stop()
    assert os.listdir("/proc/self/fd") == before


def test_signals_go_to_the_program():
    """The sampler's thread takes none, or a handler would run late."""
    received = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: received.append(number))
    sampler = Sampler(os.getpid(), 0.001)
    sampler.start()
    try:
        for count in range(1, 20):
            os.kill(os.getpid(), signal.SIGUSR1)
            assert len(received) == count
    finally:
        sampler.stop()
        signal.signal(signal.SIGUSR1, before)


def test_again_and_forgotten():
    sampler = Sampler(os.getpid(), 0.01)
    with pytest.raises(RuntimeError, match="not started"):
        sampler.stop()
    sampler.start()
    with pytest.raises(RuntimeError, match="already"):
        sampler.start()
    assert sampler.stop()
    assert sampler.peak > MIB
    sampler.start()
    del sampler  # ends the thread
    assert len(os.listdir("/proc/self/task")) >= 1


def test_bad_arguments():
    for interval in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="interval"):
            Sampler(os.getpid(), interval)
    with pytest.raises(ValueError, match="heap"):
        Sampler(os.getpid(), 1, metric="heap")
    with pytest.raises(barrow.Error, match="no process"):
        Sampler(2**22 + 7, 1).start()
