"""A real Prefect server with a process worker, as a team would run them, in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from deployments.cli.environment import DEFAULTS
from tests.s3_servers import free_port

__all__ = ["REPOSITORY", "PrefectServer", "environment_in", "eventually", "running_server", "running_worker"]

REPOSITORY = Path(__file__).parent.parent
START_SECONDS = 200.0
STOP_SECONDS = 20.0
COMMAND_SECONDS = 200.0
LOCKED = 503

SETTINGS = {
    **{name: value for name, value in DEFAULTS.items() if "LOGGING" not in name},
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_CLI_COLORS": "false",
}

FoundT = TypeVar("FoundT")


@dataclass(frozen=True)
class PrefectServer:
    """A running server; `api_url` is what its clients are told."""

    api_url: str
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to be a client of this server."""
        return environment_in(self.home) | {"PREFECT_API_URL": self.api_url}

    def prefect(self, *arguments: str) -> str:
        """Run the `prefect` command from the repository's root; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"prefect {' '.join(arguments)} ended with {done.returncode}: {done.stdout[-2000:]}")
        return done.stdout

    def get(self, path: str) -> Any:
        """Read one thing from the API."""
        return self._ask("GET", path).raise_for_status().json()

    def find(self, what: str, **filters: Any) -> list[Any]:
        """Everything of one kind that the API's filters let through."""
        return self._ask("POST", f"/{what}/filter", filters).raise_for_status().json()

    def post(self, path: str, body: Any) -> httpx.Response:
        """Ask for something that may be refused."""
        return self._ask("POST", path, body)

    def send(self, method: str, path: str, body: Any) -> httpx.Response:
        """Change something, by another method."""
        return self._ask(method, path, body)

    def _ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask as Prefect's own client does: again while the server's SQLite is locked."""

        def answer() -> httpx.Response | None:
            reply = httpx.request(method, f"{self.api_url}{path}", json=body, timeout=COMMAND_SECONDS, trust_env=False)
            return None if reply.status_code == LOCKED else reply

        return eventually(answer, f"an answer to {method} {path}", seconds=COMMAND_SECONDS)


def eventually(look: Callable[[], FoundT | None], what: str, *, seconds: float) -> FoundT:
    """Look again and again until there is something to see, or the time is up."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if (found := look()) is not None:
            return found
        time.sleep(0.3)
    raise TimeoutError(f"{what}: not within {seconds:g} s")


@contextmanager
def running_server(
    home: Path, *, host: str = "127.0.0.1", settings: Mapping[str, str] | None = None
) -> Generator[PrefectServer]:
    """Run a server on a free port for as long as the block lasts, with all that it keeps under `home`."""
    port = free_port(host)
    server = PrefectServer(f"http://{host}:{port}/api", home)
    command = ["server", "start", "--host", host, "--port", str(port)]
    # The UI's pages ask at port 4200 unless told otherwise.
    environment = {**environment_in(home), "PREFECT_UI_API_URL": server.api_url, **(settings or {})}
    with _running(command, home / "server.log", environment) as is_alive:
        eventually(lambda: _health(server, is_alive), "the Prefect server's start", seconds=START_SECONDS)
        yield server


@contextmanager
def running_worker(server: PrefectServer, pool: str) -> Generator[None]:
    """Run a process worker for as long as the block lasts."""
    command = ["worker", "start", "--pool", pool, "--type", "process"]
    with _running(command, server.home / "worker.log", server.environment):
        yield


@contextmanager
def _running(command: Sequence[str], log: Path, environment: dict[str, str]) -> Generator[Callable[[], bool]]:
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", *command],
            cwd=REPOSITORY,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield lambda: process.poll() is None
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)


def _health(server: PrefectServer, is_alive: Callable[[], bool]) -> bool | None:
    if not is_alive():
        raise RuntimeError(f"the Prefect server died: {(server.home / 'server.log').read_text()[-2000:]}")
    try:
        return server.get("/health") or None
    except httpx.HTTPError:
        return None


def environment_in(home: Path) -> dict[str, str]:
    """What any Prefect process gets that keeps to `home`."""
    return {**os.environ, **SETTINGS, "PREFECT_HOME": str(home)}
