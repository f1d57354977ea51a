"""The faults of the wire: refusals that never reach a desk, slow replies, cut connections, renamed fields."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import ailabtools_replies, claid_replies, vmake_replies
from sandbox.faults import FaultRule
from sandbox.operations import Route
from sandbox.replies import Refusal, json_reply

__all__ = ["CUT", "MISBEHAVIOURS", "Spoilt"]

# The ASGI extension under which the server offers to drop a connection.
CUT = "sandbox.cut"
BODY_PIECES = 10
BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
VENDOR_REFUSALS: dict[str, tuple[Callable[[], Refusal], Callable[[], Refusal]]] = {
    "claid": (claid_replies.too_many_requests, claid_replies.server_error),
    "vmake": (vmake_replies.too_many_requests, vmake_replies.server_error),
    "ailabtools": (ailabtools_replies.too_many_requests, ailabtools_replies.server_error),
}
RENAMED = {
    "id": "job_identifier",
    "status": "job_state",
    "tmp_url": "download_link",
    "taskId": "taskIdentifier",
    "results": "resultList",
    "task_id": "task_identifier",
    "task_status": "task_state",
    "output": "outputs",
}


@dataclass(frozen=True, slots=True)
class Spoilt:
    """One request that is to be served badly."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    route: Route
    fault: FaultRule


async def _refuse(one: Spoilt) -> None:
    if one.fault.after:
        await one.app(one.scope, one.receive, _swallow)
    else:
        await _drain(one.receive)
    reply = _refusal(one.route, one.fault)
    if one.fault.retry_after is not None:
        reply.headers["retry-after"] = f"{one.fault.retry_after:g}"
    await reply(one.scope, one.receive, one.send)


def _refusal(route: Route, fault: FaultRule) -> Response:
    if fault.fault == "error_502_html":
        return Response(BAD_GATEWAY, 502, media_type="text/html")
    if fault.fault == "error_503":
        return Response("Service Temporarily Unavailable\n", 503, media_type="text/plain")
    too_many, broken = VENDOR_REFUSALS.get(route.vendor, VENDOR_REFUSALS["claid"])
    refusal = too_many() if fault.fault == "rate_limited" else broken()
    return json_reply(refusal.status, refusal.body, refusal.headers)


async def _slow_headers(one: Spoilt) -> None:
    async def late(message: Message) -> None:
        if message["type"] == "http.response.start":
            await asyncio.sleep(one.fault.seconds)
        await one.send(message)

    await one.app(one.scope, one.receive, late)


async def _slow_body(one: Spoilt) -> None:
    async def trickle(message: Message) -> None:
        body = message.get("body", b"")
        if message["type"] != "http.response.body" or not body:
            await one.send(message)
            return
        step = -(-len(body) // BODY_PIECES)
        pieces = [body[start : start + step] for start in range(0, len(body), step)]
        for n, piece in enumerate(pieces, 1):
            await asyncio.sleep(one.fault.seconds / len(pieces))
            more = n < len(pieces) or message.get("more_body", False)
            await one.send({"type": "http.response.body", "body": piece, "more_body": more})

    await one.app(one.scope, one.receive, trickle)


async def _cut_before(one: Spoilt) -> None:
    await _drain(one.receive)
    await _cut(one)


async def _cut_after(one: Spoilt) -> None:
    await one.app(one.scope, one.receive, _swallow)
    await _cut(one)


async def _drifted(one: Spoilt) -> None:
    start: Message = {}

    async def rename(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        body = _renamed_body(message.get("body", b""))
        kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        await one.send({**start, "headers": [*kept, (b"content-length", str(len(body)).encode())]})
        await one.send({**message, "body": body})

    await one.app(one.scope, one.receive, rename)


def _renamed_body(body: bytes) -> bytes:
    try:
        return orjson.dumps(_renamed(orjson.loads(body)))
    except orjson.JSONDecodeError:
        return body


def _renamed(value: object) -> object:
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {RENAMED.get(key, key): _renamed(inner) for key, inner in fields.items()}
    if isinstance(value, list):
        return [_renamed(inner) for inner in cast("list[object]", value)]
    return value


async def _cut(one: Spoilt) -> None:
    abort: Callable[[], None] | None = one.scope.get("extensions", {}).get(CUT)
    if abort is None:
        raise ConnectionResetError("sandbox fault: the connection is cut")
    abort()
    # The server takes an application that ends without a reply for broken, unless the client has gone first.
    while (await one.receive())["type"] != "http.disconnect":
        pass


async def _drain(receive: Receive) -> None:
    while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
        pass


async def _swallow(_message: Message) -> None:
    """Send nothing."""


MISBEHAVIOURS: dict[str, Callable[[Spoilt], Awaitable[None]]] = {
    "rate_limited": _refuse,
    "error_500": _refuse,
    "error_502_html": _refuse,
    "error_503": _refuse,
    "slow_headers": _slow_headers,
    "slow_body": _slow_body,
    "cut_before": _cut_before,
    "cut_after": _cut_after,
    "drifted_schema": _drifted,
}
