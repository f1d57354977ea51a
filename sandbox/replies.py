"""What every vendor's desk needs to answer: JSON replies, refusals, and bodies read up to a limit."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

__all__ = ["BodyTooLarge", "Refusal", "json_reply", "read_body"]


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
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
        taken += len(chunks[-1])
        if taken > limit:
            raise BodyTooLarge
    # A body in one piece is not copied.
    return b"".join(chunks)
