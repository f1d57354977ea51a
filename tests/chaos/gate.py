"""A gate in front of an HTTP server: it counts what passes, holds back what it is told to, and can be shut."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import aiohttp
from aiohttp import web
from yarl import URL

from tests.s3_servers import free_port

__all__ = ["Gate", "Moment", "Passage", "Stop", "Turnstile", "running_gate"]

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
MOST_BYTES = 2**27
# What a caller does that is killed is no news.
SILENCE = logging.getLogger("tests.chaos.gate")
SILENCE.setLevel(logging.CRITICAL)
# Which connection a request takes is between neighbours; `Expect` is answered by the gate itself.
NEIGHBOURLY = frozenset({"connection", "expect", "keep-alive", "transfer-encoding"})

Moment = Literal["before", "half", "after"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A request at the gate; `number` counts them over all gates that share a count."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Stop:
    """
    Holds back the first passage that fits: before it is carried out, after, or when half of its answer is through.

    What is held is never carried on: its caller is killed meanwhile, or its connection is cut when the gate is shut.
    """

    fits: Callable[[Passage], bool]
    moment: Moment
    held: Passage | None = None
    reached: threading.Event = field(default_factory=threading.Event)

    def holds(self, passage: Passage, moment: Moment) -> bool:
        """Whether this passage stays here."""
        if self.moment != moment or self.held is not None or not self.fits(passage):
            return False
        self.held = passage
        self.reached.set()
        return True


class Turnstile:
    """Counts passages, over several gates if they share one, and knows the stop in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.passed = 0
        self.stop: Stop | None = None

    def number(self) -> int:
        """The next number."""
        with self._lock:
            self.passed += 1
            return self.passed

    def holds(self, passage: Passage, moment: Moment) -> bool:
        """Whether a passage stays here."""
        with self._lock:
            return self.stop is not None and self.stop.holds(passage, moment)

    @contextmanager
    def stopping(self, fits: Callable[[Passage], bool], moment: Moment) -> Generator[Stop]:
        """Hold back the first passage that fits."""
        self.stop = stop = Stop(fits, moment)
        try:
            yield stop
        finally:
            self.stop = None


class Gate:
    """Passes requests on to `upstream`, letter for letter; it runs in a thread of its own."""

    def __init__(self, upstream: str, turnstile: Turnstile | None = None) -> None:
        self.turnstile = turnstile or Turnstile()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._upstream = upstream
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._shutting = asyncio.Event()

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self._do(self._open_session())
        self.open()

    def open(self) -> None:
        """Listen, always on the same port."""
        self._do(self._listen())

    def shut(self) -> None:
        """Stop listening and drop every connection, as a server does that dies."""
        self._do(self._hang_up())

    def stop(self) -> None:
        """End."""
        self.shut()
        self._do(self._close_session())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)

    async def _open_session(self) -> None:
        # A connection of its own for each request: aiohttp repeats some that meet a dying one.
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        )

    async def _close_session(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _listen(self) -> None:
        self._shutting.clear()
        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, shutdown_timeout=0, access_log=None, logger=SILENCE)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=2048).start()

    async def _hang_up(self) -> None:
        self._shutting.set()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        passage = Passage(
            self.turnstile.number(), request.method, request.raw_path, dict(request.headers), await request.read()
        )
        await self._hold(request, passage, "before")
        try:
            status, headers, body = await self._carried_out(passage)
        except aiohttp.ClientError:
            _drop(request)
            raise
        await self._hold(request, passage, "after")
        return await self._answered(request, passage, status, headers, body)

    async def _hold(self, request: web.Request, passage: Passage, moment: Moment) -> None:
        if self.turnstile.holds(passage, moment):
            await self._shutting.wait()
            _drop(request)
            raise ConnectionAbortedError

    async def _carried_out(self, passage: Passage) -> tuple[int, list[tuple[str, str]], bytes]:
        assert self._session is not None
        headers = {name: value for name, value in passage.headers.items() if name.lower() not in NEIGHBOURLY}
        async with self._session.request(
            passage.method,
            URL(self._upstream + passage.path, encoded=True),
            headers=headers,
            data=passage.body or None,
            allow_redirects=False,
            skip_auto_headers=("content-type", "user-agent", "accept", "accept-encoding"),
        ) as reply:
            kept = [(name, value) for name, value in reply.headers.items() if name.lower() not in NEIGHBOURLY]
            return reply.status, kept, await reply.read()

    async def _answered(
        self, request: web.Request, passage: Passage, status: int, headers: list[tuple[str, str]], body: bytes
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(request)
        half = len(body) // 2
        await response.write(body[:half])
        await self._hold(request, passage, "half")
        await response.write(body[half:])
        await response.write_eof()
        return response


def _drop(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


@contextmanager
def running_gate(upstream: str, turnstile: Turnstile | None = None) -> Generator[Gate]:
    """Keep a gate for as long as the block lasts."""
    gate = Gate(upstream, turnstile)
    gate.start()
    try:
        yield gate
    finally:
        gate.stop()
