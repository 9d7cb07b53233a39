"""The pytest plugin at work; `barrow.pytest_plugin` loads it when a test is to be measured."""

from __future__ import annotations

import gc
import heapq
import os
from collections import Counter
from collections.abc import Callable, Generator
from itertools import islice
from typing import Any, NamedTuple, TypedDict, cast

import pytest

from barrow import _core
from barrow._pytest_measure import Measurement, Round, Site, growth, parse_size, size_text, steps
from barrow.pytest_plugin import Stack, StackFrame, markers, value

KEY = "barrow"  # of what an xdist worker hands to its controller
VERDICT_ROUNDS = 5  # from so many on it is said whether memory grows
FRAMES = 5  # of a stack in a failure


class Place(TypedDict):
    """A line, and what a test had there at its peak."""

    bytes: int
    function: str
    file: str
    line: int


class Result(TypedDict):
    """The figures of one test, as JSON has them: a list item for each round."""

    id: str
    outcome: str
    peak_bytes: list[int]
    leaked_bytes: list[int]
    leaked_blocks: list[int]
    total_bytes: list[int]
    allocations: list[int]
    places: list[Place]


class Limit(NamedTuple):
    """A marker, understood."""

    kind: str
    bytes: int
    filter_fn: Any
    main_thread_only: bool


class Problem(Exception):
    """A test that passed uses too much: what is said, and the section below it."""

    def __init__(self, text: str, section: str, details: str) -> None:
        super().__init__(text)
        self.section, self.details = section, details


# ---- markers ----


def _limit_memory(limit: str, *, current_thread_only: bool = False) -> Limit:
    return Limit("limit_memory", parse_size(limit), None, current_thread_only)


def _limit_leaks(location_limit: str, *, filter_fn: Any = None, current_thread_only: bool = False) -> Limit:
    return Limit("limit_leaks", parse_size(location_limit), filter_fn, current_thread_only)


def _limit_leaked_objects(*, filter_fn: Any = None) -> Limit:
    raise ValueError("barrow counts bytes, not objects: use limit_leaks, or --barrow-repeat")


_LIMITS: dict[str, Callable[..., Limit]] = {
    "limit_memory": _limit_memory,
    "limit_leaks": _limit_leaks,
    "limit_leaked_objects": _limit_leaked_objects,
}


def limits(item: pytest.Item, names: dict[str, str]) -> list[Limit]:
    """Give an item's markers.  Raises UsageError, in one line, for what they can't be."""
    found = []
    for mark in item.iter_markers():
        if mark.name in names:
            try:
                found.append(_LIMITS[names[mark.name]](*mark.args, **mark.kwargs))
            except (TypeError, ValueError) as error:
                text = str(error).replace(f"_{names[mark.name]}()", f"{mark.name}()")
                raise pytest.UsageError(f"{item.nodeid}: {mark.name}: {text}") from None
    return found


def check_markers(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        limits(item, markers(config))


# ---- failures ----


def _stack_text(site: Site) -> str:
    lines = [f"    - {size_text(site.bytes)} in {site.blocks} block{'s' * (site.blocks != 1)} allocated here:"]
    frames = site.test_frames
    for function, file, line in frames[:FRAMES]:
        lines.append(f"        {function}:{file}:{line}")
    if len(frames) > FRAMES:
        lines.append("        ...")
    if not site.stack:
        lines.append("        (no Python frame)")
    return "\n".join(lines)


def _check_memory(limit: Limit, measured: Measurement, shown: int) -> None:
    peak = measured.rounds[0].peak_bytes
    if limit.main_thread_only and measured.is_own:
        peak = measured.bytes("peak", main_thread_only=True)
    if peak < limit.bytes:
        return
    sites = islice(measured.sites("peak", limit.main_thread_only), shown)
    raise Problem(
        f"Test was limited to {size_text(limit.bytes)} but allocated {size_text(peak)}",
        "barrow-max-memory",
        "List of allocations:\n" + "\n".join(_stack_text(site) for site in sites),
    )


def _passes(site: Site, filter_fn: Any) -> bool:
    return filter_fn is None or bool(filter_fn(Stack(tuple(StackFrame(*frame) for frame in site.stack))))


def _check_leaks(limit: Limit, measured: Measurement) -> None:
    """Each place by itself, as pytest-memray does."""
    found = []
    for site in measured.sites("leaked", limit.main_thread_only):
        if site.bytes < limit.bytes:
            break
        if _passes(site, limit.filter_fn):
            found.append(site)
    if found:
        raise Problem(
            f"Test was allowed to leak {size_text(limit.bytes)} per location but at least one location leaked more",
            "barrow-leaked-memory",
            "List of leaked allocations:\n" + "\n".join(_stack_text(site) for site in found),
        )


def _check_growth(wanted: list[Limit], measured: Measurement, shown: int) -> None:
    """What rounds after the first leave behind, each about as much as the others."""
    count = len(measured.rounds)
    more_bytes, more_blocks = (growth(left) for left in steps(measured.rounds))
    if more_bytes <= 0 and more_blocks <= 0:
        return
    sites = [
        Site(site.bytes // count, max(site.blocks // count, 1), site.stack)
        for site in measured.sites("leaked")
        if site.blocks >= count or site.bytes * 2 >= more_bytes * count
    ]
    kept = [site for site in sites if all(_passes(site, limit.filter_fn) for limit in wanted)]
    if sites and not kept:
        return
    raise Problem(
        f"Each run of the test leaves {size_text(more_bytes)} more behind ({more_blocks:.1f} blocks)",
        "barrow-growing-memory",
        f"Left behind by each of {count} runs:\n" + "\n".join(_stack_text(site) for site in kept[:shown]),
    )


# ---- running ----


class Plugin:
    """Measures tests, judges them, and tells; on an xdist controller it only tells."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._all = any(value(config, each) for each in ("", "json", "compare"))
        self._repeat = cast(int, value(config, "repeat"))
        self._sites = cast(int, value(config, "sites"))
        self._names = markers(config)
        self._results: dict[str, Result] = {}
        self._notes: set[str] = set()
        self._highest: list[int] = []  # a heap of peaks
        if self._repeat < 1:
            raise pytest.UsageError(f"--barrow-repeat {self._repeat}: must be 1 or more")
        self._json = cast(str, value(config, "json"))
        folder = os.path.dirname(os.path.abspath(self._json))
        if self._json and not os.access(folder, os.W_OK):  # not only at the end
            raise pytest.UsageError(f"--barrow-json {self._json}: {folder} is not there, or not to be written to")
        self._comparison = None
        if value(config, "compare"):
            from barrow import _pytest_compare

            self._comparison = _pytest_compare.read(cast(str, value(config, "compare")))

    # Innermost, so that what other plugins do around the body is not counted.
    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, None]:
        wanted = limits(item, self._names)
        if not wanted and not self._all and self._repeat == 1:
            yield
            return
        try:
            first = Measurement()
        except _core.Error as error:
            self._notes.add(f"not measured: {error}")
            yield
            return
        first.begin()
        outcome = yield
        first.stop()
        if outcome.excinfo is not None and issubclass(outcome.excinfo[0], pytest.skip.Exception):
            return
        rounds, problem = first.rounds, None
        if outcome.excinfo is None:
            try:
                again = self._run_again(item) if self._repeat > 1 else None
                self._judge(wanted, first)
                if again is not None:
                    rounds = rounds + again.rounds
                    if self._repeat >= VERDICT_ROUNDS:
                        _check_growth(wanted, again, max(self._sites, 1))
            except Problem as found:
                problem = found
        self._keep(item, "passed" if outcome.excinfo is None else "not passed", first, rounds)
        if problem is not None:
            item.add_report_section("call", problem.section, problem.details)
            outcome.force_exception(pytest.fail.Exception(str(problem), pytrace=False))

    def _judge(self, wanted: list[Limit], measured: Measurement) -> None:
        for limit in wanted:
            if not measured.is_own and (limit.kind == "limit_leaks" or limit.main_thread_only):
                self._notes.add(
                    "pytest itself is being recorded: limit_leaks and current_thread_only are not "
                    "checked, as they need a recording of each test"
                )
            if limit.kind == "limit_memory":
                _check_memory(limit, measured, max(self._sites, 1))
            elif measured.is_own:
                _check_leaks(limit, measured)

    def _run_again(self, item: pytest.Item) -> Measurement | None:
        """Run the body again and again.  None if it can't be."""
        again = Measurement()
        try:
            for _ in range(self._repeat - 1):
                gc.collect()  # also empties free lists, which must not happen in the round for the first time
                again.begin()
                item.runtest()
                gc.collect()
                again.end()
                if getattr(item, "_excinfo", None):  # where unittest's cases keep failures
                    raise AssertionError("it failed")
        except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:
            self._notes.add(f"{item.nodeid} can't be repeated: {type(error).__name__}: {error}".split("\n")[0])
            return None
        finally:
            again.stop()
        return again

    def _keep(self, item: pytest.Item, outcome: str, measured: Measurement, rounds: list[Round]) -> None:
        for name in ("peak_bytes", "leaked_bytes", "allocations"):
            item.user_properties.append((f"barrow_{name}", getattr(rounds[0], name)))
        result = {
            name: [getattr(each, name) for each in rounds] for name in Round._fields if name in Result.__annotations__
        }
        self._results[item.nodeid] = cast(
            Result, {"id": item.nodeid, "outcome": outcome, **result, "places": self._places(measured)}
        )

    def _places(self, measured: Measurement) -> list[Place]:
        """The lines that had most at the peak, of a test that may be among those that are shown."""
        most = cast(int, value(self._config, "top"))
        peak = measured.rounds[0].peak_bytes
        if not self._all or measured.ledger is None or (most and not self._is_among(most, peak)):
            return []
        lines: Counter[tuple[str, str, int]] = Counter()
        for site in measured.sites("peak"):
            lines[site.stack[0] if site.stack else ("", "", 0)] += site.bytes
        return [
            Place(bytes=count, function=f, file=file, line=n)
            for (f, file, n), count in lines.most_common(self._sites)
            if count * 100 >= peak
        ]

    def _is_among(self, most: int, peak: int) -> bool:
        """Is it one of so many highest peaks until now?"""
        if len(self._highest) < most:
            heapq.heappush(self._highest, peak)
        elif peak >= self._highest[0]:
            heapq.heapreplace(self._highest, peak)
        else:
            return False
        return True

    # ---- telling ----

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """An xdist worker is done."""
        handed = getattr(node, "workeroutput", {}).get(KEY)
        if handed:
            self._results.update({each["id"]: each for each in handed["results"]})
            self._notes.update(handed["notes"])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(self._config, "workeroutput"):
            handed = {"results": list(self._results.values()), "notes": sorted(self._notes)}
            self._config.workeroutput[KEY] = handed
            return
        if self._json and not self._config.option.collectonly:
            from barrow import _pytest_compare

            try:
                _pytest_compare.write(self._json, list(self._results.values()))
            except OSError as error:
                self._notes.add(f"--barrow-json {self._json}: can't be written: {error.strerror}")
        if self._comparison is not None:
            self._comparison.compare(self._results, cast(float, value(self._config, "threshold")))
            if value(self._config, "compare-fail") and self._comparison.worse and session.exitstatus == 0:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        write = terminalreporter.write_line
        told = sorted(self._notes)
        if self._all and self._results:
            terminalreporter.write_sep("=", "memory of tests (barrow)")
            for line in self._summary():
                write(line)
        if self._comparison is not None:
            terminalreporter.write_sep("=", "memory compared (barrow)")
            for line in self._comparison.lines():
                write(line)
        for note in told:
            write(f"barrow: {note}")

    def _summary(self) -> Generator[str, None, None]:
        most = cast(int, value(self._config, "top"))
        ordered = sorted(self._results.values(), key=lambda each: (-each["peak_bytes"][0], each["id"]))
        shown = ordered[: most or None]
        what = f"the {len(shown)} of {len(ordered)} tests" if len(shown) < len(ordered) else "tests"
        yield f"{what} with the highest peak, the lines that had most of it below each"
        yield f"{'peak':>10} {'total':>10} {'allocations':>12} {'left':>10}  test"
        for each in shown:
            yield (
                f"{size_text(each['peak_bytes'][0]):>10} {size_text(each['total_bytes'][0]):>10} "
                f"{each['allocations'][0]:>12,} {size_text(each['leaked_bytes'][0]):>10}  {each['id']}"
            )
            for place in each["places"]:
                yield f"{size_text(place['bytes']):>14}  {_place_text(place)}"


def _place_text(place: Place) -> str:
    if not place["function"]:
        return "(no Python frame)"
    file = place["file"]
    near = os.path.relpath(file) if os.path.isabs(file) else file
    return f"{place['function']} ({near if len(near) < len(file) else file}:{place['line']})"
