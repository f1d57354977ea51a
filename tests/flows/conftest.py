"""A Prefect server with a worker, and the sandbox that the runs on it pay."""

from __future__ import annotations

from collections.abc import Generator

import httpx
import pytest

from sandbox.server import RunningSandbox, running_sandbox
from sandbox.settings import SandboxSettings
from tests.prefect_server import PrefectServer, running_server, running_worker

POOL = "catwalk"


@pytest.fixture(scope="session")
def sandbox() -> Generator[RunningSandbox]:
    """The simulated vendors: quick jobs, no rate limits, small pictures."""
    settings = SandboxSettings(job_seconds=0.3, limits="off", picture_size=256, draw_processes=1)
    with running_sandbox(settings) as running:
        yield running


@pytest.fixture
def charges(sandbox: RunningSandbox) -> SandboxCharges:
    """What the vendors bill from here on."""
    httpx.post(f"{sandbox.url}/sandbox/reset", timeout=30, trust_env=False).raise_for_status()
    return SandboxCharges(sandbox.url)


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[PrefectServer]:
    """A Prefect server of this test session's own."""
    with running_server(tmp_path_factory.mktemp("prefect")) as server:
        yield server


@pytest.fixture(scope="session")
def deployed(prefect_server: PrefectServer) -> Generator[PrefectServer]:
    """The server with the work pool, the deployments of `deployments/prefect.yaml` and a process worker."""
    prefect_server.prefect("work-pool", "create", POOL, "--type", "process")
    prefect_server.prefect("deploy", "--all", "--prefect-file", "deployments/prefect.yaml")
    with running_worker(prefect_server, POOL):
        yield prefect_server
