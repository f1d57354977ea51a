"""A Prefect server that can be killed and started again, with its database kept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.prefect_server import REPOSITORY, PrefectServer, environment_in, eventually
from tests.s3_servers import free_port

__all__ = ["MortalServer", "running_mortal_server"]

START_SECONDS = 200.0


class MortalServer:
    """A server in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.client = PrefectServer(f"http://127.0.0.1:{self.port}/api", home)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        with (self.client.home / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                command, cwd=REPOSITORY, env=environment_in(self.client.home), stdout=log, stderr=log
            )
        eventually(self._healthy, "the Prefect server's start", seconds=START_SECONDS)

    def kill(self) -> None:
        """End it without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _healthy(self) -> bool | None:
        try:
            return httpx.get(f"{self.client.api_url}/health", timeout=5, trust_env=False).is_success or None
        except httpx.TransportError:
            return None


@contextmanager
def running_mortal_server(home: Path) -> Generator[MortalServer]:
    """Run a server for as long as the block lasts, or until it is killed."""
    server = MortalServer(home)
    try:
        server.start()
        yield server
    finally:
        server.kill()
