"""S3 servers for tests: what the fixtures `moto` and `ceph` hand out, and how moto is started."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import httpx

if TYPE_CHECKING:
    from blocks.storage import ObjectStorage

__all__ = ["S3Server", "free_port", "running_moto", "wait_until_it_answers"]

START_SECONDS = 200.0
# Below those that the kernel gives to whoever connects: a server may start on its port later, and again.
# In an order of each process's own, so that tests side by side do not choose the same.
_PORTS = iter(random.Random().sample(range(11_000, 32_000), 21_000))


@dataclass(frozen=True)
class S3Server:
    """A running S3 server and a key to it."""

    endpoint_url: str
    access_key_id: str
    secret_access_key: str

    def storage(self, prefix: str = "", **fields: Any) -> ObjectStorage:
        """Storage in a new bucket of this server."""
        from blocks.storage import ObjectStorage  # noqa: PLC0415 - pulls in Prefect, which reads the environment

        root = f"s3://{self.new_bucket()}/{prefix}"
        return ObjectStorage.model_validate({"root": root, **self.credentials, **fields})

    def new_bucket(self) -> str:
        """Make a bucket that no other test uses."""
        name = f"catwalk-{uuid4().hex}"
        self._client.create_bucket(Bucket=name)
        return name

    def download(self, bucket: str, key: str, target: Path) -> None:
        """Fetch an object without any code of ours."""
        self._client.download_file(bucket, key, str(target))

    @property
    def credentials(self) -> dict[str, Any]:
        """The fields of a storage block that lead to this server."""
        return {
            "endpoint_url": self.endpoint_url,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
        }

    @cached_property
    def _client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            region_name="us-east-1",
        )


def free_port(host: str = "127.0.0.1") -> int:
    """A port of that interface, the loopback's unless named, on which nothing listens, each time another."""
    for port in _PORTS:
        with socket() as probe, suppress(OSError):
            probe.bind((host, port))
            return port
    raise RuntimeError("no port is left")


def wait_until_it_answers(url: str, is_alive: Callable[[], bool]) -> None:
    """Wait for a server that is starting, unless it dies."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and is_alive():
        try:
            httpx.get(url, timeout=5, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nothing answers at {url}")


@contextmanager
def running_moto(host: str = "127.0.0.1") -> Generator[S3Server]:
    """Run moto's server in a process of its own; it keeps everything in memory and checks no signature."""
    port = free_port(host)
    command = [sys.executable, "-m", "moto.server", "-H", host, "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        endpoint = f"http://{host}:{port}"
        wait_until_it_answers(endpoint, lambda: process.poll() is None)
        yield S3Server(endpoint, "moto-key", "moto-secret")
    finally:
        process.kill()
        process.wait()
