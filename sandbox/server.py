"""Serves a sandbox over loopback: in this process, or in one of its own for tests and benchmarks."""

from __future__ import annotations

import gc
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.app import create_app
from sandbox.misbehaviour import CUT
from sandbox.settings import SandboxSettings
from sandbox.state import Sandbox

__all__ = ["RunningSandbox", "running_sandbox", "serve"]

READY_SECONDS = 30.0
STOP_SECONDS = 10.0
READY = "sandbox ready on "


class _CuttableProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, which also offers the application to drop the connection."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        abort: Callable[[], None] = self.transport.abort
        self.scope["extensions"] = cast("dict[str, dict[object, object]]", {CUT: abort})


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def serve(
    settings: SandboxSettings,
    port: int,
    host: str = "127.0.0.1",
    *,
    on_ready: Callable[[str], None] | None = None,
    until_stdin_closes: bool = False,
) -> None:
    """
    Serve a sandbox until the process is asked to stop.

    `port` 0 takes a free one; `on_ready` is told the address once it answers.
    """
    listener = socket.create_server((host, port), backlog=2048)
    url = f"http://{host}:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        create_app(Sandbox(settings)),
        http=_CuttableProtocol,
        loop="uvloop",
        ws="none",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
        # Longer than clients keep idle connections, so that they never meet one that is just closing.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    # Tens of thousands of jobs and charges stay for a day: looking through them for garbage so often takes time.
    gc.set_threshold(50_000, 20, 100)
    server = _Server(config, lambda: on_ready(url) if on_ready else None)
    if until_stdin_closes:
        threading.Thread(target=_stop_after_stdin, args=(server,), daemon=True).start()
    server.run(sockets=[listener])


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox in a process of its own."""

    url: str
    process: subprocess.Popen[str]

    def stop(self) -> None:
        """End it; it is gone when this returns."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def running_sandbox(
    settings: SandboxSettings | None = None, port: int = 0, *, host: str = "127.0.0.1"
) -> Generator[RunningSandbox]:
    """Run a sandbox in a process of its own, on a free port unless one is given, for as long as the block lasts."""
    running = _start(settings or SandboxSettings(), host, port)
    try:
        yield running
    finally:
        running.stop()


def _start(settings: SandboxSettings, host: str, port: int) -> RunningSandbox:
    command = [sys.executable, "-m", "sandbox", "--host", host, "--port", str(port), "--until-stdin-closes"]
    # The package must be found from any directory, also where it is not installed.
    paths = [str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [*command, "--settings", settings.model_dump_json()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C is for whoever started it, who then stops it.
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)},
    )
    return RunningSandbox(_address(process), process)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None  # noqa: S101 - it was asked for as a pipe
    ready, _, _ = select.select([process.stdout], [], [], READY_SECONDS)
    line = process.stdout.readline() if ready else ""
    if not line.startswith(READY):
        process.kill()
        process.wait(STOP_SECONDS)
        raise RuntimeError(f"The sandbox did not start within {READY_SECONDS:.0f} s; it said {line!r}.")
    return json.loads(line.removeprefix(READY))


def _stop_after_stdin(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True
