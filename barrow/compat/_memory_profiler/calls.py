"""Runs code around each call of a function, with a state of its own for each."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from barrow._wrap import wrap


def around(function: Callable[..., Any], begin: Callable[[], Callable[[], None]]) -> Callable[..., Any]:
    """Give `function` with begin() run when its body begins, and what that gave when it ends.

    Coroutines and generators end when they are exhausted or closed.
    """

    def one_call() -> Callable[..., Any]:
        ends: list[Callable[[], None]] = []
        return wrap(function, lambda: ends.append(begin()), lambda: ends.pop()())

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def of_coroutine(*args: Any, **keywords: Any) -> Any:
            return await one_call()(*args, **keywords)

        return of_coroutine

    @functools.wraps(function)
    def measured(*args: Any, **keywords: Any) -> Any:
        return one_call()(*args, **keywords)

    return measured
