"""How far a flow run's work has come, how fast it goes, what it spends and when it will end."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from blocks.account import VendorAccount
from catalogs.manifest import ManifestRow
from flows.budget import Budget

__all__ = ["RunProgress", "StageProgress", "spell"]

# A rate is told over this long; over the whole of a night it would hide that nothing moves any more.
WINDOW_SECONDS = 120
FIRST_RATE_SECONDS = 5.0
MOST_KINDS_TOLD = 4


class Rate:
    """How many things happened of late, in seconds' buckets, so that memory does not grow with them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._buckets: deque[list[int]] = deque()

    def count(self) -> None:
        """One more."""
        second = int(self._clock())
        if not self._buckets or self._buckets[-1][0] != second:
            self._buckets.append([second, 0])
        self._buckets[-1][1] += 1
        self._forget()

    def per_minute(self) -> float | None:
        """Over the last two minutes, or since the beginning; None before there is anything to go by."""
        passed = min(self._clock() - self._since, WINDOW_SECONDS)
        if passed < FIRST_RATE_SECONDS:
            return None
        self._forget()
        return sum(count for _, count in self._buckets) * 60 / passed

    def _forget(self) -> None:
        while self._buckets and self._buckets[0][0] < self._clock() - WINDOW_SECONDS:
            self._buckets.popleft()


@dataclass(frozen=True, slots=True)
class StageProgress:
    """A stage's units: how many there are, how many have ended, and how."""

    stage: str
    units: int
    done: int
    others: Mapping[str, int]

    @property
    def ended(self) -> int:
        """Well or not."""
        return self.done + sum(self.others.values())


class RunProgress:
    """Counts what has come to an end; `planned` are the units of each stage, in the recipe's order."""

    def __init__(
        self, total: int, planned: Mapping[str, int] | None = None, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self.total = total
        self.planned = dict(planned or {})
        self.by_status: Counter[str] = Counter()
        self.by_stage: Counter[tuple[str, str]] = Counter()
        self.by_kind: Counter[str] = Counter()
        self.budget: Budget | None = None
        self.waits: dict[str, str] = {}
        self.limits: dict[str, float] = {}
        self._clock = clock
        self._ends = Rate(clock)
        self._calls: dict[str, Rate] = {}

    def watch(self, account: VendorAccount) -> None:
        """Tell the rate of paid calls at an account, beside what it allows."""
        self._calls.setdefault(account.vendor, Rate(self._clock))
        if (limit := account.limits.paid_calls_per_minute) is not None:
            self.limits[account.vendor] = limit

    def wait(self, vendor: str, why: str) -> None:
        """A vendor refuses for now, and its lane waits."""
        self.waits[vendor] = why

    def sent(self, vendor: str) -> None:
        """The vendor has taken a paid call, so it takes calls again if it did not."""
        self.waits.pop(vendor, None)
        self._calls.setdefault(vendor, Rate(self._clock)).count()

    def count(self, row: ManifestRow) -> None:
        """One unit has ended."""
        self.by_status[row.status] += 1
        self.by_stage[row.stage, row.status] += 1
        self._ends.count()
        if row.status not in ("done", "blocked"):
            self.by_kind[row.error_kind or row.status] += 1

    @property
    def ended(self) -> int:
        """Units that have ended, well or not."""
        return self.by_status.total()

    @property
    def percent(self) -> float:
        """Of all units, those that have ended."""
        return 100.0 * self.ended / self.total if self.total else 100.0

    def stages(self) -> list[StageProgress]:
        """Each stage, in the recipe's order."""
        names = dict.fromkeys([*self.planned, *(stage for stage, _ in self.by_stage)])
        return [self._stage(name) for name in names]

    def remaining(self) -> timedelta | None:
        """How long the rest takes at the present rate; None while nothing moves."""
        rate = self._ends.per_minute()
        return timedelta(minutes=(self.total - self.ended) / rate) if rate else None

    def rates(self) -> dict[str, str]:
        """Paid calls a minute at each account, beside what it allows."""
        rates = {vendor: rate.per_minute() for vendor, rate in self._calls.items()}
        return {vendor: _rate(rate, self.limits.get(vendor)) for vendor, rate in rates.items() if rate is not None}

    def troubles(self) -> str:
        """What went wrong so far, by kind."""
        told = self.by_kind.most_common(MOST_KINDS_TOLD)
        words = ", ".join(f"{count} {kind}" for kind, count in told)
        return f"{words}, …" if len(self.by_kind) > len(told) else words

    def words(self) -> str:
        """The counts in one line."""
        stages = ", ".join(f"{each.stage} {each.done}" for each in self.stages() if each.done)
        blocked = f"{self.by_status['blocked']} blocked" if self.by_status["blocked"] else ""
        money = self.budget.words() if self.budget else ""
        rates = ", ".join(f"{vendor} {rate}" for vendor, rate in self.rates().items())
        waits = ", ".join(f"waiting: {why}" for why in self.waits.values())
        left = self.remaining()
        eta = f"about {spell(left)} left" if left and self.ended < self.total else ""
        return "; ".join(part for part in (stages, self.troubles(), blocked, money, rates, eta, waits) if part)

    def _stage(self, name: str) -> StageProgress:
        others = {status: count for (stage, status), count in self.by_stage.items() if stage == name}
        done = others.pop("done", 0)
        return StageProgress(name, self.planned.get(name, 0), done, others)


def _rate(rate: float, limit: float | None) -> str:
    return f"{rate:.0f}/min" + (f" of {limit:.0f}" if limit is not None else "")


def spell(left: timedelta) -> str:
    """A duration as one says it: `40 s`, `12 min`, `3 h 5 min`."""
    minutes = round(left.total_seconds() / 60)
    if minutes < 2:  # noqa: PLR2004 - below it, seconds tell more
        return f"{max(left.total_seconds(), 1):.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004 - as above
