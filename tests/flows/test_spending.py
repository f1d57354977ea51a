"""What runs spend, against the sandbox's own bill: never more than the budget, and told as it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.ailabtools import AILabToolsCredentials
from blocks.claid import ClaidCredentials
from blocks.errors import AuthFailed
from catalogs.mapping import CatalogSource
from catalogs.plan import PlannedItem
from flows.accounts import account_from_environment
from flows.budget import Budget
from flows.desk import Desk
from flows.parameters import CatalogRun
from flows.planning import make_plan
from tests.flows.bench import ON_MODEL, as_recipe, catalog, desk, planned, reported, worked
from tests.flows.vendors import Vendors

pytestmark = pytest.mark.usefixtures("closed_client")

ITEM_PRICE = 33.0


@pytest.fixture(scope="module")
def job_seconds() -> float:
    """Over by the first look at it, as there are many jobs one after the other."""
    return 0.02


@pytest.fixture
def items(tmp_path: Path) -> list[PlannedItem]:
    """Eight items of three stages, 2, 30 and 1 credits."""
    return planned(catalog(tmp_path / "catalog", 8), ON_MODEL)


@pytest.fixture
def open_desk(vendors: Vendors, tmp_path: Path) -> Callable[..., Desk]:
    """A desk of a run with a budget."""

    def opened(max_credits: float | None, run_id: str = "run-1", **timeouts: Any) -> Desk:
        at = desk(vendors, str(tmp_path / "output"), run_id=run_id, **timeouts)
        at.budget = at.progress.budget = Budget(at.storage, run_id, max_credits)
        return at

    return opened


def preset_model(model_id: str) -> str:
    """A recipe of one stage at one credit."""
    options = f"{{model_id: '{model_id}', scene_type: original}}"
    return f"name: preset\nstages: [{{name: model, operation: vmake.fashion_model, options: {options}}}]"


def accepted(vendors: Vendors) -> float:
    """Credits of every job that a vendor has accepted, billed or not."""
    return sum(charge["credits"] for charge in vendors.charges())


async def test_the_bill_stays_below_the_budget_and_the_next_run_does_the_rest(
    vendors: Vendors, items: list[PlannedItem], open_desk: Callable[..., Desk]
) -> None:
    """What the budget can't pay is held with its reason, nothing is paid twice, and a higher limit finishes it."""
    rows = await worked(open_desk(100), items)
    bill = accepted(vendors)

    assert 70 < bill <= 100
    assert {"done", "held", "blocked"} == {row.status for row in rows}
    held = [row for row in rows if row.status == "held"]
    assert {"budget_reached"} == {row.error_kind for row in held}
    assert all("of the 100 that the run may spend" in (row.reason or "") for row in held)

    rest = await worked(open_desk(1000, "run-2"), items)

    assert {"done"} == {row.status for row in rest}
    assert ITEM_PRICE * len(items) == accepted(vendors)


async def test_a_unit_that_is_held_is_neither_prepared_nor_sent(
    vendors: Vendors, items: list[PlannedItem], open_desk: Callable[..., Desk]
) -> None:
    """With no budget at all no vendor hears of the run, and its rows show no charge."""
    rows = await worked(open_desk(0), items)

    assert {} == vendors.requests()
    assert ["held", "blocked", "blocked"] * len(items) == [row.status for row in rows]
    assert {(0.0, 0.0)} == {(row.credits, row.credits_at_risk) for row in rows}


@pytest.mark.parametrize("limit", [33, 150])
async def test_kills_and_restarts_of_one_run_stay_below_its_budget(
    vendors: Vendors, items: list[PlannedItem], open_desk: Callable[..., Desk], limit: float
) -> None:
    """Killed again and again while calls are in flight, and begun again under its own name."""
    for kill in range(6):
        running = asyncio.create_task(worked(open_desk(limit, claim_grace=0, connect=0.1, reply=5), items))
        before = len(vendors.charges())
        while len(vendors.charges()) <= before and not running.done():
            await asyncio.sleep(0.01 * kill)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert accepted(vendors) <= limit


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("rate_limited", {"phase": "submit", "times": 5, "retry_after": 0}),
        ("cut_after", {"phase": "submit", "times": 3, "after": True}),
        ("error_500", {"phase": "submit", "times": 3, "after": True}),
        ("job_error", {"times": 3}),
    ],
)
async def test_refusals_and_lost_replies_keep_to_the_budget_and_are_told_apart(
    vendors: Vendors, items: list[PlannedItem], open_desk: Callable[..., Desk], fault: str, rule: dict[str, Any]
) -> None:
    """Charged for pictures, and at risk for none: together they are what the budget counts, at least what is billed."""
    vendors.misbehave(fault, **rule)
    at = open_desk(150)

    report = reported(await worked(at, items))

    charged = sum(spent.charged for spent in report.spending.values())
    at_risk = sum(spent.at_risk for spent in report.spending.values())
    assert accepted(vendors) <= charged + at_risk == at.budget.spent <= 150
    assert (at_risk == 0) == (fault == "rate_limited")
    assert 0 == at.budget.held


async def test_what_the_vendor_refuses_is_not_counted(
    vendors: Vendors, tmp_path: Path, open_desk: Callable[..., Desk]
) -> None:
    """Calls that the vendor rejects cost nothing, so the budget pays for as many others."""
    table = catalog(tmp_path / "catalog", 8)
    at = open_desk(3)

    rejected = await worked(at, planned(table, preset_model("nobody")))
    done = await worked(at, planned(table, preset_model("002")))

    assert [("failed", "rejected", 0.0)] * 8 == [(row.status, row.error_kind, row.credits_at_risk) for row in rejected]
    assert (3, 3.0) == (sum(row.status == "done" for row in done), accepted(vendors))


async def test_a_job_that_was_not_fetched_is_at_risk_under_the_run_that_sent_it(
    vendors: Vendors, items: list[PlannedItem], open_desk: Callable[..., Desk]
) -> None:
    """An accepted job whose picture did not come costs what it costs, once, and its row names it."""
    vendors.misbehave("job_never_ends", operation="claid.fashion_models")
    first = await worked(open_desk(None, job=0.1), items[:1])
    again = await worked(open_desk(None, "run-2", job=0.1), items[:1])

    for rows in (first, again):
        assert ("failed", 2.0, "run-1") == (rows[0].status, rows[0].credits_at_risk, rows[0].run_id)
        assert rows[0].job_id is not None
    assert {} == reported(again, "run-2").spending


async def test_a_report_tells_credits_by_vendor_and_stage_and_in_money(
    items: list[PlannedItem], open_desk: Callable[..., Desk]
) -> None:
    """Three stages at two vendors, one of which has told what a credit costs."""
    account = ClaidCredentials.without_key(credit_price=0.05, currency="EUR")
    rows = await worked(open_desk(40), items[:2])

    report = reported(rows, accounts=[account, AILabToolsCredentials.without_key()], max_credits=40.0)

    assert {"model": 4, "refine": 30, "scene": 1} == {
        stage: spent.charged for stage, spent in report.spending_by_stage.items()
    }
    assert (
        "1 of 2 items delivered; 1 held by the budget of 40 credits; credits: 5 Claid (0.25 EUR), 30 AILabTools"
    ) == report.headline()


async def test_progress_tells_what_is_spent_and_held(open_desk: Callable[..., Desk]) -> None:
    """In one line, with the limit."""
    at = open_desk(100)
    async with at.budget.promise(30), at.budget.promise(2) as share:
        await share.reserve()
        share.commit()
        before = at.progress.words()
    after = at.progress.words()

    assert "0 credits spent, 32 held, 100 at most" == before
    assert "2 credits spent, 100 at most" == after


async def test_a_plan_is_priced_by_the_accounts_own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's prices count in a dry run too, where there may be no key."""
    monkeypatch.setenv("CLAID_PRICES", json.dumps({"fashion_models_picture": 1.5, "scene_picture": 0.25}))
    monkeypatch.setenv("CLAID_CREDIT_PRICE", "0.1")
    run = CatalogRun(
        catalog=CatalogSource(uri=str(catalog(tmp_path / "catalog", 4))),
        recipe=as_recipe(ON_MODEL),
        output=str(tmp_path / "output"),
    )

    plan = await make_plan(run, "dry-run", tmp_path)

    assert [("AILabTools", 120.0, None), ("Claid", 7.0, "0.70 USD")] == [
        (account.vendor, account.credits, account.money) for account in plan.quote.accounts
    ]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("CLAID_PRICES", '{"scene": 1}', "CLAID_PRICES can't be used: scene: Extra inputs are not permitted"),
        ("CLAID_PRICES", '{"scene_picture": -1}', "CLAID_PRICES can't be used: scene_picture: Input should be greater"),
        ("CLAID_PRICES", "two", "CLAID_PRICES can't be used: Input should be a valid dictionary"),
        ("CLAID_LIMITS", "{", "CLAID_LIMITS can't be used: Input should be a valid dictionary"),
        ("CLAID_CURRENCY", "euro", "CLAID_CURRENCY can't be used: String should match pattern"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, complaint: str
) -> None:
    """The variable and its field, so that it can be mended."""
    monkeypatch.setenv("CLAID_API_KEY", "key")
    monkeypatch.setenv(name, value)

    with pytest.raises(AuthFailed, match=complaint):
        account_from_environment(ClaidCredentials)


def test_prices_of_an_account_can_be_edited() -> None:
    """As in Prefect's form: one field a price, none below zero."""
    account = ClaidCredentials(api_key=SecretStr("key"), prices={"scene_picture": 3})  # pyright: ignore[reportArgumentType] - as a form sends it

    assert (3, 2) == (account.prices.scene_picture, account.prices.edit_picture)
