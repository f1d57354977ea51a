"""A bound on the bytes of request bodies that wait for their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from pydantic import JsonValue

from blocks.exchange import Call

__all__ = ["PayloadBudget"]


class PayloadBudget:
    """At most `limit` bytes of pictures in prepared calls; one call may always pass."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def hold(self, call: Call) -> AsyncGenerator[None]:
        """Keep a call's bytes accounted for until it has been sent."""
        size = payload_bytes(call)
        async with self._freed:
            await self._freed.wait_for(lambda: not self._held or self._held + size <= self._limit)
            self._held += size
        try:
            yield
        finally:
            async with self._freed:
                self._held -= size
                self._freed.notify_all()


def payload_bytes(call: Call) -> int:
    """Bytes of pictures in a call: its files, and texts long enough to be pictures in base64."""
    files = sum(len(data) for _, data, _ in (call.files or {}).values())
    body: dict[str, JsonValue] = call.json or {}
    texts = sum(len(value) for value in body.values() if isinstance(value, str))
    return files + texts
