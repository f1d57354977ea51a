"""What the vendors accepted and billed: every accepted job leaves a line, so that a double charge shows."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sandbox.clock import iso

__all__ = ["Charge", "Charges", "fingerprint"]

LINES_KEPT = 1_000_000


@lru_cache(maxsize=1024)
def fingerprint(key: str) -> str:
    """A short name for a key that does not give it away."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


@dataclass(slots=True)
class Charge:
    """One accepted job; `digest` is equal for equal requests, `billed` says whether its credits are taken."""

    n: int
    vendor: str
    operation: str
    job_id: str | None
    request_id: str
    credits: float
    time: float
    digest: str
    key: str
    billed: bool

    def line(self) -> dict[str, Any]:
        """The charge as JSON."""
        return {
            "n": self.n,
            "vendor": self.vendor,
            "operation": self.operation,
            "job_id": self.job_id,
            "request_id": self.request_id,
            "credits": self.credits,
            "time": iso(self.time),
            "digest": self.digest,
            "key": self.key,
            "billed": self.billed,
        }


class Charges:
    """The accepted jobs in order, and what each key has left."""

    def __init__(self, balances: dict[str, float]) -> None:
        self._lines: deque[Charge] = deque(maxlen=LINES_KEPT)
        self._starting = balances
        self._billed: dict[tuple[str, str], float] = {}
        self._n = 0

    def accept(
        self,
        *,
        operation: str,
        job_id: str | None,
        request_id: str,
        credits_: float,
        time: float,
        digest: str,
        key: str,
        billed: bool,
    ) -> Charge:
        """Write down an accepted job."""
        self._n += 1
        vendor = operation.partition(".")[0]
        charge = Charge(self._n, vendor, operation, job_id, request_id, credits_, time, digest, key, billed=False)
        self._lines.append(charge)
        if billed:
            self.bill(charge)
        return charge

    def bill(self, charge: Charge) -> None:
        """Take the credits, once."""
        if not charge.billed:
            charge.billed = True
            self._move(charge, charge.credits)

    def refund(self, charge: Charge) -> None:
        """Give the credits back, once."""
        if charge.billed:
            charge.billed = False
            self._move(charge, -charge.credits)

    def balance(self, vendor: str, key: str) -> float:
        """The credits that a key has left with a vendor."""
        return self._starting[vendor] - self._billed.get((vendor, key), 0.0)

    def lines(self) -> list[dict[str, Any]]:
        """Every accepted job as JSON, oldest first."""
        return [charge.line() for charge in self._lines]

    def summary(self) -> dict[str, dict[str, float]]:
        """Accepted jobs, billed jobs and billed credits by operation."""
        totals: dict[str, dict[str, float]] = {}
        for charge in self._lines:
            total = totals.setdefault(charge.operation, {"accepted": 0, "billed": 0, "credits": 0.0})
            total["accepted"] += 1
            total["billed"] += charge.billed
            total["credits"] += charge.credits if charge.billed else 0.0
        return totals

    def _move(self, charge: Charge, amount: float) -> None:
        account = (charge.vendor, charge.key)
        self._billed[account] = self._billed.get(account, 0.0) + amount
