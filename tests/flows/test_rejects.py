"""Rows that can't run, counted by reason."""

from __future__ import annotations

from catalogs.rows import Reject
from flows.rejects import MOST_REASONS, RejectTally


def tally(*reasons: str) -> RejectTally:
    """Rejects with these reasons."""
    counted = RejectTally()
    for row, reason in enumerate(reasons, start=1):
        counted.add(Reject(row, f"S{row}", "sku", "", reason))
    return counted


def test_reasons_that_differ_in_their_particulars_are_one() -> None:
    """What differs from row to row is left open; the most frequent reason comes first."""
    counted = tally("it is blank", "row 3 has the same SKU", "row 19 has the same SKU")

    assert [("row … has the same SKU", 2), ("it is blank", 1)] == [
        (count.reason, count.rows) for count in counted.counts()
    ]


def test_a_reason_that_is_always_the_same_is_told_in_full() -> None:
    """With the stage that it names."""
    counted = tally("stage 'model': the row has no garment", "stage 'model': the row has no garment")

    assert [("stage 'model': the row has no garment", 2)] == [(count.reason, count.rows) for count in counted.counts()]


def test_no_catalog_makes_the_tally_grow_without_end() -> None:
    """Beyond some reasons the rest is counted together, and ten rows are told."""
    counted = tally(*("x" * (1 + number) for number in range(3 * MOST_REASONS)))

    assert (3 * MOST_REASONS, 10) == (counted.rows, len(counted.first))
    assert ("other reasons", 2 * MOST_REASONS) == (counted.counts()[0].reason, counted.counts()[0].rows)
