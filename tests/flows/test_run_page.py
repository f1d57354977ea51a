"""A run's report as a page: all that it says, in one file that a browser can open anywhere."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from pydantic import SecretStr

from blocks.account import Limits
from blocks.claid import ClaidCredentials
from blocks.storage import ObjectStorage
from catalogs.layout import failures_path, run_page_path
from catalogs.ledger import StoredPicture
from catalogs.manifest import ManifestRow
from flows.publish import PublishedManifest
from flows.report import RunReport
from flows.run_page import publish_run_page
from flows.summary import summarise
from tests.catalogs.made import MOMENT, a_row, manifest_of
from tests.chromium import missing_chromium, running_chromium
from tests.flows.bench import drawn

ACCOUNT = ClaidCredentials(api_key=SecretStr("KEEPSECRET"), limits=Limits(generations_per_minute=60), credit_price=0.5)
LANE_CLOSED = (
    "SKU 'B' stage 'model': not sent, because Claid refused an earlier call for the whole account (quota_exhausted)."
)


def lost(status: str, **fields: Any) -> ManifestRow:
    """A unit without a picture."""
    return a_row(**{"row": 2, "sku": "B", "status": status, "pictures": (), "credits": 0.0, **fields})


async def page_of(folder: Path, *rows: ManifestRow, **facts: Any) -> tuple[str, RunReport]:
    """The page of run-1 into this folder, and the report that names it."""
    storage = ObjectStorage(root=str(folder / "output"))
    manifest = PublishedManifest(storage, folder / "none", (manifest_of(rows, folder / "part.parquet"),))
    usual: dict[str, Any] = {"started_at": MOMENT, "recipe": "on-model", "unchanged": 0, "accounts": [ACCOUNT]}
    report = summarise(manifest.rows_of_run(), run_id="run-1", **usual | facts, **manifest.facts(gallery=True))
    report = await publish_run_page(manifest, report, [ACCOUNT], folder)
    page = (await storage.read(run_page_path("run-1"))).decode()
    return page, report


async def test_a_failure_is_told_with_its_cause_the_vendors_words_and_the_next_step(tmp_path: Path) -> None:
    """And what the vendor's support asks for; the whole list lies beside the page."""
    said = "SKU 'B' stage 'model': Claid refused the picture. The vendor says: 'Too <dark>'. Change the picture."
    row = lost("failed", error_kind="rejected", error_message=said, job_id="job-7", request_id="request-9")
    page, report = await page_of(tmp_path, a_row(), row)

    assert "<td>Claid refused the picture. <q>Too &lt;dark&gt;</q><small>Change the picture.</small></td>" in page
    assert "<code>job-7</code>" in page
    assert "<code>request-9</code>" in page
    assert f"<code>catwalk retry {report.output} failed</code> repeats it as a new, paid attempt" in page
    assert 'href="failures.csv"' in page
    assert (tmp_path / "output" / failures_path("run-1")).exists()
    assert (report.output + "/" + run_page_path("run-1")) == report.page


async def test_spending_is_told_by_account_and_stage_in_money_too(tmp_path: Path) -> None:
    """Beside the budget, and what may have been charged for nothing."""
    page, _ = await page_of(tmp_path, a_row(), lost("unknown", credits_at_risk=2.0), max_credits=10.0)

    assert "Of a budget of 10 credits: 2 charged, 2 at risk." in page
    assert "1.00 USD" in page
    assert "the account allows 60 a minute" in page
    assert "KEEPSECRET" not in page


@pytest.mark.parametrize(
    ("row", "note"),
    [
        (lost("held", error_kind="budget_reached"), "The budget of 10 credits held 1 units."),
        (lost("held", error_kind="lane_closed", error_message=LANE_CLOSED), "1 units were held, the first for this: "),
    ],
)
async def test_a_run_that_ended_early_says_so_at_the_top(tmp_path: Path, row: ManifestRow, note: str) -> None:
    """What stopped it, and what goes on."""
    page, _ = await page_of(tmp_path, row, max_credits=10.0)

    assert note in page[: page.index("<main")]


async def test_a_run_with_nothing_to_do_has_a_page(tmp_path: Path) -> None:
    """It says so."""
    page, report = await page_of(tmp_path, unchanged=12)

    assert "there was nothing to do" in page
    assert report.failures is None


async def test_a_page_that_can_not_be_written_costs_no_run(tmp_path: Path) -> None:
    """The pictures are there; the report goes without."""
    (tmp_path / "output" / "runs" / "run-1" / "report.html").mkdir(parents=True)
    storage = ObjectStorage(root=str(tmp_path / "output"))
    manifest = PublishedManifest(storage, tmp_path / "none", (manifest_of([a_row()], tmp_path / "part.parquet"),))
    facts: dict[str, Any] = {"started_at": MOMENT, "recipe": "on-model", "unchanged": 0}
    report = summarise(manifest.rows_of_run(), run_id="run-1", **facts, **manifest.facts(gallery=False))

    assert report == await publish_run_page(manifest, report, [], tmp_path)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if (missing := missing_chromium()) is not None:
        pytest.skip(missing)
    with running_chromium() as running:
        yield running


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    """A page with pictures, charts and failures."""
    drawn(tmp_path / "output" / "pictures" / "A.png")
    stored = str(tmp_path / "output" / "pictures" / "A.png")
    picture = StoredPicture(uri=stored, sha256="ab" * 32, width=320, height=400, bytes=1, mime="image/png")
    made = page_of(tmp_path, a_row(pictures=(picture,)), lost("unknown", credits_at_risk=2.0), max_credits=9.0)
    with ThreadPoolExecutor() as other:
        # The browser's driver has an event loop running in this thread.
        other.submit(asyncio.run, made).result()
    return tmp_path / "output" / run_page_path("run-1")


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_asks_nobody_for_anything(browser: Browser, page_file: Path, width: int) -> None:
    """No request but its own, no complaint of the browser's policy, nothing wider than the screen, the pictures in it."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(re.sub(r"^data:.*", "data:", request.url)))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(page_file.as_uri())

    assert {page_file.as_uri()} == set(asked) - {"data:"}
    assert [] == complaints
    assert width == page.evaluate("document.documentElement.scrollWidth")
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
