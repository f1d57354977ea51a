"""Runs of the deployed flow, as a team has them: created over the API, done by a worker, seen in the server's records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import url2pathname

import pyarrow.parquet as pq
import pytest

from tests.prefect_server import PrefectServer, eventually

# The first test of all waits for server, worker and deployment.
pytestmark = pytest.mark.server

RUN_SECONDS = 200.0
RECORD_SECONDS = 200.0
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
STAGES = ("model", "refine", "scene")
SKUS = ("CW-T101", "CW-T102", "CW-T103", "CW-T104")

Billed = list[dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """A run that has ended, and what the server recorded of it."""

    server: PrefectServer
    id: str
    output: Path
    billed: Billed

    @property
    def state(self) -> dict[str, Any]:
        """How it ended."""
        return self.server.get(f"/flow_runs/{self.id}")["state"]

    @property
    def manifest(self) -> list[dict[str, Any]]:
        """The manifest's rows."""
        return pq.read_table(self.output / "manifest.parquet").to_pylist()

    def stage_runs(self, count: int) -> dict[str, dict[str, Any]]:
        """The final states of its task runs by name, once the server has recorded that many."""

        def recorded() -> dict[str, dict[str, Any]] | None:
            within = {"id": {"any_": [self.id]}}
            states = {run["name"]: run["state"] for run in self.server.find("task_runs", flow_runs=within)}
            settled = len(states) == count and all(state["type"] in ENDED for state in states.values())
            return states if settled else None

        return eventually(recorded, f"{count} task runs on record", seconds=RECORD_SECONDS)

    def artifacts(self) -> dict[str, dict[str, Any]]:
        """Its artifacts by key."""
        found = self.server.find("artifacts", flow_runs={"id": {"any_": [self.id]}})
        return {artifact["key"]: artifact for artifact in found}


class Office:
    """Creates runs of the deployment `catalog`, and waits for them."""

    def __init__(
        self, server: PrefectServer, accounts: dict[str, str], charges: Callable[[], Billed], catalog: Path
    ) -> None:
        self.server = server
        self.deployment: str = server.get("/deployments/name/process-catalog/catalog")["id"]
        self.run = {"catalog": {"uri": str(catalog)}, "recipe": "on-model", "accounts": accounts}
        self._charges = charges

    def ask(self, **changed: Any) -> Any:
        """Create a run with these parameters instead of the usual; returns the API's answer."""
        body = {"parameters": {"run": {**self.run, **changed}}, "state": {"type": "SCHEDULED"}}
        return self.server.post(f"/deployments/{self.deployment}/create_flow_run", body)

    def result(self, output: Path, **changed: Any) -> Run:
        """Have a run done by the worker."""
        return self.result_of(self.deployment, output, {"run": {**self.run, "output": str(output), **changed}})

    def result_of(self, deployment: str, output: Path, parameters: dict[str, Any]) -> Run:
        """Have a run of any deployment done by the worker."""
        billed = len(self._charges())
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        created = self.server.post(f"/deployments/{deployment}/create_flow_run", body).raise_for_status().json()
        eventually(lambda: self._ended(created["id"]), "the run's end", seconds=RUN_SECONDS)
        return Run(self.server, created["id"], output, self._charges()[billed:])

    def _ended(self, run_id: str) -> bool | None:
        return self.server.get(f"/flow_runs/{run_id}")["state"]["type"] in ENDED or None


@pytest.fixture(scope="module")
def office(
    deployed: PrefectServer,
    accounts: dict[str, str],
    charges: Callable[[], Billed],
    write_catalog: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Office:
    """Where runs of twelve drawn SKUs are ordered."""
    return Office(deployed, accounts, charges, write_catalog(tmp_path_factory.mktemp("catalog")))


@pytest.fixture(scope="module")
def delivered(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the first four SKUs without any trouble."""
    return office.result(tmp_path_factory.mktemp("delivered"), selection={"limit": 4})


@pytest.fixture(scope="module")
def partial(office: Office, write_catalog: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of two SKUs, where one's garment is no picture."""
    folder = tmp_path_factory.mktemp("partial")
    broken = folder / "broken.png"
    broken.write_bytes(b"not a picture")
    catalog = write_catalog(folder, CW_T102={"top_garment": str(broken)})
    return office.result(folder / "output", catalog={"uri": str(catalog)}, selection={"limit": 2})


def test_run_completes_with_its_outcome_as_message(delivered: Run) -> None:
    """The state says how many items were delivered and what they cost."""
    state = delivered.state

    assert ("COMPLETED", "Completed") == (state["type"], state["name"])
    assert "4 of 4 items delivered; credits: 12 Claid, 120 AILabTools" == state["message"]


def test_pictures_on_disk_are_those_of_the_manifest(delivered: Run) -> None:
    """Every row's picture lies where the manifest says, with the sha256 that the manifest says."""
    hashes = {row["picture"]: row["sha256"] for row in delivered.manifest}

    assert len(SKUS) * len(STAGES) == len(hashes)
    assert hashes == {uri: hashlib.sha256(_on_disk(uri).read_bytes()).hexdigest() for uri in hashes}


def test_each_stage_of_each_item_is_a_completed_task_run(delivered: Run) -> None:
    """The server ends up with one task run per SKU and stage, named so, none of them left running."""
    states = {name: state["type"] for name, state in delivered.stage_runs(12).items()}

    assert {f"{stage} {sku}": "COMPLETED" for sku in SKUS for stage in STAGES} == states


def test_artifacts_report_the_run(delivered: Run) -> None:
    """The report and the table of stages are there for the UI; without troubles there is no table of them."""
    artifacts = delivered.artifacts()

    keys = {"catwalk-quote", "catwalk-plan", "catwalk-progress", "catwalk-report", "catwalk-stages"}
    assert keys == set(artifacts)
    assert "4 of 4 items delivered" in artifacts["catwalk-report"]["data"]
    table = _table(artifacts["catwalk-stages"])
    assert [(stage, 4) for stage in STAGES] == [(row["stage"], row["done"]) for row in table]
    assert [(8, 0), (120, 0), (4, 0)] == [(row["credits"], row["credits at risk"]) for row in table]


def test_gallery_shows_every_item(delivered: Run) -> None:
    """The gallery lies beside the manifest and names every SKU."""
    page = (delivered.output / "gallery.html").read_text("utf-8")

    assert [] == [sku for sku in SKUS if sku not in page]


def test_each_unit_is_billed_once(delivered: Run) -> None:
    """The vendors billed exactly the jobs in the manifest, at the prices in it."""
    billed = sorted((charge["operation"], charge["credits"]) for charge in delivered.billed if charge["billed"])

    assert sorted((row["operation"], row["credits"]) for row in delivered.manifest) == billed


def test_run_with_a_broken_picture_ends_as_partial(partial: Run) -> None:
    """One item's trouble costs neither the run nor its other items."""
    state = partial.state

    assert ("COMPLETED", "Partial") == (state["type"], state["name"])
    assert "1 of 2 items delivered" in state["message"]


def test_trouble_is_a_red_task_run_that_says_why(partial: Run) -> None:
    """The failing stage's task run is failed and carries the message; later stages of the item have no run."""
    states = partial.stage_runs(4)
    failed = {name: state["message"] for name, state in states.items() if state["type"] == "FAILED"}

    assert ["model CW-T102"] == list(failed)
    assert "broken.png" in failed["model CW-T102"]
    assert {"scene CW-T101", "refine CW-T101", "model CW-T101", "model CW-T102"} == set(states)


def test_trouble_is_in_the_artifacts(partial: Run) -> None:
    """The table of troubles names the item, and nothing was billed for it."""
    troubles = _table(partial.artifacts()["catwalk-failures"])

    assert [("CW-T102", "model", "failed")] == [(each["sku"], each["stage"], each["status"]) for each in troubles]
    assert len(STAGES) == len(partial.billed)


def test_wrong_key_fails_the_run_with_a_clear_message(office: Office, tmp_path: Path) -> None:
    """The state names vendor, status and next step; the key is in no message, and nothing is billed."""
    run = office.result(tmp_path, selection={"limit": 2}, accounts={"claid": "wrong", "ailabtools": "sandbox"})
    state = run.state

    assert "FAILED" == state["type"]
    assert "Claid does not accept the API key (HTTP 401" in state["message"]
    assert "Check the account's API key, then run again." in state["message"]
    assert [] == run.billed


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"recipee": "on-model"}, "'recipee' was unexpected"),
        ({"catalog": {"uri": "c.parquet", "columnz": {}}}, "'run.catalog'"),
        ({"selection": {"limit": 0}}, "'run.selection.limit'"),
        ({"retry": ["everything"]}, "'run.retry[0]'"),
        ({"recipe": {"name": "mine", "stages": []}}, "'run.recipe"),
        ({"recipe": {"name": "mine", "stages": [{"name": "a", "operation": "claid.typo"}]}}, "'run.recipe.stages[0]'"),
        (
            {"recipe": {"name": "mine", "stages": [{"name": "a", "operation": "claid.fashion_models", "pik": 1}]}},
            "'run.recipe.stages[0]'",
        ),
    ],
)
def test_impossible_parameters_are_refused_at_creation(
    office: Office, tmp_path: Path, changed: dict[str, Any], place: str
) -> None:
    """A misspelt name or an impossible value never becomes a run, and the answer says where it is."""
    answer = office.ask(output=str(tmp_path), **changed)

    assert 409 == answer.status_code
    assert place in answer.json()["detail"]


def test_a_plan_is_made_shown_and_applied_by_its_address(office: Office, tmp_path: Path) -> None:
    """Planning costs nothing and tells the address; applying charges what was quoted."""
    plan, apply = (
        office.server.get(f"/deployments/name/{name}")["id"] for name in ("plan-catalog/plan", "apply-plan/apply")
    )
    asked = {"run": {**office.run, "output": str(tmp_path), "selection": {"limit": 1}}}
    planned = office.result_of(plan, tmp_path, asked)
    document = next((tmp_path / "plans").glob("*.json"))
    quote = json.loads(document.read_text())["quote"]
    applied = office.result_of(apply, tmp_path, {"request": {"plan": str(document)}})

    assert ("COMPLETED", []) == (planned.state["type"], planned.billed)
    assert planned.state["message"].endswith(f"to apply it: catwalk apply {document}")
    assert {"catwalk-quote", "catwalk-plan"} == planned.artifacts().keys()
    assert ("COMPLETED", "Completed") == (applied.state["type"], applied.state["name"])
    assert (quote["units"], quote["credits"]) == (len(applied.billed), sum(job["credits"] for job in applied.billed))


def test_nightly_waits_to_be_switched_on(office: Office) -> None:
    """The nightly deployment has a cron schedule with a time zone, and is inactive."""
    schedules = office.server.get("/deployments/name/process-catalog/nightly")["schedules"]

    assert [False] == [schedule["active"] for schedule in schedules]
    assert {"cron", "timezone"} <= set(schedules[0]["schedule"])


def _on_disk(uri: str) -> Path:
    return Path(url2pathname(uri.removeprefix("file://")))


def _table(artifact: dict[str, Any]) -> list[dict[str, Any]]:
    return json.loads(artifact["data"])
