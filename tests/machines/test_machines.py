"""A night on four machines: one is killed, one is cut off for half a minute, and every picture arrives, paid once."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from sandbox.server import RunningSandbox, running_sandbox
from sandbox.settings import SandboxSettings
from tests.machines.network import Machine, missing_means, running_network
from tests.machines.postgres import missing_postgres, running_postgres
from tests.prefect_server import REPOSITORY, PrefectServer, eventually, running_server
from tests.s3_servers import S3Server, running_moto

MISSING = missing_means() or missing_postgres()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.machines,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(MISSING is not None, reason=str(MISSING)),
]

ITEMS = int(os.environ.get("CATWALK_MACHINES_ITEMS", "3000"))
STAGES = 3
SHARDS = 6
JOB_SECONDS = 2.0
CUT_SECONDS = 30.0
RUN_SECONDS = 1200.0
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
RECIPE = {
    "name": "machines",
    "stages": [
        {"name": "model", "operation": "claid.fashion_models", "options": {"aspect_ratio": "3:4"}},
        {"name": "refine", "operation": "ailabtools.try_on_refiner"},
        {"name": "scene", "operation": "claid.scene", "options": {"scene": {"model": "v2", "prompt": "{prompt}"}}},
    ],
}


@dataclass(frozen=True)
class Site:
    """The servers on the hub, and the machines: the first plans and publishes, the others have a worker each."""

    server: PrefectServer
    sandbox: RunningSandbox
    s3: S3Server
    machines: tuple[Machine, ...]
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a worker's machine is set up with."""
        limits = json.dumps({"generations_per_second": 60, "jobs_in_flight": 1500})
        found = self.server.environment | {
            "AWS_ENDPOINT_URL": self.s3.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.s3.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.s3.secret_access_key,
            "AWS_REGION": "us-east-1",
        }
        for vendor in ("CLAID", "AILABTOOLS"):
            found |= {f"{vendor}_API_KEY": "sandbox", f"{vendor}_BASE_URL": self.sandbox.url}
            # What a killed machine was about to send is given up as unknown that much sooner.
            found[f"{vendor}_TIMEOUTS"] = json.dumps({"reply": 60, "claim_grace": 120})
            found |= {f"{vendor}_LIMITS": limits, f"{vendor}_SHARED_LIMIT": f"machines-{vendor.lower()}"}
        return found

    def start_worker(self, number: int) -> None:
        """Start a machine's worker, with a home of its own."""
        home = self.folder / f"machine-{number}"
        home.mkdir()
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "machines", "--limit", "1"]
        environment = self.environment | {"PREFECT_HOME": str(home)}
        self.machines[number].start([*command, "--name", f"machine-{number}"], home / "log", environment, REPOSITORY)

    def charges(self) -> list[dict[str, Any]]:
        """What the vendors accepted."""
        return httpx.get(f"{self.sandbox.url}/sandbox/charges", timeout=60, trust_env=False).raise_for_status().json()

    def works_on(self, number: int) -> bool | None:
        """Whether a shard is running on that machine; None if not."""
        runs = self.server.find("flow_runs", flows={"name": {"any_": ["process-shard"]}})
        log = (self.folder / f"machine-{number}" / "log").read_text()
        return any(run["state"]["type"] == "RUNNING" and run["name"] in log for run in runs) or None


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """PostgreSQL, Prefect's server, an S3 store and the vendors on a hub; four machines around it."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "prefect").mkdir()
    sandbox_settings = SandboxSettings(job_seconds=JOB_SECONDS, limits="off", picture_size=256, drawing="quick")
    with ExitStack() as open_:
        network = open_.enter_context(running_network(4))
        open_.enter_context(network.hub.entered())
        database = {"PREFECT_API_DATABASE_CONNECTION_URL": open_.enter_context(running_postgres())}
        host = network.hub.address
        server = open_.enter_context(running_server(folder / "prefect", host=host, settings=database))
        sandbox = open_.enter_context(running_sandbox(sandbox_settings, host=host))
        s3 = open_.enter_context(running_moto(host))
        server.prefect("work-pool", "create", "machines", "--type", "process")
        deploy = ["deploy", "flows/process_shard.py:process_shard", "--name", "machines", "--pool", "machines"]
        server.prefect(*deploy)
        yield Site(server, sandbox, s3, network.machines, folder)


def test_a_night_on_many_machines_delivers_everything_and_pays_once(site: Site) -> None:
    """One worker's machine is killed and another's network is cut for 30 s in the midst of the work."""
    from benchmarks.main_job import make_catalog  # noqa: PLC0415 - it imports Prefect

    output = f"s3://{site.s3.new_bucket()}/shop"
    request = {
        "catalog": {"uri": str(make_catalog(site.folder, ITEMS))},
        "recipe": RECIPE,
        "output": output,
        "gallery_items": 0,
        "scale_out": {
            "deployment": "process-shard/machines",
            "shard_items": -(-ITEMS // SHARDS),
            "at_once": 3,
            "silent_seconds": 60,
        },
    }
    for number in (1, 2, 3):
        site.start_worker(number)
    began = time.monotonic()
    code = (
        "import asyncio, sys; from flows.parameters import CatalogRun; "
        "from flows.process_catalog import process_catalog; "
        "asyncio.run(process_catalog(CatalogRun.model_validate_json(sys.argv[1])))"
    )
    night = site.machines[0].start(
        [sys.executable, "-c", code, json.dumps(request)], site.folder / "night.log", site.environment, REPOSITORY
    )
    for number in (2, 3):
        eventually(lambda number=number: site.works_on(number), f"work on machine {number}", seconds=180)
    eventually(lambda: len(site.charges()) > ITEMS or None, "a third of the work", seconds=RUN_SECONDS)
    killed = site.machines[2].kill()
    site.machines[3].unplug()
    time.sleep(CUT_SECONDS)
    site.machines[3].plug_in()

    assert 0 == night.wait(RUN_SECONDS), (site.folder / "night.log").read_text()[-3000:]
    seconds = time.monotonic() - began
    statuses = manifest_statuses(site, output)
    charges = site.charges()
    print(f"{ITEMS} items in {seconds:.0f} s, {killed} processes killed: {dict(statuses)}, {len(charges)} charges")
    assert ITEMS * STAGES == statuses.total()
    assert ITEMS * STAGES == statuses["done"] + statuses["unknown"] + statuses["blocked"]
    assert [] == [digest for digest, count in Counter(charge["digest"] for charge in charges).items() if count > 1]
    assert len(charges) <= statuses["done"] + statuses["unknown"]


def manifest_statuses(site: Site, output: str) -> Counter[str]:
    """How many units ended how."""
    local = site.folder / "manifest.parquet"
    bucket, _, prefix = output.removeprefix("s3://").partition("/")
    site.s3.download(bucket, f"{prefix}/manifest.parquet", local)
    return Counter(str(row["status"]) for row in pq.read_table(local, columns=["status"]).to_pylist())
