"""Servers that write down all that they are sent: a host of pictures, and a window in front of a vendor."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

__all__ = ["Asked", "Recorder", "picture_host", "window_before"]

Answer = Callable[["Asked"], Awaitable[web.Response]]

LARGEST = 64 * 1024 * 1024
NOT_FORWARDED = {"transfer-encoding", "content-length", "content-encoding", "connection", "date", "server"}


@dataclass(frozen=True)
class Asked:
    """One request, whole."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def holds(self, secret: str) -> bool:
        """Whether a secret is anywhere in it."""
        return secret in f"{self.target}\n{self.headers}" or secret.encode() in self.body


@dataclass
class Recorder:
    """A server on this machine and what it was asked so far."""

    url: str = ""
    requests: list[Asked] = field(default_factory=list[Asked])

    def with_secret(self, secret: str) -> list[Asked]:
        """The requests that hold a secret."""
        return [asked for asked in self.requests if asked.holds(secret)]


@contextmanager
def picture_host(pictures: dict[str, tuple[int, bytes]]) -> Generator[Recorder]:
    """Serve pictures by path with a status each, and 404 elsewhere; queries are taken as signatures."""

    async def answer(asked: Asked) -> web.Response:
        status, body = pictures.get(asked.target.partition("?")[0], (404, b"not here"))
        return web.Response(status=status, body=body)

    with _serving(answer) as recorder:
        yield recorder


@contextmanager
def window_before(vendor: str) -> Generator[Recorder]:
    """Pass everything on to a vendor; a vendor that hangs up is a window that hangs up."""

    async def answer(asked: Asked) -> web.Response:
        # By its own host name, so that the vendor names results by the window's address.
        async with (
            aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as client,
            client.request(
                asked.method,
                vendor + asked.target,
                data=asked.body,
                headers={name: value for name, value in asked.headers.items() if name.lower() not in NOT_FORWARDED},
            ) as reply,
        ):
            headers = {name: value for name, value in reply.headers.items() if name.lower() not in NOT_FORWARDED}
            return web.Response(status=reply.status, body=await reply.read(), headers=headers)

    with _serving(answer) as recorder:
        yield recorder


@contextmanager
def _serving(answer: Answer) -> Generator[Recorder]:
    recorder = Recorder()

    async def handle(request: web.Request) -> web.Response:
        asked = Asked(request.method, request.path_qs, dict(request.headers), await request.read())
        recorder.requests.append(asked)
        try:
            return await answer(asked)
        except aiohttp.ClientError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(_started(handle, recorder), loop).result(30)
    try:
        yield recorder
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


async def _started(handle: Callable[[web.Request], Awaitable[web.Response]], recorder: Recorder) -> web.AppRunner:
    app = web.Application(client_max_size=LARGEST)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    recorder.url = f"http://{host}:{port}"
    return runner
