from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from blocks.transport import close_client
from tests.blocks.claid.vendor import RecordingClaid


@pytest.fixture
async def claid() -> AsyncIterator[RecordingClaid]:
    """A Claid that records."""
    recording = RecordingClaid()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", recording.handle)
    async with TestServer(app) as server:
        recording.url = str(server.make_url("/")).rstrip("/")
        yield recording
        await close_client()
