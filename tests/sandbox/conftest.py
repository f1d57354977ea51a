"""A sandbox on a socket for all tests of this folder."""

from __future__ import annotations

from collections.abc import Generator

import httpx
import pytest

from sandbox.server import running_sandbox
from sandbox.settings import SandboxSettings
from tests.sandbox.caller import Caller


@pytest.fixture(scope="session")
def sandbox_url() -> Generator[str]:
    """A sandbox in a process of its own."""
    with running_sandbox(SandboxSettings(job_seconds=0.05, limits="off", picture_size=160)) as running:
        yield running.url


@pytest.fixture
def caller(sandbox_url: str) -> Generator[Caller]:
    """A caller at a sandbox where nothing has happened yet."""
    with httpx.Client(base_url=sandbox_url, timeout=60) as http:
        http.post("/sandbox/reset").raise_for_status()
        yield Caller(http)
