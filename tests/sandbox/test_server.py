"""A sandbox as a process: it starts, says where, and leaves with whoever started it."""

from __future__ import annotations

import subprocess
import sys
import time

import httpx
import psutil
import pytest

from sandbox.server import running_sandbox
from sandbox.settings import SandboxSettings


def test_it_leaves_nothing_behind() -> None:
    """After the block neither the server nor its drawing processes are there."""
    with running_sandbox(SandboxSettings(draw_processes=1)) as running:
        server = psutil.Process(running.process.pid)
        family = [server, *server.children(recursive=True)]
        assert httpx.get(f"{running.url}/sandbox/state").is_success

    assert len(family) > 1
    _, alive = psutil.wait_procs(family, timeout=10)
    assert [] == alive


def test_a_killed_server_takes_its_drawing_processes_along() -> None:
    """The drawing processes end also when the server was killed."""
    with running_sandbox(SandboxSettings(draw_processes=1)) as running:
        family = psutil.Process(running.process.pid).children(recursive=True)
        running.process.kill()
        _, alive = psutil.wait_procs(family, timeout=10)

    assert family
    assert [] == alive


def test_command_line() -> None:
    """`python -m sandbox` serves with the options it is given, and stops when it is told to."""
    options = ["--port", "0", "--limits", "2.5", "--job-seconds", "0.5", "--picture-size", "64"]
    process = subprocess.Popen([sys.executable, "-m", "sandbox", *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("sandbox ready on ").strip().strip('"')
        reply = httpx.get(f"{url}/v1/image/ai-edit/1", headers={"authorization": "Bearer key"})
        process.terminate()
        process.wait(10)
    finally:
        process.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()

    assert "10, 300;w=60, 10;w=1" == reply.headers["ratelimit-limit"]


def test_a_sandbox_that_cannot_start(sandbox_url: str) -> None:
    """A taken port is an error at once, with what the sandbox said."""
    port = httpx.URL(sandbox_url).port
    started = time.monotonic()

    with pytest.raises(RuntimeError, match="did not start"), running_sandbox(port=port or 0):
        pass
    assert time.monotonic() - started < 20
