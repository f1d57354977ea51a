"""Vendors, storage and a worker for runs that are killed."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from blocks.storage import ObjectStorage
from sandbox.server import RunningSandbox, running_sandbox
from sandbox.settings import SandboxSettings
from tests.chaos.gate import Gate, running_gate
from tests.chaos.lives import Nursery, running_nursery
from tests.chaos.scene import Scene, s3_keys
from tests.s3_servers import S3Server

SETTINGS = SandboxSettings(job_seconds=0.1, limits="off", picture_size=96, draw_processes=1)


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Generator[Nursery]:
    """Where lives begin."""
    with running_nursery(tmp_path_factory.mktemp("worker") / "errors.txt") as nursery:
        yield nursery


@pytest.fixture(scope="session")
def sandbox() -> Generator[RunningSandbox]:
    """The simulated vendors."""
    with running_sandbox(SETTINGS) as running:
        yield running


@pytest.fixture(scope="session")
def vendors(sandbox: RunningSandbox) -> Generator[Gate]:
    """The vendors, behind a gate."""
    with running_gate(sandbox.url) as gate:
        yield gate


@pytest.fixture(scope="session")
def bucket(moto: S3Server, vendors: Gate) -> Generator[Gate]:
    """An S3 server behind a gate that shares the vendors' count."""
    with running_gate(moto.endpoint_url, vendors.turnstile) as gate:
        yield gate


@pytest.fixture
def scene_on_s3(nursery: Nursery, vendors: Gate, bucket: Gate, moto: S3Server, tmp_path: Path) -> Callable[..., Scene]:
    """Sets a scene whose every request, to vendors and storage, passes a gate."""

    def set_scene(items: int = 1, **fields: Any) -> Scene:
        server = S3Server(bucket.url, moto.access_key_id, moto.secret_access_key)
        root = f"s3://{moto.new_bucket()}/out"
        storage = ObjectStorage.model_validate({"root": root, **server.credentials})
        return Scene(nursery, tmp_path, vendors.url, storage, items, storage_keys=s3_keys(server), **fields)

    return set_scene


@pytest.fixture
def scene_on_disk(nursery: Nursery, vendors: Gate, tmp_path: Path) -> Callable[..., Scene]:
    """Sets a scene whose output is a folder."""

    def set_scene(items: int = 1, **fields: Any) -> Scene:
        storage = ObjectStorage.from_uri(str(tmp_path / "output"))
        return Scene(nursery, tmp_path, vendors.url, storage, items, **fields)

    return set_scene


@pytest.fixture(autouse=True)
def _quiet(vendors: Gate) -> None:
    vendors.turnstile.stop = None
