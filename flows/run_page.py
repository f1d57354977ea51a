"""A run's report as a page under its output, and links that open it from Prefect."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from blocks.account import VendorAccount
from blocks.errors import CatwalkError
from blocks.fitting import fit
from blocks.pictures import PictureLimits, off_loop
from blocks.storage import ObjectStorage
from catalogs.amounts import amount
from catalogs.figures import Figures, figures_of
from catalogs.layout import HTML, failures_path, run_page_path
from catalogs.run_page import RunFacts, ShownPicture, Spent, render_run_page
from flows.budget import BudgetReached
from flows.publish import PublishedManifest
from flows.report import RunReport

__all__ = ["publish_run_page"]

SMALL = PictureLimits(formats=frozenset({"JPEG"}), max_bytes=40_000, max_side=400)
# From the page, which lies at runs/<run_id>/.
ROOT = "../../"


async def publish_run_page(
    manifest: PublishedManifest, report: RunReport, accounts: Iterable[VendorAccount], folder: Path
) -> RunReport:
    """
    Write the page and the list of failures; returns the report with their addresses.

    Whatever goes wrong with them, the pictures and the manifest are there, so the run does not fail for it.
    """
    try:
        return await _publish(manifest, report, list(accounts), folder)
    except Exception:  # noqa: BLE001 - see above
        with suppress(MissingContextError):
            get_run_logger().warning("The run's report page could not be written", exc_info=True)
        return report


async def _publish(
    manifest: PublishedManifest, report: RunReport, accounts: Sequence[VendorAccount], folder: Path
) -> RunReport:
    storage, failures = manifest.storage, folder / "failures.csv"
    figures = await asyncio.to_thread(figures_of, manifest.parts, report.run_id, failures_csv=failures)
    addresses = {"page": storage.uri(run_page_path(report.run_id))}
    if figures.failed:
        path = failures_path(report.run_id)
        await storage.upload(path, failures, content_type="text/csv; charset=utf-8")
        addresses["failures"] = storage.uri(path)
    facts = _facts(report, figures, accounts, [look async for look in _looks(storage, figures)])
    page = await asyncio.to_thread(render_run_page, facts, figures)
    await storage.write(run_page_path(report.run_id), page.encode(), content_type=HTML)
    link = await storage.shared_link(run_page_path(report.run_id))
    links = report.links | ({"Report": link} if link else {})
    return report.model_copy(update={**addresses, "links": links})


def _facts(
    report: RunReport, figures: Figures, accounts: Sequence[VendorAccount], looks: Sequence[ShownPicture]
) -> RunFacts:
    limits = {account.vendor: account.limits.paid_calls_per_minute for account in accounts}
    return RunFacts(
        run_id=report.run_id,
        recipe=report.recipe,
        headline=report.headline(),
        started_at=report.started_at,
        finished_at=report.finished_at,
        items=report.items,
        delivered=report.delivered,
        unchanged=report.unchanged,
        quarantined=report.quarantined,
        output=report.output,
        spent=[
            Spent(vendor, sums.charged, sums.at_risk, report.money.get(vendor))
            for vendor, sums in report.spending.items()
        ],
        max_credits=report.max_credits,
        notes=list(_notes(report, figures)),
        limits={vendor: limit for vendor, limit in limits.items() if limit is not None},
        links=_links(report),
        failures_link="failures.csv" if figures.failed else None,
        looks=looks,
    )


def _links(report: RunReport) -> dict[str, str]:
    gallery = {"Gallery": f"{ROOT}gallery.html"} if report.gallery else {}
    plan = {"Plan": f"{ROOT}plans/{report.run_id}.parquet"}
    return gallery | {"Manifest": f"{ROOT}manifest.parquet"} | plan


def _notes(report: RunReport, figures: Figures) -> Iterator[str]:
    """Why the run ended before all was done, if it did."""
    if report.budget_held:
        yield (
            f"The budget of {amount(report.max_credits or 0)} credits held {report.budget_held:,} units. "
            "A run with a higher --max-credits does them; what is delivered stays."
        )
    for kind in figures.failures:
        if kind.status == "held" and kind.kind not in (BudgetReached.kind(), None) and kind.first:
            yield f"{kind.count:,} units were held, the first for this: {kind.first[0]['error_message']}"


async def _looks(storage: ObjectStorage, figures: Figures) -> AsyncIterator[ShownPicture]:
    """The first pictures, small enough to travel within the page."""
    for sku, uri in figures.pictures:
        path = storage.path_of(uri)
        if path is None:
            continue
        try:
            small, info = await off_loop(fit, await storage.read(path), SMALL, source=uri)
        except CatwalkError:
            # The page is about the run; `catwalk explain --verify` is about a picture that is gone.
            continue
        yield ShownPicture(sku, f"data:{info.mime};base64,{b64encode(small).decode()}")
