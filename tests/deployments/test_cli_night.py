"""The command for a business date: killed without a word, started twice, started again."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from blocks.storage import ObjectStorage
from catalogs.manifest import read_rows
from catalogs.nights import Nights
from flows.night import REQUEST
from flows.parameters import CatalogRun
from sandbox.server import RunningSandbox, running_sandbox
from sandbox.settings import SandboxSettings
from tests.deployments.conftest import Catwalk
from tests.prefect_server import PrefectServer, eventually

pytestmark = pytest.mark.server

ITEMS, STAGES = 2, 3
DELIVERED, NOT_DONE = 0, 1
NIGHT = ("run", "feed-{business_date}.parquet", "--output", "out", "--business-date", "2026-10-25", "--limit", "2")


@pytest.fixture(scope="module")
def slow_vendors() -> Generator[RunningSandbox]:
    """Vendors of this module's own, whose jobs take long enough to be killed amid them."""
    settings = SandboxSettings(job_seconds=3, limits="off", picture_size=256, draw_processes=1)
    with running_sandbox(settings) as running:
        yield running


@pytest.fixture
def shop(
    catwalk: Catwalk, slow_vendors: RunningSandbox, write_catalog: Callable[..., Path], tmp_path: Path
) -> tuple[Catwalk, Path, Callable[[], int]]:
    """The command, a folder with the feed of a date, and how many jobs the vendors have charged since."""
    shutil.move(write_catalog(tmp_path), tmp_path / "feed-2026-10-25.parquet")
    addresses = {f"{vendor}_BASE_URL": slow_vendors.url for vendor in ("CLAID", "VMAKE", "AILABTOOLS")}

    def charged() -> int:
        answer = httpx.get(f"{slow_vendors.url}/sandbox/charges", timeout=30, trust_env=False)
        return len(answer.raise_for_status().json())

    before = charged()
    return Catwalk({**catwalk.environment, **addresses}), tmp_path, lambda: charged() - before


@pytest.mark.parametrize(
    "wait", [pytest.param("no wait", id="after a while"), pytest.param("wait", id="at once", marks=pytest.mark.slow)]
)
def test_a_killed_night_is_carried_on(shop: tuple[Catwalk, Path, Callable[[], int]], wait: str) -> None:
    """Under its own name, by the next start, no later than the silence lasts; all is charged once."""
    catwalk, folder, charged = shop
    first = catwalk.started(*NIGHT, folder=folder)
    try:
        eventually(lambda: _submitted(folder) >= ITEMS or None, "paid jobs on record", seconds=120)
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
    [killed] = _open_runs(folder)
    if wait == "no wait":
        _age(folder)

    second = catwalk.started(*NIGHT, folder=folder)
    out, err = second.communicate(timeout=250)
    third = catwalk(*NIGHT, folder=folder)

    assert DELIVERED == second.returncode, out + err
    assert "2 of 2 items delivered" in out
    assert (wait == "wait") == ("was at work on 2026-10-25" in err)
    assert DELIVERED == third.code
    assert third.out.startswith("2026-10-25: done already: 2 of 2 items delivered")
    assert {killed} == {row["run_id"] for row in read_rows(folder / "out" / "manifest.parquet")}
    assert ITEMS * STAGES == charged()


def test_two_starts_of_a_date_are_one_run(shop: tuple[Catwalk, Path, Callable[[], int]]) -> None:
    """One delivers; the other says which run is at work, or that all is done."""
    catwalk, folder, charged = shop
    both = [catwalk.started(*NIGHT, folder=folder) for _ in range(2)]
    said = [(*process.communicate(timeout=200), process.returncode) for process in both]

    [other] = [(out, err, code) for out, err, code in said if not out.startswith("2 of 2 items delivered")]
    assert (other[0].startswith("2026-10-25: done already") and other[2] == DELIVERED) or (
        "2026-10-25 is being worked on by flow run" in other[1] and other[2] == NOT_DONE
    )
    assert ITEMS * STAGES == charged()


def test_a_start_that_stands_back_is_no_failure(
    shop: tuple[Catwalk, Path, Callable[[], int]], prefect_server: PrefectServer
) -> None:
    """Prefect shows it as `Under way`, with the run that is at work, so that nobody is woken for it."""
    catwalk, folder, charged = shop
    with _another_machine(folder):
        said = catwalk(*NIGHT[:3], f"{folder}/out", *NIGHT[4:], folder=folder)
    [run] = prefect_server.find("flow_runs", flow_runs={"name": {"any_": [f"2026-10-25 {folder}/out"]}})

    assert NOT_DONE == said.code
    assert "2026-10-25 is being worked on by another machine, since " in said.err
    assert ("COMPLETED", "Under way") == (run["state"]["type"], run["state"]["name"])
    assert 0 == charged()


@contextmanager
def _another_machine(folder: Path) -> Generator[None]:
    """Shows signs of life for as long as the block lasts, as if it were at work on the same night."""
    run = CatalogRun.model_validate(
        {"catalog": {"uri": "feed-2026-10-25.parquet"}, "output": f"{folder}/out", "selection": {"limit": ITEMS}}
    )
    storage = ObjectStorage.from_uri(run.output)
    nights = Nights(storage, date(2026, 10, 25), run.model_dump_json(include=REQUEST))
    ended = threading.Event()

    async def live() -> None:
        night = await nights.begin(None, "another machine")
        assert night is not None
        while not ended.is_set():
            await nights.write(night)
            await asyncio.sleep(0.2)

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _submitted(folder: Path) -> int:
    parts = [path for path in (folder / "out/ledger/journals").rglob("*") if path.is_file()]
    return sum(path.read_bytes().count(b'"submitted"') for path in parts)


def _open_runs(folder: Path) -> list[str]:
    return [json.loads(path.read_text())["run_id"] for path in (folder / "out/runs/open").iterdir()]


def _age(folder: Path) -> None:
    """Let the night's last sign of life be long ago."""
    [path] = (folder / "out/runs/nights").rglob("*.json")
    record = json.loads(path.read_text())
    long_ago = datetime.fromisoformat(record["beat_at"]) - timedelta(minutes=10)
    path.write_text(json.dumps({**record, "beat_at": long_ago.isoformat()}))
