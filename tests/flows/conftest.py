"""A deployed Catwalk: a Prefect server, a worker, accounts at the sandbox, a catalog of drawn SKUs; and vendors to work at."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalogs.samples import demo_catalog
from sandbox.server import RunningSandbox, running_sandbox
from sandbox.settings import SandboxSettings
from tests.flows.vendors import Vendors
from tests.prefect_server import PrefectServer, running_server, running_worker

POOL = "catwalk"
PICTURE_COLUMNS = ("top_garment", "bottom_garment", "person_image", "product_image")


@pytest.fixture(scope="session")
def sandbox() -> Generator[RunningSandbox]:
    """The simulated vendors: quick jobs, no rate limits, small pictures."""
    settings = SandboxSettings(job_seconds=0.3, limits="off", picture_size=256, draw_processes=1)
    with running_sandbox(settings) as running:
        yield running


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[PrefectServer]:
    """A Prefect server of this test session's own."""
    with running_server(tmp_path_factory.mktemp("prefect")) as server:
        yield server


@pytest.fixture(scope="session")
def deployed(prefect_server: PrefectServer) -> Generator[PrefectServer]:
    """The server with a work pool, the deployments of `deployments/prefect.yaml` and a process worker."""
    prefect_server.prefect("work-pool", "create", POOL, "--type", "process")
    prefect_server.prefect("deploy", "--all", "--prefect-file", "deployments/prefect.yaml")
    with running_worker(prefect_server, POOL):
        yield prefect_server


@pytest.fixture(scope="session")
def accounts(prefect_server: PrefectServer, sandbox: RunningSandbox) -> dict[str, str]:
    """A run's accounts, as blocks on the server; Claid's block `wrong` holds a key that is not accepted."""
    from prefect.settings import PREFECT_API_URL, temporary_settings  # noqa: PLC0415 - Prefect reads the environment

    from blocks import AILabToolsCredentials, ClaidCredentials  # noqa: PLC0415 - pulls in Prefect
    from blocks.account import Limits  # noqa: PLC0415 - pulls in Prefect

    fields = {"base_url": sandbox.url, "limits": Limits(requests_per_second=50), "poll_seconds": 0.2}
    with temporary_settings({PREFECT_API_URL: prefect_server.api_url}):
        for kind in (ClaidCredentials, AILabToolsCredentials):
            kind.model_validate({**fields, "api_key": "sandbox"}).save("sandbox")
        ClaidCredentials.model_validate({**fields, "api_key": "wrong"}).save("wrong")
    return {"claid": "sandbox", "ailabtools": "sandbox"}


@pytest.fixture(scope="session")
def charges(sandbox: RunningSandbox) -> Callable[[], list[dict[str, Any]]]:
    """Everything that the vendors have billed so far."""
    return lambda: httpx.get(f"{sandbox.url}/sandbox/charges", timeout=30, trust_env=False).raise_for_status().json()


@pytest.fixture(scope="session")
def write_catalog() -> Callable[..., Path]:
    """Writes the twelve drawn SKUs into a folder as `catalog.parquet`, with the given cells changed, by SKU."""

    def write(folder: Path, **changed: dict[str, str]) -> Path:
        rows = pq.read_table(demo_catalog()).to_pylist()
        for row in rows:
            row.update({name: str(demo_catalog().parent / row[name]) for name in PICTURE_COLUMNS if row[name]})
            row.update(changed.get(row["sku"].replace("-", "_"), {}))
        path = folder / "catalog.parquet"
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path

    return write


@pytest.fixture(scope="module")
def job_seconds() -> float:
    """How long jobs take at `vendors`; a module may have a fixture of its own for it."""
    return 0.05


@pytest.fixture(scope="module")
def _vendors(job_seconds: float) -> Generator[Vendors]:
    settings = SandboxSettings(job_seconds=job_seconds, limits="off", picture_size=128, draw_processes=1)
    with running_sandbox(settings) as running:
        yield Vendors(running.url)


@pytest.fixture
def vendors(_vendors: Vendors) -> Vendors:
    """A module's own vendors, who remember nothing of its other tests."""
    _vendors.forget()
    return _vendors
