"""The work of one event loop with one S3 store, and the one place that repeats S3 calls."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from itertools import count
from typing import TypeVar
from weakref import WeakKeyDictionary

from blocks.storage.s3_answers import S3_ERRORS, is_transient
from blocks.storage.s3_bucket import S3Bucket, open_bucket
from blocks.storage.s3_connection import S3Connection

__all__ = ["S3Session", "close_session", "session_of"]

T = TypeVar("T")

FIRST_BACKOFF_SECONDS = 0.2
LONGEST_BACKOFF_SECONDS = 5.0


class S3Session:
    """At most `max_connections` calls at a time; it ends with `close`, or with its event loop."""

    def __init__(self, connection: S3Connection) -> None:
        self._connection = connection
        self._turns = asyncio.Semaphore(connection.max_connections)
        self._opening = asyncio.Lock()
        self._buckets: dict[str, S3Bucket] = {}
        self._life: AsyncGenerator[None] | None = None

    async def patiently(self, bucket: str, attempt: Callable[[S3Bucket], Awaitable[T]], patience: float) -> T:
        """
        Do what may be repeated; each attempt sets its own deadline.

        While the store is unreachable, overloaded or in conflict it is repeated for `patience` seconds from
        the first failure; then, and for any other failure, the last error is raised as it came.
        """
        clock = asyncio.get_running_loop().time
        give_up: float | None = None
        for failures in count(1):
            try:
                async with self._turns:
                    return await attempt(self._buckets.get(bucket) or await self._opened(bucket))
            except S3_ERRORS as error:
                give_up = give_up or clock() + patience
                pause = _backoff(failures)
                if not is_transient(error) or clock() + pause > give_up:
                    raise
            await asyncio.sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def close(self) -> None:
        """Close the connections."""
        if self._life is not None:
            await self._life.aclose()

    async def _opened(self, name: str) -> S3Bucket:
        async with self._opening:
            if self._life is None:
                self._life = self._living()
                await anext(self._life)
            if name not in self._buckets:
                self._buckets[name] = await asyncio.to_thread(open_bucket, self._connection, name)
        return self._buckets[name]

    async def _living(self) -> AsyncGenerator[None]:
        # A generator, because an event loop that ends finishes its generators: no connection is left open.
        try:
            yield
        finally:
            # Forgotten, as a session refers to its loop, and would keep it in memory.
            _sessions.get(asyncio.get_running_loop(), {}).pop(self._connection, None)
            for bucket in self._buckets.values():
                bucket.close()


# One session per event loop, as turns are taken on one loop only.
_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[S3Connection, S3Session]] = WeakKeyDictionary()


def session_of(connection: S3Connection) -> S3Session:
    """The running event loop's session, opened when first used."""
    sessions = _sessions.setdefault(asyncio.get_running_loop(), {})
    if connection not in sessions:
        sessions[connection] = S3Session(connection)
    return sessions[connection]


async def close_session(connection: S3Connection) -> None:
    """Close the running event loop's session, if one was opened."""
    session = _sessions.get(asyncio.get_running_loop(), {}).pop(connection, None)
    if session is not None:
        await session.close()


def _backoff(failures: int) -> float:
    ceiling = min(FIRST_BACKOFF_SECONDS * 2 ** min(failures - 1, 10), LONGEST_BACKOFF_SECONDS)
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, not a secret
