"""An account at work: careful until it is proven, closed for good by what concerns all of its calls."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from blocks.account import Limits
from blocks.errors import (
    AuthFailed,
    ContentRefused,
    ContractDrift,
    JobFailed,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    Rejected,
    ResultExpired,
    Unavailable,
    VendorError,
)
from blocks.vmake import VmakeCredentials
from flows.lane import Lane, LaneClosed

CLOSING = (AuthFailed, QuotaExhausted, ContractDrift)
PASSING = (RateLimited, Unavailable, Rejected, ContentRefused, JobFailed, ResultExpired, OutcomeUnknown)


@pytest.fixture
def lane() -> Lane:
    """A lane that nobody has used."""
    return Lane(VmakeCredentials(api_key=SecretStr("key")))


async def go(lane: Lane, inside: list[int], *, error: VendorError | None = None) -> None:
    """Pass the door, noting how many are inside; a moment passes while inside."""
    async with lane.door():
        inside.append(inside[-1] + 1)
        await asyncio.sleep(0.001)
        inside.append(inside[-1] - 1)
        if error is not None:
            raise error


async def test_calls_go_one_at_a_time_until_one_has_passed(lane: Lane) -> None:
    """Failures that say nothing of the account prove nothing, and the next one tries alone."""
    inside = [0]

    ends = await asyncio.gather(
        *(go(lane, inside, error=Unavailable("no answer")) for _ in range(5)), return_exceptions=True
    )

    assert [Unavailable] * 5 == [type(end) for end in ends]
    assert 1 == max(inside)


async def test_who_waited_for_the_first_call_goes_with_all_the_others(lane: Lane) -> None:
    """Once the account is proven nobody stands in a queue, not even those who came before."""
    inside = [0]

    await asyncio.gather(*(go(lane, inside) for _ in range(50)))

    assert 1 == inside[1]
    assert 40 < max(inside)


@pytest.mark.parametrize("kind", CLOSING)
async def test_what_concerns_the_account_is_met_once(lane: Lane, kind: type[VendorError]) -> None:
    """One call is refused, and whoever waited behind it is held with its cause and next step."""
    inside = [0]
    refusal = kind("the vendor says no", words="invalid key", next_step="Check the key.")

    ends = await asyncio.gather(*(go(lane, inside, error=refusal) for _ in range(20)), return_exceptions=True)

    held = [str(end) for end in ends if isinstance(end, LaneClosed)]
    assert 1 == sum(end is refusal for end in ends)
    assert 19 == len(held)
    assert all(
        part in held[0] for part in (kind.kind(), "the vendor says no", "invalid key", "Check the key.", "next run")
    )


@pytest.mark.parametrize("kind", PASSING)
async def test_what_concerns_one_call_keeps_the_lane_open(lane: Lane, kind: type[VendorError]) -> None:
    """A row's own trouble is nobody else's."""
    with pytest.raises(kind):
        await go(lane, [0], error=kind("this one"))

    await go(lane, [0])
    lane.check_open()


def test_every_vendor_error_either_closes_the_lane_or_does_not() -> None:
    """A new class has to be thought about here."""
    kinds, waiting = set[type[VendorError]](), [VendorError]
    while waiting:
        below = waiting.pop().__subclasses__()
        waiting += below
        kinds |= {kind for kind in below if kind.__module__ == "blocks.errors"}

    assert {*CLOSING, *PASSING} == kinds
    assert set(CLOSING) == {kind for kind in kinds if kind.closes_lane}


async def test_the_first_cause_stays(lane: Lane) -> None:
    """What comes in later from calls that were under way does not hide why the lane was closed."""
    lane.close_if(QuotaExhausted("no credits left"))
    lane.close_if(AuthFailed("no such key"))

    with pytest.raises(LaneClosed, match="no credits left"):
        lane.check_open()


def test_processes_that_share_an_account_share_its_jobs() -> None:
    """Each gets its part, and never none."""
    account = VmakeCredentials(api_key=SecretStr("key"), limits=Limits(jobs_in_flight=10))

    assert [10, 3, 1] == [Lane(account, beside=beside).jobs._value for beside in (1, 3, 40)]
