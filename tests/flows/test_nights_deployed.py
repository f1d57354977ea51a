"""Nights as Prefect starts them: around both changes of the clocks, twice each, and a backfill of days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from catalogs.samples import demo_catalog
from tests.flows.test_business_date import CHANGES
from tests.prefect_server import PrefectServer, eventually

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]

ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
ONE_STAGE = {
    "name": "one-stage",
    "stages": [
        {
            "name": "style",
            "operation": "claid.edit",
            "options": {"prompt": "a shade for {sku}"},
            "picture": "product_image",
        }
    ],
}
EARLY, LATE = time(0, 10), time(23, 50)

Billed = list[dict[str, Any]]


@pytest.fixture
def feed(tmp_path: Path) -> Callable[[date], str]:
    """Writes a day's feed, of one SKU that is on offer that day alone; its address is the same for all days."""
    row = pq.read_table(demo_catalog()).to_pylist()[0]

    def write(day: date) -> str:
        table = pq.read_table(demo_catalog()).slice(0, 1)
        named = table.set_column(table.schema.get_field_index("sku"), "sku", [[f"SKU-{day}"]])
        picture = str(demo_catalog().parent / row["product_image"])
        named = named.set_column(named.schema.get_field_index("product_image"), "product_image", [[picture]])
        pq.write_table(named.select(["sku", "product_image"]), tmp_path / f"{day}.parquet")
        return f"{tmp_path}/{{business_date}}.parquet"

    return write


def _run(address: str, output: Path, accounts: dict[str, str], **fields: Any) -> dict[str, Any]:
    return {
        "catalog": {"uri": address},
        "recipe": ONE_STAGE,
        "output": str(output),
        "accounts": {"claid": accounts["claid"]},
        "gallery_items": 0,
        **fields,
    }


@pytest.mark.parametrize("zone", CHANGES)
def test_a_day_around_a_change_of_the_clocks_has_one_set_of_charges(
    deployed: PrefectServer,
    accounts: dict[str, str],
    charges: Callable[[], Billed],
    feed: Callable[[date], str],
    tmp_path: Path,
    zone: str,
) -> None:
    """Started at the day's first minutes and at its last, which Prefect's server and the machine have in UTC."""
    before = len(charges())
    deployment = deployed.get("/deployments/name/process-catalog/nightly")["id"]
    runs: list[str] = []
    for change in CHANGES[zone]:
        address = feed(change)
        run = _run(address, tmp_path / "out", accounts, time_zone=zone)
        for moment in (EARLY, LATE):
            due = datetime.combine(change, moment, ZoneInfo(zone)).astimezone(UTC)
            state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due.isoformat()}}
            body = {"parameters": {"run": run}, "state": state}
            answer = deployed.post(f"/deployments/{deployment}/create_flow_run", body).raise_for_status().json()
            runs.append(answer["id"])
    states = [eventually(lambda run=run: _ended(deployed, run), "the run's end", seconds=400) for run in runs]

    assert {"COMPLETED"} == {state["type"] for state in states}
    # Of two that start together one stands back, or finds all done.
    assert 2 == [state["name"] for state in states].count("Completed")
    assert {"Completed", "Done already", "Under way"} >= {state["name"] for state in states}
    manifest = pq.read_table(tmp_path / "out" / "manifest.parquet").to_pylist()
    assert {f"SKU-{change}" for change in CHANGES[zone]} == {row["sku"] for row in manifest}
    assert 2 == len(charges()) - before


def test_a_backfill_does_its_days_in_order_and_goes_on_where_it_stopped(
    deployed: PrefectServer,
    accounts: dict[str, str],
    charges: Callable[[], Billed],
    feed: Callable[[date], str],
    tmp_path: Path,
) -> None:
    """The third day's feed is missing at first; the second start passes the done days over, and pays for the rest."""
    days = [date(2026, 10, 24) + timedelta(days=n) for n in range(4)]
    address = feed(days[0])
    for day in (days[1], days[3]):
        feed(day)
    before = len(charges())
    run = _run(address, tmp_path / "out", accounts, time_zone="Europe/Berlin")
    body = {"backfill": {"run": run, "first": days[0].isoformat(), "last": days[-1].isoformat()}}
    stopped = _backfilled(deployed, body)
    paid = len(charges()) - before
    feed(days[2])
    done = _backfilled(deployed, body)

    assert "FAILED" == stopped["type"]
    assert "2 of 4 business dates done; first 2026-10-26: Failed: " in stopped["message"]
    assert "there is no catalog at" in stopped["message"]
    assert 2 == paid
    assert ("COMPLETED", "4 of 4 business dates done") == (done["type"], done["message"])
    assert len(days) == len(charges()) - before


def _backfilled(server: PrefectServer, parameters: dict[str, Any]) -> dict[str, Any]:
    deployment = server.get("/deployments/name/backfill/backfill")["id"]
    body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    run = server.post(f"/deployments/{deployment}/create_flow_run", body).raise_for_status().json()["id"]
    return eventually(lambda: _ended(server, run), "the backfill's end", seconds=400)


def _ended(server: PrefectServer, run: str) -> dict[str, Any] | None:
    state = server.get(f"/flow_runs/{run}")["state"]
    return state if state["type"] in ENDED else None
