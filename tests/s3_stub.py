"""A little S3 server that misbehaves on request and can be stopped and started with its objects kept."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import md5
from typing import Literal
from xml.sax.saxutils import escape

from aiohttp import web

from tests.s3_servers import free_port

__all__ = ["Fault", "S3Stub"]

Fault = Literal["slow down", "conflict", "crash", "lose reply", "hang", "not implemented"]

_ANSWERS: dict[str, tuple[int, str]] = {
    "slow down": (503, "SlowDown"),
    "conflict": (409, "ConditionalRequestConflict"),
    "crash": (500, "InternalError"),
    "not implemented": (501, "NotImplemented"),
}


class S3Stub:
    """One bucket named `stub`; each request meets the next of `faults`, if there is one."""

    def __init__(self, *, honours_conditions: bool = True) -> None:
        self.honours_conditions = honours_conditions
        self.faults: deque[Fault] = deque()
        self.objects: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.requests: list[str] = []
        self.most_at_once = 0
        self._now = 0
        self.endpoint_url = f"http://127.0.0.1:{free_port()}"
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Listen, always on the same port."""
        self._stopping.clear()
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/stub{key:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", int(self.endpoint_url.rpartition(":")[2])).start()

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.method)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            return await self._answer_or_fail(request)
        finally:
            self._now -= 1

    async def _answer_or_fail(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.popleft() if self.faults else None
        if fault in _ANSWERS:
            return _error(*_ANSWERS[fault])
        if fault == "hang":
            await self._stopping.wait()
        body = await request.read()
        answer = self._do(request, body)
        if fault == "lose reply" and request.transport is not None:
            request.transport.abort()
        return answer

    def _do(self, request: web.Request, body: bytes) -> web.Response:
        key = request.match_info["key"].strip("/")
        if request.method == "PUT":
            return self._put(request, key, body)
        if request.method == "DELETE":
            self.objects.pop(key, None)
            return web.Response(status=204)
        if not key:
            return self._list(request.query.get("prefix", ""))
        if key not in self.objects:
            return _error(404, "NoSuchKey")
        data, headers = self.objects[key]
        return web.Response(body=data, headers=headers)

    def _put(self, request: web.Request, key: str, body: bytes) -> web.Response:
        if self.honours_conditions and "If-None-Match" in request.headers and key in self.objects:
            return _error(412, "PreconditionFailed")
        etag = f'"{md5(body, usedforsecurity=False).hexdigest()}"'
        kept = {name: value for name, value in request.headers.items() if name.lower().startswith("x-amz-meta-")}
        kept |= {"ETag": etag, "Last-Modified": format_datetime(datetime.now(UTC), usegmt=True)}
        self.objects[key] = (body, kept)
        return web.Response(headers={"ETag": etag})

    def _list(self, prefix: str) -> web.Response:
        keys = (f"<Contents><Key>{escape(key)}</Key></Contents>" for key in self.objects if key.startswith(prefix))
        xml = f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(keys)}</ListBucketResult>"
        return web.Response(text=xml, content_type="application/xml")


def _error(status: int, code: str) -> web.Response:
    xml = f"<Error><Code>{code}</Code><Message>The stub answers {code}.</Message></Error>"
    return web.Response(status=status, text=xml, content_type="application/xml")
