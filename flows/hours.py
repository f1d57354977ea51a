"""How long units take at the least, by what each account allows and how long its jobs take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import BaseModel

from blocks.account import VendorAccount
from blocks.operations import OPERATIONS

__all__ = ["USUAL_JOB_SECONDS", "AccountTime", "account_time", "job_seconds_of"]

# Where no manifest tells how long an operation's jobs take.
USUAL_JOB_SECONDS = 30.0
# A paid call, a first look at its job when most have ended, and a second one for those that have not.
CALLS_A_UNIT = 3


class AccountTime(BaseModel):
    """The hours that an account's units take, and which of its limits says so."""

    hours: float
    limited_by: str


def account_time(account: VendorAccount, units: Mapping[str, int], learned: Mapping[str, float]) -> AccountTime:
    """An account's time for so many units of each operation; `learned` are the seconds that their jobs took before."""
    seconds, limit = max(_bounds(account, units, learned))
    return AccountTime(hours=seconds / 3600, limited_by=limit)


def job_seconds_of(operation: str, learned: Mapping[str, float]) -> float:
    """How long a job of this operation usually takes."""
    return max(learned.get(operation, USUAL_JOB_SECONDS), OPERATIONS[operation].poll_seconds)


def _bounds(
    account: VendorAccount, units: Mapping[str, int], learned: Mapping[str, float]
) -> Iterator[tuple[float, str]]:
    count, limits = sum(units.values()), account.limits
    rates: Iterable[tuple[str, int | None, float]] = (
        ("generations_per_second", limits.generations_per_second, count),
        ("generations_per_minute", limits.generations_per_minute, count * 60),
        ("requests_per_second", limits.requests_per_second, count * CALLS_A_UNIT),
        ("requests_per_minute", limits.requests_per_minute, count * CALLS_A_UNIT * 60),
    )
    yield from ((work / rate, name) for name, rate, work in rates if rate is not None)
    jobs = sum(number * job_seconds_of(operation, learned) for operation, number in units.items())
    yield jobs / limits.jobs_in_flight, "jobs_in_flight"
