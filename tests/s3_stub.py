"""A little S3 server that misbehaves on request and can be stopped and started with its objects kept."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import md5
from typing import TYPE_CHECKING, Any, Literal
from xml.sax.saxutils import escape

from aiohttp import web

from tests.s3_servers import free_port

if TYPE_CHECKING:
    from blocks.storage import ObjectStorage

__all__ = ["Fault", "S3Stub", "running_stub"]

Fault = Literal[
    "slow down",
    "conflict",
    "crash",
    "bad gateway",
    "lose reply",
    "break off",
    "hang",
    "not implemented",
    "deny",
    "elsewhere",
]

_ANSWERS: dict[str, tuple[int, str]] = {
    "slow down": (503, "SlowDown"),
    "conflict": (409, "ConditionalRequestConflict"),
    "crash": (500, "InternalError"),
    "not implemented": (501, "NotImplemented"),
    "elsewhere": (301, "PermanentRedirect"),
}

# What lies between a careless store's look for an object and its write.
LOOK_SECONDS = 0.2


class S3Stub:
    """One bucket named `stub`; each request meets the next of `faults`, if there is one."""

    def __init__(
        self, *, honours_conditions: bool = True, honours_versions: bool = True, looks_before_it_writes: bool = False
    ) -> None:
        self.honours_conditions = honours_conditions
        self.honours_versions = honours_versions
        self.looks_before_it_writes = looks_before_it_writes
        self.faults: deque[Fault] = deque()
        self.objects: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.requests: list[str] = []
        # The credentials of each request as "key/date/region/s3/aws4_request", and its token.
        self.signed_as: list[tuple[str, str | None]] = []
        self.region: str | None = None
        self.most_at_once = 0
        self._now = 0
        self.endpoint_url = f"http://127.0.0.1:{free_port()}"
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()

    def storage(self, **fields: Any) -> ObjectStorage:
        """Storage in the stub's bucket."""
        from blocks.storage import ObjectStorage  # noqa: PLC0415 - pulls in Prefect, which reads the environment

        settings = {"root": "s3://stub/out", "endpoint_url": self.endpoint_url, "region": "us-east-1"}
        keys = {"access_key_id": "stub-key", "secret_access_key": "stub-secret"}
        return ObjectStorage.model_validate({**settings, **keys, **fields})

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen, always on the same port."""
        self._stopping.clear()
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/stub{key:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", int(self.endpoint_url.rpartition(":")[2]), ssl_context=tls).start()

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.method)
        credential = request.headers.get("Authorization", "").partition("Credential=")[2].partition(",")[0]
        self.signed_as.append((credential, request.headers.get("X-Amz-Security-Token")))
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
        if fault == "bad gateway":
            return web.Response(status=502, text="<html>No healthy upstream</html>", content_type="text/html")
        if fault == "deny":
            return _error(403, "SignatureDoesNotMatch", _quoted(request))
        if fault == "hang":
            await self._stopping.wait()
        body = await request.read()
        if self.looks_before_it_writes and request.method == "PUT" and not self._is_there(request):
            await asyncio.sleep(LOOK_SECONDS)
            self.objects.pop(request.match_info["key"].strip("/"), None)
        answer = self._do(request, body)
        if fault == "break off":
            return await _broken_off(request, answer)
        if fault == "lose reply" and request.transport is not None:
            request.transport.abort()
        return answer

    def _is_there(self, request: web.Request) -> bool:
        return request.match_info["key"].strip("/") in self.objects

    def _do(self, request: web.Request, body: bytes) -> web.Response:
        key = request.match_info["key"].strip("/")
        if request.method == "PUT":
            return self._put(request, key, body)
        if request.method == "DELETE":
            self.objects.pop(key, None)
            return web.Response(status=204)
        if not key and request.method == "HEAD":
            return web.Response(headers={"x-amz-bucket-region": self.region} if self.region else {})
        if not key:
            return self._list(request.query.get("prefix", ""))
        if key not in self.objects:
            return _error(404, "NoSuchKey")
        data, headers = self.objects[key]
        return web.Response(body=data, headers=headers)

    def _put(self, request: web.Request, key: str, body: bytes) -> web.Response:
        if self.honours_conditions and "If-None-Match" in request.headers and key in self.objects:
            return _error(412, "PreconditionFailed")
        if self.honours_versions and "If-Match" in request.headers:
            if key not in self.objects:
                return _error(404, "NoSuchKey")
            if self.objects[key][1]["ETag"].strip('"') != request.headers["If-Match"].strip('"'):
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


@asynccontextmanager
async def running_stub(stub: S3Stub | None = None, tls: ssl.SSLContext | None = None) -> AsyncGenerator[S3Stub]:
    """A stub that listens."""
    stub = stub or S3Stub()
    await stub.start(tls)
    try:
        yield stub
    finally:
        await stub.stop()


async def _broken_off(request: web.Request, answer: web.Response) -> web.StreamResponse:
    assert isinstance(answer.body, bytes)
    promised = {**answer.headers, "Content-Length": str(len(answer.body) + 1)}
    part = web.StreamResponse(status=answer.status, headers=promised)
    await part.prepare(request)
    await part.write(answer.body)
    assert request.transport is not None
    request.transport.close()
    return part


def _quoted(request: web.Request) -> str:
    """The request as Amazon quotes it when it was signed wrongly, so that its sender can compare."""
    headers = "".join(f"{name.lower()}:{value}\n" for name, value in request.headers.items())
    return f"<CanonicalRequest>{escape(headers)}</CanonicalRequest>"


def _error(status: int, code: str, more: str = "") -> web.Response:
    xml = f"<Error><Code>{code}</Code><Message>The stub answers &quot;{code}&quot;.</Message>{more}</Error>"
    return web.Response(status=status, text=xml, content_type="application/xml")
