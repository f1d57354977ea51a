"""What an output's manifest says against what the vendors charged, unit by unit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

__all__ = ["Books"]

Facts = dict[str, Any]


@dataclass(frozen=True)
class Books:
    """The manifest's rows and the vendors' charges, read at one time."""

    rows: list[Facts]
    charges: list[Facts]

    @property
    def statuses(self) -> Counter[str]:
        """How many units ended how."""
        return Counter(row["status"] for row in self.rows)

    @property
    def digests(self) -> Counter[str]:
        """How often each request was charged; equal requests are one unit's."""
        return Counter(charge["digest"] for charge in self.charges)

    def those(self, status: str) -> list[Facts]:
        """The rows that ended so."""
        return [row for row in self.rows if row["status"] == status]

    def charges_of(self, row: Facts) -> list[Facts]:
        """The charges that name the row's job or, where it has none, its request."""
        return self._by_name.get(row["job_id"] or row["request_id"], [])

    def lost(self) -> list[Facts]:
        """The charges that no row knows of: their replies never came."""
        known = {row["job_id"] or row["request_id"] for row in self.rows}
        return [charge for name, charges in self._by_name.items() if name not in known for charge in charges]

    @cached_property
    def _by_name(self) -> dict[str, list[Facts]]:
        named: dict[str, list[Facts]] = {}
        for charge in self.charges:
            named.setdefault(charge["job_id"] or charge["request_id"], []).append(charge)
        return named

    def lines(self) -> list[str]:
        """The sums, and each unit whose outcome nobody knows."""
        sums = ", ".join(f"{count} {status}" for status, count in self.statuses.most_common())
        unknown = (
            f"  unknown: {row['sku']} {row['stage']}, {row['credits_at_risk']:g} {row['vendor']} credits at risk"
            for row in self.those("unknown")
        )
        charged = f"{len(self.charges)} charges for {len(self.digests)} different units, {len(self.lost())} lost"
        return [f"{sums}; {charged}", *unknown]
