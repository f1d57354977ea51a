"""A night on four machines: one is killed, one is cut off for half a minute, and every picture arrives, paid once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from sandbox.server import RunningSandbox, running_sandbox
from sandbox.settings import SandboxSettings
from tests.machines.books import Books
from tests.machines.network import Machine, missing_means, running_network
from tests.machines.postgres import missing_postgres, running_postgres
from tests.prefect_server import REPOSITORY, PrefectServer, eventually, running_server
from tests.s3_servers import S3Server, running_moto

MISSING = missing_means() or missing_postgres()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.machines,
    pytest.mark.timeout(2600),
    pytest.mark.skipif(MISSING is not None, reason=str(MISSING)),
]

ITEMS = int(os.environ.get("CATWALK_MACHINES_ITEMS", "3000"))
COMMAND = Path(sys.executable).with_name("catwalk")
STAGES = 3
SHARDS = 6
JOB_SECONDS = 2.0
CUT_SECONDS = 30.0
RUN_SECONDS = 1200.0
NIGHT = """
import asyncio, sys
from flows.parameters import CatalogRun
from flows.process_catalog import process_catalog
asyncio.run(process_catalog(CatalogRun.model_validate_json(sys.argv[1])))
"""
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
    catalog: Path

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

    def begin_night(self, output: str) -> subprocess.Popen[bytes]:
        """Start the whole catalog's run on the first machine."""
        request = {
            "catalog": {"uri": str(self.catalog)},
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
        return self._started("night", sys.executable, "-c", NIGHT, json.dumps(request))

    def begin_retry(self, output: str) -> subprocess.Popen[bytes]:
        """Start what an operator types once the vendors' own lists were looked at."""
        return self._started("retry", str(COMMAND), "retry", output, "unknown")

    def _started(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"{name}.log"
        return self.machines[0].start(command, log, self.environment, REPOSITORY)

    def wait_for(self, process: subprocess.Popen[bytes], name: str) -> None:
        """Wait for the process to end well."""
        code = process.wait(RUN_SECONDS)
        assert 0 == code, (self.folder / f"{name}.log").read_text()[-3000:]

    def accepted(self) -> int:
        """How many jobs the vendors have accepted so far."""
        return sum(int(sums["accepted"]) for sums in self._told("state")["charges"].values())

    def books(self, output: str) -> Books:
        """Manifest and charges as they stand."""
        local = self.folder / "manifest.parquet"
        bucket, _, prefix = output.removeprefix("s3://").partition("/")
        self.s3.download(bucket, f"{prefix}/manifest.parquet", local)
        return Books(pq.read_table(local).to_pylist(), self._told("charges"))

    def _told(self, what: str) -> Any:
        return httpx.get(f"{self.sandbox.url}/sandbox/{what}", timeout=60, trust_env=False).raise_for_status().json()

    def shard_lines(self, killed_at: datetime) -> list[str]:
        """Each flow run of a shard, told from the moment of the kill."""
        runs = self.server.find("flow_runs", flows={"name": {"any_": ["process-shard"]}}, sort="START_TIME_ASC")
        return [
            f"  {run['name'].partition(' ')[2]}: began {_after(killed_at, run['start_time'])}, "
            f"{run['state']['name']} {_after(killed_at, run['state']['timestamp'])}"
            for run in runs
        ]

    def works_on(self, number: int) -> bool | None:
        """Whether a shard is running on that machine; None if not."""
        runs = self.server.find("flow_runs", flows={"name": {"any_": ["process-shard"]}})
        log = (self.folder / f"machine-{number}" / "log").read_text()
        return any(run["state"]["type"] == "RUNNING" and run["name"] in log for run in runs) or None


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """PostgreSQL, Prefect's server, an S3 store and the vendors on a hub; four machines around it."""
    from benchmarks.main_job import make_catalog  # noqa: PLC0415 - it imports Prefect

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
        yield Site(server, sandbox, s3, network.machines, folder, make_catalog(folder, ITEMS))


def _after(moment: datetime, told: str) -> str:
    return f"{(datetime.fromisoformat(told) - moment).total_seconds():+.0f} s"


def test_a_night_on_many_machines_delivers_everything_and_pays_once(site: Site) -> None:
    """
    One worker's machine is killed and another's network is cut for 30 s in the midst of the work.

    Whatever reply the killed machine would have heard is unknown, and not sent again until an operator says so.
    """
    output = f"s3://{site.s3.new_bucket()}/shop"
    for number in (1, 2, 3):
        site.start_worker(number)
    began = time.monotonic()
    night = site.begin_night(output)
    for number in (2, 3):
        eventually(lambda number=number: site.works_on(number), f"work on machine {number}", seconds=180)
    eventually(lambda: site.accepted() > ITEMS or None, "a third of the work", seconds=RUN_SECONDS)
    killed_at = datetime.now(UTC)
    killed = site.machines[2].kill()
    site.machines[3].unplug()
    time.sleep(CUT_SECONDS)
    site.machines[3].plug_in()
    site.wait_for(night, "night")
    ended = time.monotonic()
    after_night = site.books(output)
    if after_night.those("unknown"):
        site.wait_for(site.begin_retry(output), "retry")
    delivered = site.books(output)

    print(f"\n{ITEMS} items, {killed} processes killed; the night took {ended - began:.0f} s")
    print(
        "\n".join([*after_night.lines(), f"`catwalk retry` took {time.monotonic() - ended:.0f} s", *delivered.lines()])
    )
    print("\n".join(site.shard_lines(killed_at)))
    ordered = {row["unit_key"] for status in ("unknown", "blocked") for row in after_night.those(status)}
    assert ITEMS * STAGES == after_night.statuses.total()
    assert {"done", "unknown", "blocked"} >= after_night.statuses.keys()
    assert {1} == set(after_night.digests.values())
    assert [] == [row["sku"] for row in after_night.those("done") if len(after_night.charges_of(row)) != 1]

    assert {"done": ITEMS * STAGES} == dict(delivered.statuses)
    assert ITEMS * STAGES == len(delivered.digests)
    assert [] == [row["sku"] for row in delivered.rows if len(delivered.charges_of(row)) != 1]
    assert len(ordered) == len(delivered.charges) - len(after_night.charges)
    # What was charged twice is what the operator ordered again after its first reply was lost.
    again = {
        charge["digest"] for row in delivered.rows if row["unit_key"] in ordered for charge in delivered.charges_of(row)
    }
    lost = [charge["digest"] for charge in delivered.lost()]
    assert lost == [charge["digest"] for charge in after_night.lost()]
    assert sorted(lost) == sorted(digest for digest, count in delivered.digests.items() if count > 1)
    assert set(lost) <= again
