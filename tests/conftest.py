"""What all tests share: an environment without secrets or proxies, and S3 servers of their own."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.ceph.cluster import CephCluster, missing_programs
from tests.s3_servers import S3Server, running_moto

DROPPED_PREFIXES = ("AWS_", "PREFECT_API_")
DROPPED_SUFFIXES = ("_API_KEY", "_PROXY")
COMPILED = Path(__file__).parent.parent / ".pytest_cache" / "compiled"
FENCE = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}

# A verdict is the code's, not the day's or the machine's: the same examples each time, however long each takes.
# `--hypothesis-profile=search` looks for others.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", _UNTIMED)
settings.register_profile("steady", _UNTIMED, derandomize=True)
settings.load_profile("steady")


def pytest_configure() -> None:
    """Let nothing of the developer's environment reach a test; Prefect reads it as soon as it is imported."""
    for name in tuple(os.environ):
        if name.upper().startswith(DROPPED_PREFIXES) or name.upper().endswith(DROPPED_SUFFIXES):
            del os.environ[name]
    os.environ.update(FENCE)
    if sys.dont_write_bytecode:
        _keep_compiled_modules()
    # A shell's job in the background ignores Ctrl-C, and so would all that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _keep_compiled_modules() -> None:
    """Without them each of the many processes would spend seconds on Prefect's anew."""
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(COMPILED)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(COMPILED)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a suite's fixture as that suite's."""
    for item in items:
        names: tuple[str, ...] = getattr(item, "fixturenames", ())
        if "ceph" in names or "ceph_cluster" in names:
            item.add_marker(pytest.mark.ceph)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where CI says that a suite must run (`CATWALK_REQUIRED_SUITES`), a skip in it is a failure."""
    report = yield
    required = os.environ.get("CATWALK_REQUIRED_SUITES", "").split()
    if report.skipped and not hasattr(report, "wasxfail") and any(item.get_closest_marker(name) for name in required):
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def moto() -> Generator[S3Server]:
    """An S3 server that knows every conditional write and checks no key: `moto.endpoint_url`, `moto.storage()`."""
    with running_moto() as server:
        yield server


@pytest.fixture(scope="session")
def ceph_cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[CephCluster]:
    """A Ceph cluster, or a skipped test that says what to install."""
    if reason := missing_programs():
        pytest.skip(reason)
    cluster = CephCluster(tmp_path_factory.mktemp("ceph"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(cluster.folder)


@pytest.fixture(scope="session")
def ceph(ceph_cluster: CephCluster) -> S3Server:
    """Ceph's S3 gateway: it checks keys and keeps what it has acknowledged."""
    return ceph_cluster.server


@pytest.fixture
async def closed_client() -> AsyncGenerator[None]:
    """What a test opens to vendors and web servers is closed after it."""
    from blocks.transport import close_client  # noqa: PLC0415 - pulls in Prefect

    yield
    await close_client()
