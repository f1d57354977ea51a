"""A real server on this machine that answers as one handler says."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image

from blocks.transport import close_client

CONTRACTS = Path(__file__).parent / "contracts"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncGenerator[str]:
    """Answer every path with the handler; gives the server's address, and closes the client afterwards."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", handler)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await close_client()
        await server.close()


def contract(name: str) -> bytes:
    """A vendor's documented answer, such as `vmake/success`."""
    return (CONTRACTS / f"{name}.json").read_bytes()


def documented(name: str, status: int = 200) -> Handler:
    """Answer everything with a documented body."""
    return said(contract(name), status)


def said(body: bytes, status: int = 200, **headers: str) -> Handler:
    """Answer everything with these bytes."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, status=status, headers=headers, content_type="application/json")

    return handler


def png(size: int = 200) -> bytes:
    """A picture that every vendor takes."""
    buffer = BytesIO()
    Image.effect_noise((size, size), 50).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()
