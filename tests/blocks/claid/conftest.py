from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.blocks.claid.vendor import RecordingClaid
from tests.blocks.vendor_server import serving


@pytest.fixture
async def claid() -> AsyncIterator[RecordingClaid]:
    """A Claid that records."""
    recording = RecordingClaid()
    async with serving(recording.handle) as recording.url:
        yield recording
