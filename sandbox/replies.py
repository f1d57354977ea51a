"""What every vendor's desk needs to answer: JSON replies, refusals, and bodies read up to a limit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["BodyTooLarge", "Refusal", "digest_of", "digest_of_bytes", "json_reply", "read_body"]


class Refusal(Exception):
    """A vendor's refusal: its HTTP status and JSON body."""

    def __init__(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


class BodyTooLarge(Exception):
    """A request body is larger than its desk reads."""


def json_reply(status: int, body: object, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(orjson.dumps(body), status, headers, "application/json")


async def read_body(request: Request, limit: int) -> bytes:
    """The request's body; raises `BodyTooLarge` before more than `limit` bytes are held."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise BodyTooLarge
    taken = 0
    chunks: list[bytes] = []
    async for chunk in request.stream():
        taken += len(chunk)
        if taken > limit:
            raise BodyTooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def digest_of(essence: object) -> str:
    """A digest that is equal for equal requests, whatever the order of their keys."""
    return hashlib.sha256(orjson.dumps(essence, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def digest_of_bytes(data: bytes) -> str:
    """A digest that tells a file from others, wherever it lies."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
