"""Threads for long work of the asynchronous API, apart from those that answer searches."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["long_work"]

_THREADS = 4  # most of the work is a model's or an engine's, which have threads of their own, or waiting for a server

P = ParamSpec("P")
T = TypeVar("T")

_POOLS: WeakKeyDictionary[asyncio.AbstractEventLoop, ThreadPoolExecutor] = WeakKeyDictionary()
_MAKING = threading.Lock()


async def long_work(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that may take long, such as one that writes, in a thread.

    The event loop's own threads, of which there are as many as processors and four more, stay free for what takes
    milliseconds: a search would wait behind every document that is being added.
    """
    loop = asyncio.get_running_loop()
    with _MAKING:
        pool = _POOLS.get(loop)
        if pool is None:
            pool = _POOLS[loop] = ThreadPoolExecutor(_THREADS, thread_name_prefix="simplugin-long")
    context = contextvars.copy_context()
    return await loop.run_in_executor(pool, partial(context.run, partial(function, *args, **kwargs)))
