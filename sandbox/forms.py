"""Multipart forms, read into memory up to a limit."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from sandbox.replies import BodyTooLarge

__all__ = ["form_of"]


async def form_of(request: Request, limit: int) -> FormData:
    """
    The request's form; raises starlette's `MultiPartException` when it is not one.

    Raises `BodyTooLarge` past `limit` bytes.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise MultiPartException("the body is not multipart/form-data")
    parser = MultiPartParser(request.headers, _at_most(request, limit))
    # Files stay in memory: reading one back from disk would take a thread.
    parser.spool_max_size = limit
    return await parser.parse()


async def _at_most(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    taken = 0
    async for chunk in request.stream():
        taken += len(chunk)
        if taken > limit:
            raise BodyTooLarge
        yield chunk
