"""Credits in words."""

from __future__ import annotations

import pytest

from catalogs.amounts import amount


@pytest.mark.parametrize(
    ("credits_", "words"),
    [(0.0, "0"), (30.0, "30"), (0.5, "0.5"), (0.1 + 0.2, "0.3"), (1_200_000.0, "1200000"), (1_234_567.5, "1234567.5")],
)
def test_credits_are_told_in_full(credits_: float, words: str) -> None:
    """A night of forty thousand items costs more than a million, to the credit."""
    assert words == amount(credits_)
