"""`catwalk webhooks` as a process of its own, and deliveries to it."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.prefect_server import environment_in

__all__ = ["SECRET", "RunningReceiver", "delivery", "running_receiver", "signed"]

COMMAND = Path(__file__).parents[2] / ".venv" / "bin" / "catwalk"
SECRET = "KEEPSECRET-of-the-dashboard"
START_SECONDS = 200.0
STOP_SECONDS = 10.0


@dataclass
class RunningReceiver:
    """A receiver, where it answers, and what it has said so far."""

    url: str
    process: subprocess.Popen[str]

    def deliver(self, body: bytes, signature: str | None = None) -> httpx.Response:
        """Post a body as Claid would; signed, unless a signature is given."""
        headers = {"x-claid-hmac-sha256": signed(body) if signature is None else signature}
        return httpx.post(f"{self.url}/claid", content=body, headers=headers)

    def health(self) -> dict[str, Any]:
        """What it counts."""
        return httpx.get(f"{self.url}/health").raise_for_status().json()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)


def delivery(job_id: int, status: str = "DONE") -> bytes:
    """A delivery's body."""
    return json.dumps({"data": {"id": job_id, "status": status}}).encode()


def signed(body: bytes, secret: str = SECRET) -> str:
    """The digest that Claid signs a body with."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@contextmanager
def running_receiver(home: Path, port: int = 0) -> Generator[RunningReceiver]:
    """Run a receiver for as long as the block lasts; it has the secret, and no key."""
    process = subprocess.Popen(
        [COMMAND, "webhooks", "--port", str(port)],
        env={**environment_in(home), "CLAID_WEBHOOK_SECRET": SECRET},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield RunningReceiver(_address(process), process)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
        process.stdout.close()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said: list[str] = []
    give_up = threading.Timer(START_SECONDS, process.kill)
    give_up.start()
    try:
        while line := process.stdout.readline():
            said.append(line)
            if "CLAID_WEBHOOK_RECEIVER=" in line:
                return line.strip().rpartition("=")[2]
    finally:
        give_up.cancel()
    raise RuntimeError(f"the receiver did not start: {said}")
