"""A Prefect server for a benchmark, in a process of its own, with the settings that docs/architecture.md recommends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx

from deployments.cli.environment import DEFAULTS

__all__ = ["running_prefect"]

# A busy machine takes a minute to import it.
READY_SECONDS = 180


@contextmanager
def running_prefect(home: Path) -> Generator[str]:
    """Serve Prefect from a folder of its own; yields its API's address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port), "--no-ui"]
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            command, env=os.environ | DEFAULTS | {"PREFECT_HOME": str(home)}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_ready(f"{url}/health")
            yield url
        finally:
            server.terminate()
            server.wait(30)


def _wait_until_ready(url: str) -> None:
    give_up = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up:
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise TimeoutError(f"Prefect did not answer at {url} within {READY_SECONDS} s")
