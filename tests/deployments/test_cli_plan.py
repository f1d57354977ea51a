"""`catwalk plan` and `catwalk apply`, as a person or a script uses them, against the vendors' own bill."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.stored_plan import StoredPlan
from sandbox.server import RunningSandbox
from tests.deployments.conftest import Catwalk
from tests.prefect_server import PrefectServer, eventually

pytestmark = pytest.mark.server

DELIVERED, NOT_DONE, PARTIAL = 0, 1, 3
Charges = Callable[[], list[dict[str, Any]]]

# Priorities of the demo's twelve SKUs in their order; None is none.
PRIORITIES = [None, 8.5, 9, 1, 5, 2, 8, 7, None, 4, 6, 10]


@pytest.fixture
def shop(write_catalog: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder with the demo catalog, at 33 credits an item, and priorities."""
    _prioritised(write_catalog(tmp_path))
    (tmp_path / "one.yaml").write_text("items_in_flight: 1")
    return tmp_path


def _prioritised(catalog: Path) -> None:
    table = pq.read_table(catalog)
    table = table.drop_columns([name for name in ("priority",) if name in table.column_names])
    pq.write_table(table.append_column("priority", pa.array(PRIORITIES, pa.float64())), catalog)


def _planned(catwalk: Catwalk, shop: Path, *options: str) -> StoredPlan:
    said = catwalk("plan", "catalog.parquet", "--output", "pictures", *options, "--json", folder=shop)
    assert DELIVERED == said.code, said.err
    return StoredPlan.model_validate_json(said.out)


def test_the_vendors_charge_what_was_quoted(
    catwalk: Catwalk,
    shop: Path,
    write_catalog: Callable[..., Path],
    charges: Charges,
    sandbox: RunningSandbox,
    prefect_server: PrefectServer,
) -> None:
    """New, changed, failed and done rows, two vendors, priorities and a budget: as planned, in that order, to the credit."""
    httpx.post(
        f"{sandbox.url}/sandbox/faults",
        json={"fault": "job_error", "operation": "ailabtools.try_on_refiner", "times": 1},
        trust_env=False,
    ).raise_for_status()
    first = catwalk(
        "run", "catalog.parquet", "--output", "pictures", "--limit", "4", "--config", "one.yaml", folder=shop
    )
    _prioritised(write_catalog(shop, CW_T102={"top_garment": str(shop / "other.png")}))
    (shop / "other.png").write_bytes(
        Path(pq.read_table(shop / "catalog.parquet")["top_garment"][4].as_py()).read_bytes()
    )
    before = len(charges())

    plan = _planned(catwalk, shop, "--retry", "failed", "--max-credits", "200")
    applied = catwalk("apply", plan.plan_id, "--output", "pictures", folder=shop)
    billed = charges()[before:]
    again = catwalk("apply", f"pictures/plans/{plan.plan_id}.json", folder=shop)

    assert PARTIAL == first.code
    assert "quote" not in first.err
    assert "4 items to do: 12 units for 132 credits" in first.err
    reasons = Counter({reason for stage in plan.quote.stages for reason in stage.reasons})
    assert {"new", "done", "picture changed", "failed before", "upstream changed"} <= reasons.keys()
    assert 2 == plan.quote.finished_items
    assert PARTIAL == applied.code
    assert plan.quote.credits == pytest.approx(sum(charge["credits"] for charge in billed), rel=0.01)
    assert {account.vendor.lower(): account.credits for account in plan.quote.accounts} == {
        vendor: sum(charge["credits"] for charge in billed if charge["vendor"] == vendor)
        for vendor in {charge["vendor"] for charge in billed}
    }
    assert plan.quote.units == len(billed)
    assert 190 < plan.quote.credits <= 200
    assert f"held by the budget of {200} credits" in applied.out
    assert NOT_DONE == again.code
    assert "was applied already" in again.err
    assert "manifest has moved on" in again.err
    assert before + len(billed) == len(charges())
    shown = {artifact["key"] for artifact in prefect_server.find("artifacts")}
    assert {"catwalk-quote", "catwalk-plan"} <= shown


def test_a_plan_is_told_with_the_command_that_applies_it(catwalk: Catwalk, shop: Path, charges: Charges) -> None:
    """What will be done, cost and left out, and where all of it lies; a stale one is refused with what to type."""
    before = len(charges())
    said = catwalk(
        "plan", "catalog.parquet", "--output", "pictures", "--max-credits", "70", folder=shop, CLAID_CREDIT_PRICE="0.1"
    )
    lines = said.out.splitlines()
    command = next(line.removeprefix("Apply it: ") for line in lines if line.startswith("Apply it: "))
    document = json.loads(Path(command.split()[-1]).read_text())
    units = pq.read_table(shop / "pictures" / document["files"]["units"]).to_pylist()
    table = pq.read_table(shop / "catalog.parquet")
    pq.write_table(table.slice(0, 11), shop / "catalog.parquet")
    stale = catwalk(*command.split()[1:], folder=shop)

    assert DELIVERED == said.code
    assert lines[0].startswith("4 items to do: 8 units for 70 credits, ")
    assert any(line.startswith("  Claid: 10 credits by the price list, 1.00 USD, for 6 units; ") for line in lines)
    assert "  budget of 70 credits: leaves 8 items out and pays for a part of 2, by priority" in lines
    assert "    CW-D304 model: new" == lines[lines.index("  first changes:") + 1]
    assert ["CW-D304"] * 3 + ["CW-T103"] * 3 == [unit["sku"] for unit in units[:6]]
    assert Counter({None: 8, "over budget": 10, "blocked": 18}) == Counter(unit["left_out"] for unit in units)
    assert NOT_DONE == stale.code
    assert "is stale: " in stale.err
    assert "CW-D304 model: new -> no longer planned" in stale.err
    assert f"Plan anew: catwalk plan {shop}/catalog.parquet --output {shop}/pictures" in stale.err
    assert before == len(charges())


def test_an_apply_that_was_killed_is_carried_on_by_the_same_command(
    catwalk: Catwalk, shop: Path, charges: Charges
) -> None:
    """Kill -9 amid its jobs: the same units, nothing paid twice, and no more than the quote."""
    timeouts = {"CLAID_TIMEOUTS": '{"connect": 0.5, "reply": 4, "claim_grace": 0}'}
    plan = _planned(catwalk, shop, "--max-credits", "66", "--config", "one.yaml")
    before = len(charges())
    arguments = ("apply", plan.plan_id, "--output", "pictures")
    process = catwalk.started(*arguments, folder=shop, **timeouts)
    journals = shop / "pictures" / "ledger" / "journals"
    eventually(lambda: list(journals.rglob("*.jsonl")) or None, "a job's id in the ledger", seconds=200)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=200)

    carried_on = catwalk(*arguments, folder=shop, **timeouts)
    billed = charges()[before:]

    assert PARTIAL == carried_on.code
    assert f"Run {plan.plan_id} was at work on this output" in carried_on.err
    assert "2 of 12 items delivered" in carried_on.out
    assert plan.quote.credits == sum(charge["credits"] for charge in billed) == 66
    assert {"CW-D304", "CW-T103"} == {path.name for path in (shop / "pictures" / "pictures").iterdir()}
