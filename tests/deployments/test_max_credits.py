"""`--max-credits`: as a person sets it, through kills, and what the command says of it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.conftest import Catwalk
from tests.prefect_server import eventually

DELIVERED, USAGE, PARTIAL = 0, 2, 3


@pytest.fixture
def shop(write_catalog: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder with the demo catalog, at 33 credits an item."""
    write_catalog(tmp_path)
    return tmp_path


def test_dry_run_says_what_the_budget_leaves_undone(offline_catwalk: Catwalk, shop: Path) -> None:
    """Plan, prices and budget, without a key."""
    arguments = ("catalog.parquet", "--output", "pictures", "--limit", "4", "--max-credits", "100", "--dry-run")
    said = offline_catwalk("run", *arguments, folder=shop, CLAID_API_KEY=None, CLAID_CREDIT_PRICE="0.05")

    assert DELIVERED == said.code
    assert "3 items to do: 9 units for 99 credits" in said.out
    assert "Claid: 9 credits by the price list, 0.45 USD" in said.out
    assert "budget of 100 credits: leaves 1 items out and pays for a part of 0" in said.out


@pytest.mark.parametrize(
    "limit", ["-1", *(pytest.param(limit, marks=pytest.mark.slow) for limit in ("nan", "inf", "much"))]
)
def test_a_budget_that_is_none_is_wrong_usage(offline_catwalk: Catwalk, shop: Path, limit: str) -> None:
    """Nothing begins without a limit that its user believes in."""
    arguments = ("catalog.parquet", "--output", "pictures", "--max-credits", limit)
    said = offline_catwalk("run", *arguments, folder=shop)

    assert USAGE == said.code
    assert "--max-credits" in said.err


@pytest.mark.server
def test_a_killed_run_keeps_to_its_budget_and_a_higher_one_delivers(
    catwalk: Catwalk, offline_catwalk: Catwalk, shop: Path, charges: Callable[[], list[Any]]
) -> None:
    """Kill -9, the same command again, then without a limit: never over, nothing paid twice, and all told."""
    before = len(charges())
    arguments = ("run", "catalog.parquet", "--output", "pictures", "--limit", "4")
    timeouts = {"CLAID_TIMEOUTS": '{"connect": 0.5, "reply": 4, "claim_grace": 0}'}
    # One item at a time, killed while its job runs: then no reply is lost, and no outcome unknown.
    (shop / "one.yaml").write_text("items_in_flight: 1")
    process = catwalk.started(*arguments, "--config", "one.yaml", "--max-credits", "100", folder=shop, **timeouts)
    journals = shop / "pictures" / "ledger" / "journals"
    eventually(lambda: list(journals.rglob("*.jsonl")) or None, "a job's id in the ledger", seconds=200)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=200)

    again = catwalk(*arguments, "--max-credits", "100", folder=shop, **timeouts)
    bill = sum(charge["credits"] for charge in charges()[before:])
    rest = catwalk(*arguments, folder=shop, **timeouts)
    stands = offline_catwalk("status", "pictures", folder=shop)

    assert (PARTIAL, DELIVERED) == (again.code, rest.code)
    assert 99 == bill
    assert "held by the budget of 100 credits" in again.out
    assert "of 100 credits" in again.out
    assert "Credits:  model " in again.out
    assert "left out of the plan, whose budget of 100 credits pays for others before it" in again.out
    assert "Run again with a higher max_credits (--max-credits)" in again.out
    assert 4 * 33.0 == sum(charge["credits"] for charge in charges()[before:])
    assert "on-model refine: 4 done; 120 credits" in stands.out
