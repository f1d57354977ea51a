"""A night with a canary, against vendors that have changed their replies, their prices, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalogs.manifest import read_rows
from sandbox.server import RunningSandbox, running_sandbox
from sandbox.settings import SandboxSettings
from tests.deployments.conftest import Catwalk
from tests.prefect_server import PrefectServer, eventually

pytestmark = pytest.mark.server

ITEMS, STAGES, TRIED = 12, 3, 3
DELIVERED, NOT_DONE = 0, 1
NIGHT = ("run", "catalog.parquet", "--output", "out", "--business-date", "2026-11-03", "--canary")


@pytest.fixture(scope="module")
def vendors() -> Generator[RunningSandbox]:
    """Vendors of this module's own, as they misbehave."""
    with running_sandbox(SandboxSettings(job_seconds=0.3, limits="off", picture_size=256, draw_processes=1)) as running:
        yield running


@pytest.fixture
def shop(
    catwalk: Catwalk, vendors: RunningSandbox, write_catalog: Callable[..., Path], tmp_path: Path
) -> Generator[tuple[Catwalk, Path, Callable[[], list[Any]]]]:
    """The command, a folder with twelve SKUs, and what the vendors have charged since."""
    write_catalog(tmp_path)
    addresses = {f"{vendor}_BASE_URL": vendors.url for vendor in ("CLAID", "VMAKE", "AILABTOOLS")}

    def charges() -> list[Any]:
        answer = httpx.get(f"{vendors.url}/sandbox/charges", timeout=30, trust_env=False)
        return answer.raise_for_status().json()

    before = len(charges())
    yield Catwalk({**catwalk.environment, **addresses}), tmp_path, lambda: charges()[before:]
    httpx.delete(f"{vendors.url}/sandbox/faults", trust_env=False).raise_for_status()


def test_a_night_goes_on_after_a_canary_that_passed(shop: tuple[Catwalk, Path, Callable[[], list[Any]]]) -> None:
    """The tried items are the night's own: each is paid once, and the report is of all of them."""
    catwalk, folder, charges = shop
    said = catwalk(*NIGHT, folder=folder)

    assert DELIVERED == said.code, said.out + said.err
    assert said.out.startswith("canary passed: 6 Claid, 3 AILabTools; 12 of 12 items delivered")
    assert ITEMS * STAGES == len(charges())


def test_a_failed_canary_holds_the_night_until_the_vendor_is_well(
    shop: tuple[Catwalk, Path, Callable[[], list[Any]]], vendors: RunningSandbox, prefect_server: PrefectServer
) -> None:
    """Three SKUs meet the trouble, not twelve; it is named, told as an event, and the next start does the night."""
    catwalk, folder, charges = shop
    rule = {"fault": "drifted_schema", "operation": "ailabtools.*"}
    httpx.post(f"{vendors.url}/sandbox/faults", json=rule, trust_env=False).raise_for_status()
    held = catwalk(*NIGHT[:3], f"{folder}/out", *NIGHT[4:], folder=folder)
    charged = len(charges())
    httpx.delete(f"{vendors.url}/sandbox/faults", trust_env=False).raise_for_status()
    again = catwalk(*NIGHT, folder=folder)

    assert NOT_DONE == held.code
    assert held.out.startswith("the canary failed, and 9 items are held: AILabTools: ")
    assert charged <= 2 * TRIED
    assert again.code != NOT_DONE, again.out + again.err
    assert "canary passed" in again.out
    # What the drifted reply cost nobody knows, so it is not paid again unasked.
    unknown = [row for row in read_rows(folder / "out" / "manifest.parquet") if row["status"] == "unknown"]
    assert {"refine"} >= {row["stage"] for row in unknown}
    assert len(charges()) == ITEMS * STAGES - len(unknown)
    [event] = _events(prefect_server, "catwalk.canary.failed", f"{folder}/out")
    assert ["AILabTools"] == list(event["payload"]["faults"])


def test_a_price_that_has_risen_holds_the_night(shop: tuple[Catwalk, Path, Callable[[], list[Any]]]) -> None:
    """Where the vendor tells its balance: the price list has 20 credits, and 30 are gone."""
    catwalk, folder, charges = shop
    said = catwalk(*NIGHT, folder=folder, AILABTOOLS_PRICES='{"try_on_refiner_picture": 20}')

    assert NOT_DONE == said.code
    assert "AILabTools: its balance fell by 90 credits, where the price list has 60" in said.out
    assert TRIED * STAGES == len(charges())


def _events(server: PrefectServer, name: str, output: str) -> list[dict[str, Any]]:
    """The events of an output, once the server has them."""

    def recorded() -> list[dict[str, Any]] | None:
        filters = {"filter": {"event": {"name": [name]}}, "limit": 50}
        found = server.post("/events/filter", filters).raise_for_status().json()["events"]
        return [event for event in found if event["payload"]["output"] == output] or None

    return eventually(recorded, f"the event {name}", seconds=200)
