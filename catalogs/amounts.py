"""Credits in words."""

from __future__ import annotations

__all__ = ["amount"]

# Budgets count in millionths of a credit.
DECIMALS = 6


def amount(credits_: float) -> str:
    """All digits that matter, and no more: `0.5`, `3`, `1200000`."""
    return f"{credits_:.{DECIMALS}f}".rstrip("0").rstrip(".")
