"""Setting up a Prefect server of its own, as a team would: once, again, and with a night that fires by itself."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from catalogs.manifest import read_rows
from sandbox.server import RunningSandbox
from tests.deployments.conftest import Catwalk
from tests.prefect_server import PrefectServer, eventually, running_server, running_worker

pytestmark = pytest.mark.server

DEPLOYMENTS = {
    "process-catalog/catalog",
    "process-catalog/nightly",
    "process-catalog/canary",
    "backfill/backfill",
    "rescue/rescue",
    "retry/retry",
    "process-shard/shard",
    "plan-catalog/plan",
    "apply-plan/apply",
}
ITEMS, STAGES = 12, 3
WRITES = ("created", "updated")
# A minute that has not begun, after the time that setting up may take.
LEAD = timedelta(seconds=100)
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[PrefectServer]:
    """A server that nobody has set up, which looks for due runs often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS", "5")
        with running_server(tmp_path_factory.mktemp("prefect")) as running:
            yield running


@pytest.fixture(scope="module")
def shop(server: PrefectServer, catwalk: Catwalk) -> Catwalk:
    """The command as that server's client."""
    return Catwalk({**catwalk.environment, **server.environment})


def test_a_dry_run_writes_nothing(shop: Catwalk, server: PrefectServer, tmp_path: Path) -> None:
    """It says line by line what would be made."""
    said = shop("setup", "--output", "out", "--dry-run", folder=tmp_path)

    assert 0 == said.code, said.err
    assert "created   deployment process-catalog/nightly: 30 1 * * * Europe/Berlin (switched off)" in said.out
    assert "Would be: " in said.out
    assert [] == server.find("deployments") == server.find("work_pools")


def test_repeating_it_changes_nothing(shop: Catwalk, server: PrefectServer, tmp_path: Path) -> None:
    """Everything is made the first time; the second time all of it is as it was."""
    arguments = ("setup", "--catalog", "s3://feed/{business_date}.parquet", "--output", "s3://pictures/shop")
    keys = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "the-secret-key"}
    first = shop(*arguments, folder=tmp_path, **keys)
    records = _records(server)
    second = shop(*arguments, folder=tmp_path, **keys)

    assert (0, 0) == (first.code, second.code), first.err + second.err
    assert DEPLOYMENTS == {name for name, _ in _lines(first.out, "deployment")}
    made = [*_lines(first.out, "deployment"), *_lines(first.out, "limit"), *_lines(first.out, "automation")]
    assert {"created", "skipped"} == {outcome for _, outcome in made}
    assert ("catwalk-object-storage/catwalk", "created") in _lines(first.out, "block")
    assert {"unchanged"} == {outcome for _, outcome in _lines(second.out, "")} - {"skipped"}
    assert records == _records(server)
    assert "the-secret-key" not in first.out + first.err + json.dumps(records)


def test_what_a_team_has_changed_stays(shop: Catwalk, server: PrefectServer, tmp_path: Path) -> None:
    """Its parameters, its schedule, its key; what is said anew, and --update, are on purpose."""
    shop("setup", "--catalog", "s3://feed/all.parquet", "--output", "s3://pictures/shop", folder=tmp_path)
    nightly = server.get("/deployments/name/process-catalog/nightly")
    nightly["parameters"]["run"]["max_credits"] = 500
    body = {"parameters": nightly["parameters"]}
    server.send("PATCH", f"/deployments/{nightly['id']}", body).raise_for_status()
    again = shop("setup", "--output", "s3://pictures/other", folder=tmp_path, CLAID_API_KEY="another")
    updated = shop("setup", "--update", folder=tmp_path, CLAID_API_KEY="another")
    run = server.get("/deployments/name/process-catalog/nightly")["parameters"]["run"]

    assert ("claid-credentials/catwalk", "kept") in _lines(again.out, "block")
    assert ("process-catalog/nightly", "updated") in _lines(again.out, "deployment")
    assert (500, "s3://pictures/other", {"uri": "s3://feed/all.parquet"}) == (
        run["max_credits"],
        run["output"],
        run["catalog"],
    )
    assert ("claid-credentials/catwalk", "updated") in _lines(updated.out, "block")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--time-zone", "Mars/Olympus"], "not a time zone of the IANA database"),
        pytest.param(["--output", "out/{business_date}"], "paid anew each day", marks=pytest.mark.slow),
        pytest.param(["--switch-on"], "nothing to switch on without an output", marks=pytest.mark.slow),
        pytest.param(
            ["--cron", "0 0 * * *", "--time-zone", "America/Santiago"], "starts twice on", marks=pytest.mark.slow
        ),
        pytest.param(["--cron", "0 */6 * * *"], "starts twice on", marks=pytest.mark.slow),
        (["--notify", "slack-webhook/none"], "there is no block 'slack-webhook/none'"),
    ],
)
def test_what_no_night_could_use_is_refused(shop: Catwalk, arguments: list[str], words: str, tmp_path: Path) -> None:
    """In one sentence, with what to do."""
    said = shop("setup", *arguments, folder=tmp_path)

    assert 1 == said.code
    assert words in said.err
    assert "Traceback" not in said.err


def test_without_a_server_it_says_what_is_missing(shop: Catwalk, tmp_path: Path) -> None:
    """A temporary server would be gone the next moment."""
    said = shop("setup", folder=tmp_path, PREFECT_API_URL=None)

    assert 1 == said.code
    assert "PREFECT_API_URL is not set" in said.err


@pytest.fixture(scope="module")
def set_up(shop: Catwalk, server: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> PrefectServer:
    """The server with every deployment."""
    said = shop("setup", folder=tmp_path_factory.mktemp("set-up"))
    assert 0 == said.code, said.err
    return server


@pytest.mark.parametrize(
    ("name", "parameters", "place"),
    [
        ("process-catalog/catalog", {"rum": {}}, "'rum' was unexpected"),
        ("process-catalog/catalog", {"run": {"outputt": "out"}}, "'run'"),
        (
            "process-catalog/nightly",
            {"run": {"catalog": {"uri": "c"}, "output": "o", "canary": {"item": 3}}},
            "'run.canary'",
        ),
        ("backfill/backfill", {"backfill": {"first": "2026-11-01", "lost": "2026-11-02"}}, "'backfill'"),
        ("rescue/rescue", {"outputs": "out"}, "'outputs' was unexpected"),
        ("retry/retry", {"kinds": ["failed"]}, "'kinds' was unexpected"),
    ],
)
def test_a_parameter_that_there_is_not_is_refused(
    set_up: PrefectServer, name: str, parameters: dict[str, Any], place: str
) -> None:
    """When the run is created, at the top as well as deep within."""
    deployment = set_up.get(f"/deployments/name/{name}")
    body = {"parameters": {**deployment["parameters"], **parameters}, "state": {"type": "SCHEDULED"}}
    answer = set_up.post(f"/deployments/{deployment['id']}/create_flow_run", body)

    assert 409 == answer.status_code
    assert place in answer.json()["detail"]


@pytest.mark.slow
def test_the_night_fires_and_delivers(
    shop: Catwalk,
    server: PrefectServer,
    sandbox: RunningSandbox,
    write_catalog: Callable[..., Path],
    charges: Callable[[], list[Any]],
    tmp_path: Path,
) -> None:
    """An installed Catwalk, one command, one worker: at its hour the night reads that day's feed and delivers it."""
    due = (datetime.now(UTC) + LEAD).replace(second=0)
    write_catalog(tmp_path).rename(tmp_path / f"feed-{due:%Y-%m-%d}.parquet")
    before = len(charges())
    said = shop(
        *("setup", "--update", "--catalog", "feed-{business_date}.parquet", "--output", "out", "--switch-on"),
        *("--time-zone", "UTC", "--cron", f"{due.minute} {due.hour} * * *"),
        folder=tmp_path,
    )
    assert 0 == said.code, said.err
    with running_worker(server, "catwalk"):
        run = eventually(lambda: _ended_night(server), "the night's end", seconds=400)

    assert ("COMPLETED", "Completed") == (run["state"]["type"], run["state"]["name"]), run["state"]["message"]
    assert "canary passed: 6 Claid, 3 AILabTools; 12 of 12 items delivered" in run["state"]["message"]
    assert run["auto_scheduled"]
    assert ITEMS * STAGES == len(charges()) - before
    assert {"done"} == {row["status"] for row in read_rows(tmp_path / "out" / "manifest.parquet")}
    [event] = eventually(lambda: _events(server, run["id"]) or None, "the run's event", seconds=200)
    assert (f"{due:%Y-%m-%d}", 12) == (event["payload"]["business_date"], event["payload"]["delivered"])


@pytest.mark.slow
def test_a_run_that_was_killed_is_marked_as_crashed(
    shop: Catwalk, server: PrefectServer, write_catalog: Callable[..., Path], tmp_path: Path
) -> None:
    """The server can't see it die: the automation misses its heartbeats; a run that ended as partial is left alone."""
    write_catalog(tmp_path, CW_T102={"top_garment": "nowhere.png"})
    often = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
    shop("setup", "--update", folder=tmp_path, **often)
    shop("run", "catalog.parquet", "--output", "partial", "--limit", "2", folder=tmp_path, **often)
    process = shop.started("run", "catalog.parquet", "--output", "killed", folder=tmp_path, **often)
    try:
        ledger = tmp_path / "killed" / "ledger"
        eventually(lambda: next(ledger.rglob("*.json"), None), "paid work", seconds=120)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    named = eventually(lambda: _crashed(server, "killed"), "the crash on record", seconds=300)
    [partial] = server.find("flow_runs", flow_runs={"name": {"any_": ["partial"]}})

    assert "showed no sign of life" in named["state"]["message"]
    assert ("COMPLETED", "Partial") == (partial["state"]["type"], partial["state"]["name"])


def _crashed(server: PrefectServer, name: str) -> dict[str, Any] | None:
    runs = server.find("flow_runs", flow_runs={"name": {"any_": [name]}})
    return next((run for run in runs if run["state"]["type"] == "CRASHED"), None)


def _ended_night(server: PrefectServer) -> dict[str, Any] | None:
    nightly = server.get("/deployments/name/process-catalog/nightly")["id"]
    runs = server.find("flow_runs", flow_runs={"deployment_id": {"any_": [nightly]}})
    return next((run for run in runs if run["state"]["type"] in ENDED), None)


def _events(server: PrefectServer, run_id: str) -> list[Any]:
    body = {"filter": {"event": {"name": ["catwalk.run.completed"]}}, "limit": 50}
    found = server.post("/events/filter", body).raise_for_status().json()["events"]
    mine = f"prefect.flow-run.{run_id}"
    return [event for event in found if mine in {one["prefect.resource.id"] for one in event["related"]}]


def _lines(out: str, what: str) -> list[tuple[str, str]]:
    """Each line's thing and outcome, of one kind of things."""
    told = [line.split(maxsplit=2) for line in out.splitlines() if line[:10].strip() in {*WRITES, "unchanged", "kept"}]
    told += [line.split(maxsplit=2) for line in out.splitlines() if line.startswith("skipped")]
    return [(words[2].partition(":")[0], words[0]) for words in told if words[1].startswith(what)]


def _records(server: PrefectServer) -> dict[str, Any]:
    """All that setting up makes, as the server has it; workers and schedulers change other times than these."""
    kept = ("id", "name", "parameters", "schedules", "entrypoint", "trigger", "actions", "limit", "data", "tags")
    found = {what: server.find(what) for what in ("deployments", "work_pools", "block_documents", "automations")}
    found["limits"] = server.post("/v2/concurrency_limits/filter", {}).raise_for_status().json()
    return {what: [{name: one.get(name) for name in kept} for one in some] for what, some in found.items()}
