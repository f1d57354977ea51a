"""Serves the receiver, with bounds that uvicorn leaves open: connections, and the size and time of a request's head."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from deployments.webhooks.receiver import Receiver

__all__ = ["serve"]

CONNECTIONS = 500
HEAD_SECONDS = 10.0
LARGEST_HEAD = 64 * 1024
STOP_SECONDS = 2


class _BoundedProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, for a server that anybody may find."""

    _head_timer: asyncio.TimerHandle | None = None
    _received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            transport.abort()
        else:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take bytes: as many as the application asks for, but only so many of a head."""
        self._received += len(data)
        super().data_received(data)
        if self._head_timer is not None and self._received > LARGEST_HEAD:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        """Go on to the body; whoever takes it has bounds for it."""
        self._end_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of a connection."""
        self._end_timer()
        super().connection_lost(exc)

    def _end_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, receiver: Receiver, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._receiver = receiver
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer the runs that wait, then stop."""
        self._receiver.board.close()
        await super().shutdown(sockets)


def serve(receiver: Receiver, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve on a socket that is bound already, until the process is asked to stop."""
    config = uvicorn.Config(
        receiver.app,
        http=_BoundedProtocol,
        ws="none",
        lifespan="off",
        # One request a connection: deliveries are rare, and a head's deadline then needs setting once.
        headers=[("connection", "close")],
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="critical",
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    _Server(config, receiver, on_ready).run(sockets=[listener])
