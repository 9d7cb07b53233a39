"""Runs one workload in a fresh process and writes down what it cost.

    python measure.py RESULT NAME LOOPS        LOOPS units of the workload NAME
    python measure.py RESULT NAME auto:SECS    first finds how many units take about SECS

RESULT becomes one JSON object: loops, wall_s and cpu_s of the work alone, rss_bytes (the highest
resident size of the process up to the end of the work).  The same file is the program under every
tool, so all do the very same work; imports and preparation are outside the clocks.
"""

import gc
import sys
import time


def load(name):
    """The workload as a function of the number of loops."""
    if name.startswith("pyperf:"):
        import suite

        return suite.load(name[len("pyperf:") :])
    import workloads

    item = workloads.WORKLOADS[name]
    arguments = (item.prepare(),) if item.prepare else ()

    def run(loops):
        for _ in range(loops):
            item.unit(*arguments)

    return run


def peak_rss():
    """VmHWM, not ru_maxrss: the latter is inherited from the process that started this one."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def traced_peak():
    """The most bytes that were alive at once, or 0 where tracemalloc does not run."""
    import tracemalloc

    return tracemalloc.get_traced_memory()[1]


def clock(run, loops):
    wall, cpu = time.perf_counter(), time.process_time()
    run(loops)
    return time.perf_counter() - wall, time.process_time() - cpu


def calibrate(run, seconds):
    loops = 1
    while True:
        wall, _ = clock(run, loops)
        if wall >= seconds / 4:
            return max(1, round(loops * seconds / wall))
        loops *= 2


def main():
    result, name, loops = sys.argv[1:4]
    # Deep stacks are the point of some workloads; the same limit for every tool.
    sys.setrecursionlimit(20_000)
    run = load(name)
    if loops.startswith("auto:"):
        loops = calibrate(run, float(loops[5:]))
    gc.collect()
    wall, cpu = clock(run, int(loops))
    rss, heap = peak_rss(), traced_peak()

    import json

    record = {"loops": int(loops), "wall_s": wall, "cpu_s": cpu, "rss_bytes": rss}
    if heap:
        record["peak_heap_bytes"] = heap
    with open(result, "w") as out:
        json.dump(record, out)


if __name__ == "__main__":
    main()
