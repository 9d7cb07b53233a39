"""Runs code around functions of every kind: plain, coroutine, generator, asynchronous generator."""

import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


def wrap(
    function: Callable[P, R], before: Callable[[], None], after: Callable[[], None]
) -> Callable[P, R]:
    """Give `function` with `before` and `after` run around each call, as long as its body lives."""
    if inspect.iscoroutinefunction(function):
        wrapper: Any = _coroutine(function, before, after)
    elif inspect.isgeneratorfunction(function):
        wrapper = _generator(function, before, after)
    elif inspect.isasyncgenfunction(function):
        wrapper = _async_generator(function, before, after)
    else:
        wrapper = _plain(function, before, after)
    return cast(Callable[P, R], functools.wraps(function)(wrapper))


def _plain(
    function: Callable[P, R], before: Callable[[], None], after: Callable[[], None]
) -> Callable[P, R]:
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        before()
        try:
            return function(*args, **kwargs)
        finally:
            after()

    return wrapper


def _coroutine(
    function: Callable[P, Awaitable[R]], before: Callable[[], None], after: Callable[[], None]
) -> Callable[P, Awaitable[R]]:
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        before()
        try:
            return await function(*args, **kwargs)
        finally:
            after()

    return wrapper


def _generator(
    function: Callable[P, Generator[Any, Any, Any]],
    before: Callable[[], None],
    after: Callable[[], None],
) -> Callable[P, Generator[Any, Any, Any]]:
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Generator[Any, Any, Any]:
        before()
        try:
            return (yield from function(*args, **kwargs))
        finally:
            after()

    return wrapper


def _async_generator(
    function: Callable[P, AsyncGenerator[Any, Any]],
    before: Callable[[], None],
    after: Callable[[], None],
) -> Callable[P, AsyncGenerator[Any, Any]]:
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Any, Any]:
        before()
        inner = function(*args, **kwargs)
        try:
            step = inner.__anext__()
            while True:
                try:
                    item = await step
                except StopAsyncIteration:
                    return
                try:
                    received = yield item
                except GeneratorExit:
                    raise
                except BaseException as error:
                    step = inner.athrow(error)
                else:
                    step = inner.asend(received)
        finally:
            await inner.aclose()
            after()

    return wrapper
