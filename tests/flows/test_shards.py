"""Runs spread over a deployment's workers: real server, real worker processes, charges counted by the sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sandbox.server import RunningSandbox
from tests.prefect_server import REPOSITORY, PrefectServer, eventually
from tests.run_process import run_command

pytestmark = pytest.mark.server

RUN_SECONDS = 240.0
START_SECONDS = 120.0
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
# The first six drawn SKUs in three shards, two of them worked through at one time.
SHARDS = 3
SCALE_OUT = {"shard_items": 2, "at_once": 2, "silent_seconds": 60, "start_seconds": 120}
UNITS = 18

Billed = list[dict[str, Any]]


@dataclass
class Night:
    """A run of six SKUs in three shards, asked for over the API or as a process of its own."""

    server: PrefectServer
    request: dict[str, Any]
    output: Path
    charges: Callable[[], Billed]
    billed_before: int

    def order(self) -> str:
        """Ask the deployment for the run; its id."""
        deployment = self.server.get("/deployments/name/process-catalog/catalog")["id"]
        body = {"parameters": {"run": self.request}, "state": {"type": "SCHEDULED"}}
        return self.server.post(f"/deployments/{deployment}/create_flow_run", body).raise_for_status().json()["id"]

    def begin_here(self) -> subprocess.Popen[bytes]:
        """Run it in a process that can be killed."""
        return subprocess.Popen(run_command(self.request), cwd=REPOSITORY, env=self.server.environment)

    def state(self, flow_run: str) -> dict[str, Any]:
        """Where a flow run stands."""
        return self.server.get(f"/flow_runs/{flow_run}")["state"]

    def ended(self, flow_run: str) -> dict[str, Any]:
        """Its state, once it is final."""
        eventually(lambda: self.state(flow_run)["type"] in ENDED or None, "the run's end", seconds=RUN_SECONDS)
        return self.state(flow_run)

    def shards(self) -> list[dict[str, Any]]:
        """The flow runs that worked on this output's shards."""
        runs = self.server.find("flow_runs", flows={"name": {"any_": ["process-shard"]}})
        return [run for run in runs if run["parameters"]["shard"]["output"] == str(self.output)]

    def running_shard(self) -> dict[str, Any]:
        """A shard's flow run with paid work behind it."""

        def found() -> dict[str, Any] | None:
            at_work = [run for run in self.shards() if run["state"]["type"] == "RUNNING" and run["infrastructure_pid"]]
            return at_work[0] if at_work and len(self.charges()) > self.billed_before else None

        return eventually(found, "a shard at work", seconds=START_SECONDS)

    def delivered(self) -> Counter[str]:
        """The manifest's statuses."""
        return Counter(row["status"] for row in pq.read_table(self.output / "manifest.parquet").to_pylist())

    def billed(self) -> int:
        """Accepted paid calls of this night."""
        return sum(charge["billed"] for charge in self.charges()[self.billed_before :])


@pytest.fixture(scope="module")
def shared_accounts(prefect_server: PrefectServer, sandbox: RunningSandbox) -> dict[str, str]:
    """Accounts whose few calls a second all processes share."""
    from prefect.settings import PREFECT_API_URL, temporary_settings  # noqa: PLC0415 - Prefect reads the environment

    from blocks import AILabToolsCredentials, ClaidCredentials  # noqa: PLC0415 - pulls in Prefect
    from blocks.account import Limits  # noqa: PLC0415 - pulls in Prefect

    with temporary_settings({PREFECT_API_URL: prefect_server.api_url}):
        for kind in (ClaidCredentials, AILabToolsCredentials):
            fields = {"base_url": sandbox.url, "api_key": "sandbox", "limits": Limits(requests_per_second=4)}
            kind.model_validate(fields | {"shared_limit": f"shards-{kind.vendor}", "poll_seconds": 0.5}).save("shared")
    return {"claid": "shared", "ailabtools": "shared"}


@pytest.fixture
def night(
    deployed: PrefectServer,
    shared_accounts: dict[str, str],
    charges: Callable[[], Billed],
    write_catalog: Callable[..., Path],
    tmp_path: Path,
) -> Night:
    """An output of its own."""
    request: dict[str, Any] = {
        "catalog": {"uri": str(write_catalog(tmp_path))},
        "output": str(tmp_path / "output"),
        "selection": {"limit": SHARDS * SCALE_OUT["shard_items"]},
        "accounts": shared_accounts,
        "scale_out": SCALE_OUT,
    }
    return Night(deployed, request, tmp_path / "output", charges, len(charges()))


def test_shards_are_worked_through_by_the_pool(night: Night) -> None:
    """Each shard is one flow run of the deployment, linked to the run, and every unit is paid once."""
    run = night.order()
    state = night.ended(run)
    shards = night.shards()

    assert ("COMPLETED", "Completed") == (state["type"], state["name"])
    assert Counter(done=UNITS) == night.delivered()
    assert UNITS == night.billed()
    assert [0, 1, 2] == sorted(shard["parameters"]["shard"]["shard"] for shard in shards)
    assert len([shard for shard in shards if shard["parent_task_run_id"]]) == SHARDS


@pytest.mark.slow
def test_killed_shard_is_begun_anew_and_pays_for_nothing_twice(night: Night) -> None:
    """The worker's process is killed with -9 in the midst of paid work."""
    run = night.order()
    killed = night.running_shard()
    os.kill(int(str(killed["infrastructure_pid"]).rpartition(":")[2]), signal.SIGKILL)
    state = night.ended(run)
    statuses = night.delivered()

    assert "COMPLETED" == state["type"]
    assert UNITS == statuses["done"] + statuses["unknown"] + statuses["blocked"]
    assert statuses["unknown"] <= 2
    assert night.billed() <= statuses["done"] + statuses["unknown"]
    assert SHARDS + 1 == len(night.shards())


@pytest.mark.slow
def test_run_killed_while_its_shards_work_finds_them_again(night: Night) -> None:
    """The same request carries the run on with the flow runs that went on without it."""
    first = night.begin_here()
    night.running_shard()
    first.kill()
    first.wait()
    second = night.begin_here()

    assert 0 == second.wait(RUN_SECONDS)
    assert Counter(done=UNITS) == night.delivered()
    assert UNITS == night.billed()
    assert SHARDS == len(night.shards())


@pytest.mark.slow
def test_cancelled_run_cancels_its_shards(night: Night) -> None:
    """Nothing goes on paying once a person has cancelled the run."""
    run = night.order()
    night.running_shard()
    cancelling = {"state": {"type": "CANCELLING", "name": "Cancelling"}, "force": False}
    night.server.post(f"/flow_runs/{run}/set_state", cancelling).raise_for_status()

    assert "CANCELLED" == night.ended(run)["type"]
    assert {"CANCELLED"} >= {night.ended(shard["id"])["type"] for shard in night.shards()} - {"COMPLETED"}


def test_account_without_a_shared_limit_is_refused_before_anything_is_paid(
    night: Night, accounts: dict[str, str]
) -> None:
    """Every shard would take the whole limit for its own."""
    night.request["accounts"] = accounts
    state = night.ended(night.order())

    assert "FAILED" == state["type"]
    assert "Set shared_limit in the" in state["message"]
    assert 0 == night.billed()
    assert [] == night.shards()


@pytest.mark.slow
def test_shard_that_no_worker_takes_is_worked_through_by_the_run(night: Night) -> None:
    """A pool without workers costs time, not the night."""
    night.server.prefect("work-pool", "create", "idle", "--type", "process", "--overwrite")
    night.server.prefect("deploy", "flows/process_shard.py:process_shard", "--name", "idle", "--pool", "idle")
    night.request["scale_out"] = {**SCALE_OUT, "deployment": "process-shard/idle", "start_seconds": 5}
    state = night.ended(night.order())

    assert ("COMPLETED", "Completed") == (state["type"], state["name"])
    assert Counter(done=UNITS) == night.delivered()
    assert UNITS == night.billed()
