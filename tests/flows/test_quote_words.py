"""A quote in people's words."""

from __future__ import annotations

import pytest

from flows.quote import AccountQuote, Change, Quote, RejectCount, RejectedRow, StageQuote
from flows.quote_words import headline, lines_of

FULL = Quote(
    items=3,
    in_part=1,
    over_budget=2,
    finished_items=7,
    rejected_rows=12,
    units=5,
    credits=64.5,
    max_credits=65,
    hours=1.5,
    stages=[
        StageQuote(
            stage="model",
            operation="claid.fashion_models",
            vendor="Claid",
            units=3,
            credits=4.5,
            reasons={"new": 3, "done": 1},
            left_out={"over budget": 2},
        )
    ],
    accounts=[
        AccountQuote(vendor="Claid", units=3, credits=4.5, money="0.45 EUR", hours=0.01, limited_by="jobs_in_flight")
    ],
    rejects=[RejectCount(column="sku", reason="row … has the same SKU", rows=12)],
    first_rejects=[RejectedRow(row=4, sku=None, column="sku", reason="row 3 has the same SKU")],
    gone=11,
    first_gone=["X"],
    first_changes=[Change(sku="A", stage="model", reason="new")],
)
NOTHING = Quote(items=0, finished_items=9, units=0, credits=0, hours=0, stages=[], accounts=[], first_changes=[])


def test_a_quote_tells_everything_that_it_has() -> None:
    """From the headline to the rows that can't run."""
    assert [
        "3 items to do, 7 unchanged, 12 rows can't run: 5 units for 64.5 credits, 90 min at least",
        "  Claid: 4.5 credits by the price list, 0.45 EUR, for 3 units; 36 s at its jobs_in_flight",
        "  budget of 65 credits: leaves 2 items out and pays for a part of 1, by priority",
        "  model: 3 units, 4.5 credits (3 new, 1 done); left out: 2 over budget",
        "  first changes, of 5:",
        "    A model: new",
        "  12 rows can't run: column 'sku': row … has the same SKU",
        "  row 4 (no SKU), column 'sku': row 3 has the same SKU",
        "  11 SKUs have left the catalog: 'X', …",
    ] == list(lines_of(FULL))


def test_a_night_without_changes_has_nothing_to_pay() -> None:
    """One line."""
    assert ["0 items to do, 9 unchanged: nothing to pay"] == list(lines_of(NOTHING))


@pytest.mark.parametrize(
    ("hours", "told"), [(0.001, "4 s"), (0.04, "2 min"), (1.9, "114 min"), (2.5, "2.5 h"), (100, "100.0 h")]
)
def test_a_time_is_told_in_the_unit_that_people_would_use(hours: float, told: str) -> None:
    """Seconds, minutes or hours."""
    assert f", {told} at least" in headline(FULL.model_copy(update={"hours": hours}))
