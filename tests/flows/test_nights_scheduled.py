"""Nights as Prefect's own cron schedule orders them over a change of the clocks: killed, and started twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalogs.samples import demo_catalog
from flows.business_date import business_date_of
from sandbox.server import RunningSandbox, running_sandbox
from sandbox.settings import SandboxSettings
from tests.prefect_server import PrefectServer, eventually

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

ITEMS = 2
DAY = timedelta(days=1)
RUN_SECONDS = 120
RECIPE = {
    "name": "one-stage",
    "stages": [
        {"name": "style", "operation": "claid.edit", "options": {"prompt": "for {sku}"}, "picture": "product_image"}
    ],
}

Facts = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """A day on which a zone's clocks change, a cron at an hour that this day skips or has twice, and when it is due."""

    zone: str
    cron: str
    due: datetime

    @property
    def day(self) -> date:
        """The day on the zone's calendar."""
        return business_date_of(self.due, self.zone)

    def midnight(self, days: int) -> datetime:
        """The beginning of the day, or of one some days from it."""
        return datetime.combine(self.day + timedelta(days=days), time(0), ZoneInfo(self.zone))


def _change(zone: str, cron: str, due: str) -> Change:
    return Change(zone, cron, datetime.fromisoformat(due))


# An hour that is skipped is due an hour before; of one that there is twice the first is meant.
CHANGES = {
    "Berlin, skipped": _change("Europe/Berlin", "30 2 * * *", "2026-03-29T01:30:00+01:00"),
    "Berlin, twice": _change("Europe/Berlin", "30 2 * * *", "2026-10-25T02:30:00+02:00"),
    "New York, skipped": _change("America/New_York", "30 2 * * *", "2026-03-08T01:30:00-05:00"),
    "New York, twice": _change("America/New_York", "30 1 * * *", "2026-11-01T01:30:00-04:00"),
    "Sydney, twice": _change("Australia/Sydney", "30 2 * * *", "2026-04-05T02:30:00+11:00"),
    "Sydney, skipped": _change("Australia/Sydney", "30 2 * * *", "2026-10-04T01:30:00+10:00"),
    "Chatham, twice": _change("Pacific/Chatham", "30 3 * * *", "2026-04-05T03:30:00+13:45"),
    "Chatham, skipped": _change("Pacific/Chatham", "30 3 * * *", "2026-09-27T02:30:00+12:45"),
    "Kolkata, no change": _change("Asia/Kolkata", "30 2 * * *", "2026-10-25T02:30:00+05:30"),
}


@pytest.fixture(scope="module")
def slow_vendors() -> Generator[RunningSandbox]:
    """Vendors of this module's own, whose jobs take long enough to be killed amid them."""
    settings = SandboxSettings(job_seconds=2, limits="off", picture_size=256, draw_processes=1)
    with running_sandbox(settings) as running:
        yield running


@dataclass(frozen=True)
class Shop:
    """A shop with a feed for each day, and a night at the server that no worker takes: the test starts its runs."""

    server: PrefectServer
    sandbox: RunningSandbox
    folder: Path
    change: Change
    deployment: str
    paid_before: int

    def ask_for_runs(self, start: datetime) -> None:
        """Have the server order runs as its scheduler would at that moment."""
        body = {"start_time": start.isoformat(), "end_time": self.change.midnight(2).isoformat()}
        self.server.post(f"/deployments/{self.deployment}/schedule", body).raise_for_status()

    def runs(self) -> list[Facts]:
        """What is ordered for the day, the day before and the day after, earliest first."""
        found = self.server.find("flow_runs", deployments={"id": {"any_": [self.deployment]}}, limit=200)
        ours = [run for run in found if _due(run) < self.change.midnight(2)]
        return sorted(ours, key=_due)

    def order_again(self) -> Facts:
        """Order another run for the same moment, as a second scheduler would."""
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": self.change.due.isoformat()}}
        path = f"/deployments/{self.deployment}/create_flow_run"
        return self.server.post(path, {"state": state}).raise_for_status().json()

    def start(self, run: Facts) -> subprocess.Popen[bytes]:
        """Start a run in a process of its own, as a worker does."""
        claid = {"API_KEY": "sandbox", "BASE_URL": self.sandbox.url, "POLL_SECONDS": "0.2"}
        environment = self.server.environment | {f"CLAID_{name}": text for name, text in claid.items()}
        with (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "prefect.engine", run["id"]]
            return subprocess.Popen(command, env=environment, cwd=self.folder, stdout=log, stderr=log)

    def repeat(self, run: Facts) -> subprocess.Popen[bytes]:
        """Start a run once more, as somebody does who presses Retry: it is due when it was due."""
        for state in ({"type": "CRASHED"}, {"type": "SCHEDULED", "name": "AwaitingRetry"}):
            body = {"state": state, "force": True}
            self.server.post(f"/flow_runs/{run['id']}/set_state", body).raise_for_status()
        return self.start(run)

    def state(self, process: subprocess.Popen[bytes], run: Facts) -> str:
        """The state in which the run ended, once its process has."""
        process.wait(RUN_SECONDS)
        return self.server.get(f"/flow_runs/{run['id']}")["state"]["name"]

    def paid(self) -> list[Facts]:
        """What the vendors have charged for this shop."""
        return _charges(self.sandbox)[self.paid_before :]

    def reports(self) -> dict[str, Facts]:
        """What the runs came to, by their business date."""
        told = [json.loads(path.read_text()) for path in (self.folder / "out/runs").glob("*/report.json")]
        return {report["business_date"]: report for report in told}

    def submitted(self) -> bool:
        """Whether all jobs of a night are on record."""
        parts = [path for path in (self.folder / "out/ledger/journals").rglob("*") if path.is_file()]
        return sum(path.read_bytes().count(b'"submitted"') for path in parts) >= ITEMS

    def age(self) -> None:
        """Let the last sign of life of every night be long ago."""
        for path in (self.folder / "out/runs/nights").rglob("*.json"):
            record = json.loads(path.read_text())
            beat = datetime.fromisoformat(record["beat_at"]) - timedelta(minutes=10)
            path.write_text(json.dumps({**record, "beat_at": beat.isoformat()}))


@pytest.fixture
def shop(
    prefect_server: PrefectServer, slow_vendors: RunningSandbox, tmp_path: Path, request: pytest.FixtureRequest
) -> Shop:
    """A shop whose night is scheduled over the change that the test is about."""
    change: Change = request.param
    row = pq.read_table(demo_catalog()).to_pylist()[0]
    picture = str(demo_catalog().parent / row["product_image"])
    for days in (-1, 0, 1):
        day = change.day + timedelta(days=days)
        rows = [{"sku": f"{day}-{number}", "product_image": picture} for number in range(ITEMS)]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{day}.parquet")
    run = {
        "catalog": {"uri": f"{tmp_path}/{{business_date}}.parquet"},
        "recipe": RECIPE,
        "output": str(tmp_path / "out"),
        "time_zone": change.zone,
        "gallery_items": 0,
    }
    deployment = {
        "name": tmp_path.name,
        "flow_id": prefect_server.post("/flows/", {"name": "process-catalog"}).raise_for_status().json()["id"],
        "entrypoint": "flows.process_catalog.process_catalog",
        "parameters": {"run": run},
        "schedules": [{"schedule": {"cron": change.cron, "timezone": change.zone}, "active": True}],
    }
    made = prefect_server.post("/deployments/", deployment).raise_for_status().json()
    return Shop(prefect_server, slow_vendors, tmp_path, change, made["id"], len(_charges(slow_vendors)))


ALL = [pytest.param(change, id=name) for name, change in CHANGES.items()]


@pytest.mark.parametrize("shop", ALL, indirect=True)
def test_the_server_orders_one_run_a_date(shop: Shop) -> None:
    """Whenever its scheduler looks: days before, in the hour before, in the hour that comes twice, and after it."""
    change = shop.change
    shop.ask_for_runs(change.midnight(-1))
    for minutes in range(-90, 181, 15):
        shop.ask_for_runs(change.due + timedelta(minutes=minutes))
    due = [_due(run) for run in shop.runs()]

    assert [change.day - DAY, change.day, change.day + DAY] == [business_date_of(one, change.zone) for one in due]
    assert change.due == due[1]


@pytest.mark.slow
@pytest.mark.parametrize("shop", ALL, indirect=True)
def test_a_date_has_one_set_of_charges(shop: Shop) -> None:
    """Killed amid its paid work, started twice at once, then once more; the days beside it have one of their own."""
    shop.ask_for_runs(shop.change.midnight(-1))
    before, night, after = shop.runs()
    killed = shop.start(night)
    eventually(lambda: shop.submitted() or None, "paid jobs on record", seconds=RUN_SECONDS)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    shop.age()

    second = shop.order_again()
    both = [(shop.repeat(night), night), (shop.start(second), second)]
    at_once = [shop.state(process, run) for process, run in both]
    third = shop.order_again()
    others = [(shop.start(run), run) for run in (third, before, after)]
    one_by_one = [shop.state(process, run) for process, run in others]

    log = (shop.folder / "log").read_text()[-3000:]
    assert ["Completed"] == [state for state in at_once if state not in {"Under way", "Done already"}], log
    assert ["Done already", "Completed", "Completed"] == one_by_one, log
    days = [shop.change.day + timedelta(days=n) for n in (-1, 0, 1)]
    assert {f"{day}": ITEMS for day in days} == {day: one["delivered"] for day, one in shop.reports().items()}
    manifest = pq.read_table(shop.folder / "out/manifest.parquet").to_pylist()
    assert {f"{day}-{n}": "done" for day in days for n in range(ITEMS)} == {
        row["sku"]: row["status"] for row in manifest
    }
    charged = Counter(charge["digest"] for charge in shop.paid())
    assert (len(days) * ITEMS, {1}) == (len(charged), set(charged.values()))


def _due(run: Facts) -> datetime:
    return datetime.fromisoformat(run["expected_start_time"])


def _charges(sandbox: RunningSandbox) -> list[Facts]:
    return httpx.get(f"{sandbox.url}/sandbox/charges", timeout=30, trust_env=False).raise_for_status().json()
