"""PySpark's memory profilers on barrow's stand-in for memory_profiler, in executors of their own.

Needs PySpark (`make pyspark`) and Java.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import textwrap

import pytest
from runner import execute

if importlib.util.find_spec("pyspark") is None:
    pytest.skip("pyspark isn't installed: make pyspark", allow_module_level=True)
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("there is no Java, which PySpark needs", allow_module_level=True)

MIB = 1 << 20
LIMIT = 540  # seconds; alone on a machine of two cores it takes about 30

SESSION = """
    import json
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import col, udf
    from pyspark.sql.types import LongType

    @udf(LongType())
    def size(n):
        block = bytearray(n * 1_000_000)
        sizes = [len(block) for _ in range(3)]
        return sizes[0]

    def session(**options):
        builder = SparkSession.builder.master("local-cluster[2,1,512]")
        for name, value in {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.executor.memory": "512m",
            "spark.ui.enabled": "false",
            **options,
        }.items():
            builder = builder.config(name, value)
        return builder.getOrCreate()

    def measures(results):
        (lines,) = results.values()
        return {line: measure for line, measure in lines if measure}

    def rows(frame):
        return sorted(row[0] for row in frame.collect())
"""


@pytest.fixture
def spark(tmp_path):
    """Runs a program that has SESSION before it; its last line of output is JSON."""

    def run(code, env):
        script = tmp_path / "program.py"
        script.write_text(textwrap.dedent(SESSION) + textwrap.dedent(code))
        done = execute(
            [sys.executable, str(script)],
            cwd=tmp_path,
            env={"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", **env},
            timeout=LIMIT,
        )
        assert done.status == 0, done.stderr
        *output, last = done.stdout.splitlines()
        return "\n".join(output), json.loads(last)

    return run


def check_size(measures, calls, bytes):
    """The lines of `size` above."""
    first, block, sizes, result = (measures[str(line)] for line in (7, 9, 10, 11))
    assert first[1] > 5 * calls  # Spark adds up the memory of all processes
    assert block[0] == pytest.approx(bytes / MIB, abs=0.01)
    assert block[2] == result[2] == calls
    assert sizes[2] >= calls
    assert abs(sizes[0]) < 0.1


@pytest.mark.timeout(LIMIT + 30)
def test_profiles_of_the_context(spark):
    """spark.python.profile.memory, with the stand-in from the environment."""
    output, found = spark(
        """
        spark = session(**{"spark.python.profile.memory": "true"})
        result = rows(spark.range(0, 4, 1, 2).select(size(col("id"))))
        spark.sparkContext.show_profiles()
        _, profiler, _ = spark.sparkContext.profiler_collector.profilers[0]
        print(json.dumps([result, measures(profiler.stats())]))
        spark.stop()
        """,
        {"BARROW_COMPAT": "memory_profiler"},
    )
    assert found[0] == [0, 1_000_000, 2_000_000, 3_000_000]
    check_size(found[1], calls=4, bytes=6_000_000)
    assert "Profile of UDF" in output
    assert "block = bytearray(n * 1_000_000)" in output


@pytest.mark.timeout(LIMIT + 30)
def test_profiles_of_the_session(spark):
    """spark.sql.pyspark.udf.profiler, with the stand-in only in the executors."""
    output, found = spark(
        """
        spark = session(**{"spark.executorEnv.BARROW_COMPAT": "memory_profiler"})
        spark.conf.set("spark.sql.pyspark.udf.profiler", "memory")
        # One row each: what comes after the first row of a task Spark adds twice.
        result = rows(spark.range(1, 3, 1, 2).select(size(col("id"))))
        spark.profile.show(type="memory")
        (of_size,) = spark._profiler_collector._memory_profile_results.values()
        print(json.dumps([result, measures(of_size)]))
        spark.stop()
        """,
        {},
    )
    assert found[0] == [1_000_000, 2_000_000]
    check_size(found[1], calls=2, bytes=3_000_000)
    assert "Profile of UDF" in output
    assert "block = bytearray(n * 1_000_000)" in output
