"""Catalog rows that can't run, counted by reason in bounded memory."""

from __future__ import annotations

import re

from catalogs.masking import masked_text
from catalogs.rows import Reject
from flows.quote import RejectCount, RejectedRow

__all__ = ["RejectTally"]

TOLD = 10
MOST_REASONS = 50
OTHERS = "", "other reasons"

# What differs from row to row in one and the same reason.
_PARTICULAR = re.compile(r"\d+|'[^']*'|\"[^\"]*\"")


class RejectTally:
    """Rows that can't run: how many, the first of them, and how many for each reason."""

    def __init__(self) -> None:
        self.rows = 0
        self.first: list[RejectedRow] = []
        self._counts: dict[tuple[str, str], RejectCount] = {}

    def add(self, reject: Reject) -> None:
        """Count one row."""
        self.rows += 1
        reason = masked_text(reject.reason)
        kind = reject.column, _PARTICULAR.sub("…", reason)
        if kind not in self._counts and len(self._counts) >= MOST_REASONS:
            kind, reason = OTHERS, OTHERS[1]
        count = self._counts.setdefault(kind, RejectCount(column=kind[0], reason=reason, rows=0))
        count.rows += 1
        if count.reason != reason:
            count.reason = kind[1]
        if len(self.first) < TOLD:
            self.first.append(
                RejectedRow(row=reject.row, sku=reject.sku, look=reject.look, column=reject.column, reason=reason)
            )

    def counts(self) -> list[RejectCount]:
        """The reasons, the most frequent first."""
        return sorted(self._counts.values(), key=lambda count: -count.rows)
