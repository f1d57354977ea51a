"""How a vendor's word that a job has ended ends the wait for it, once, and what happens when none comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from blocks.webhook import Webhook
from flows import notices as module
from flows.notices import NOTICES_KEPT, Expected, Notices, listening

LONG = 3600.0


@pytest.fixture
def notices() -> Notices:
    """Notices that can be counted on."""
    heard = Notices(webhook())
    heard.hear([])
    return heard


def webhook(patience: float = LONG) -> Webhook:
    """A webhook whose receiver is not there."""
    return Webhook(SecretStr("a secret of the dashboard"), "http://127.0.0.1:9", patience)


def resting(expected: Expected, seconds: float = LONG, deadline: float = 10 * LONG) -> asyncio.Task[None]:
    """A rest that has begun."""
    return asyncio.create_task(expected.rest(seconds, asyncio.get_running_loop().time() + deadline))


async def goes_on(rest: asyncio.Task[None]) -> bool:
    """Whether a rest has not ended, all that could end it having had its turn."""
    for _ in range(10):
        await asyncio.sleep(0)
    return not rest.done()


async def ends(rest: asyncio.Task[None]) -> bool:
    """Whether a rest has ended, long before its time."""
    await asyncio.wait_for(rest, 30)
    return True


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    yield
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def test_a_notice_ends_the_rest_of_its_job_alone(notices: Notices) -> None:
    """Whoever waits for another goes on."""
    with notices.expected("1") as one, notices.expected("2") as other:
        first, second = resting(one), resting(other)
        assert await goes_on(first)
        notices.hear(["1", "3"])

        assert await ends(first)
        assert await goes_on(second)


async def test_a_notice_that_came_before_the_job_was_expected_counts(notices: Notices) -> None:
    """A quick vendor is quicker than the ledger."""
    notices.hear(["1"])
    with notices.expected("1") as expected:
        assert await ends(resting(expected))


async def test_a_job_is_woken_once_however_often_it_is_announced(notices: Notices) -> None:
    """Repeated, or replayed, notices bring no further polls."""
    with notices.expected("1") as expected:
        notices.hear(["1", "1"])
        assert await ends(resting(expected))
        again = resting(expected)
        for _ in range(1000):
            notices.hear(["1"])

        assert await goes_on(again)


async def test_an_announced_job_that_yet_runs_is_asked_for_in_the_vendors_rhythm(notices: Notices) -> None:
    """Its notice has come and there will be no other, so patience would be wasted."""
    with notices.expected("1") as expected:
        notices.hear(["1"])
        await expected.rest(LONG, 10 * LONG)

        assert await ends(resting(expected, seconds=0.01))


async def test_without_a_webhook_a_rest_lasts_as_long_as_the_rhythm_says() -> None:
    """Nothing is waited for that can't come."""
    with Notices(None).expected("1") as expected:
        assert await ends(resting(expected, seconds=0.01))


async def test_a_receiver_that_was_never_heard_is_not_counted_on() -> None:
    """Jobs are asked for as without one."""
    with Notices(webhook()).expected("1") as expected:
        assert await ends(resting(expected, seconds=0.01))


async def test_a_job_that_may_be_announced_is_asked_for_later(notices: Notices) -> None:
    """Its time comes, and its patience begins."""
    with notices.expected("1") as expected:
        rest = resting(expected, seconds=0.01)
        await asyncio.sleep(0.05)

        assert await goes_on(rest)
        notices.hear(["1"])
        assert await ends(rest)


async def test_patience_ends() -> None:
    """A delivery that is lost costs time, not the picture."""
    impatient = Notices(webhook(patience=0.02))
    impatient.hear([])
    with impatient.expected("1") as expected:
        assert await ends(resting(expected, seconds=0.01))


async def test_patience_ends_at_the_jobs_deadline(notices: Notices) -> None:
    """The vendor is asked once more before the job is given up for now."""
    with notices.expected("1") as expected:
        assert await ends(resting(expected, seconds=0.01, deadline=0.02))


async def test_a_job_that_is_overdue_when_it_is_found_is_asked_for_at_once(notices: Notices) -> None:
    """It was announced while nobody listened."""
    with notices.expected("1") as expected:
        assert await ends(resting(expected, seconds=-2 * LONG))
        expected.ended()

    assert LONG == notices.patience


async def test_a_job_that_is_a_little_late_when_it_is_found_may_yet_be_announced(notices: Notices) -> None:
    """As when the ledger was slower than the rhythm."""
    with notices.expected("1") as expected:
        rest = resting(expected, seconds=-0.1)

        assert await goes_on(rest)
        notices.hear(["1"])
        assert await ends(rest)


async def test_losing_touch_ends_patience_and_asks_nobody_early(notices: Notices) -> None:
    """Who is overdue is asked for now, who is not keeps to the rhythm, however often the receiver comes and goes."""
    with notices.expected("1") as overdue, notices.expected("2") as early:
        late, soon = resting(overdue, seconds=0.01), resting(early)
        await asyncio.sleep(0.05)
        for _ in range(100):
            notices.lose_touch()
            notices.hear([])
        assert await goes_on(soon)
        notices.lose_touch()

        assert await ends(late)
        assert await goes_on(soon)


async def test_a_job_that_ends_unannounced_ends_patience_until_the_next_notice() -> None:
    """Deliveries that are switched off, or go elsewhere, slow a run down once."""
    short = Notices(webhook(patience=0.02))
    short.hear([])
    with short.expected("1") as unannounced:
        await unannounced.rest(0.01, LONG)
        unannounced.ended()
    assert 0 == short.patience

    with short.expected("2") as announced:
        short.hear(["1"])
        assert 0 == short.patience
        short.hear(["2"])
        await announced.rest(LONG, LONG)
        announced.ended()

    assert 0.02 == short.patience


async def test_only_so_many_notices_are_kept(notices: Notices) -> None:
    """The newest; others of the account may be many."""
    notices.hear(map(str, range(3 * NOTICES_KEPT)))

    assert NOTICES_KEPT == len(notices._heard_of)
    assert str(3 * NOTICES_KEPT - 1) in notices._heard_of


async def test_nothing_is_kept_of_a_job_that_is_no_longer_followed(notices: Notices) -> None:
    """Memory does not grow with the catalog."""
    with pytest.raises(ValueError, match="stop"), notices.expected("1"):
        raise ValueError("stop")

    assert not notices._expected


async def test_a_receiver_that_is_silent_is_asked_less_and_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is still asked, as it may come back."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 8:
            raise asyncio.CancelledError

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    silent = Notices(webhook())
    with pytest.raises(asyncio.CancelledError):
        await module._listen(silent, webhook())

    assert [1, 2, 5, 10, 30, 30, 30, 30] == pauses
    assert 0 == silent.patience


async def test_listening_ends_with_the_block() -> None:
    """No question is left behind."""
    before = asyncio.all_tasks()
    async with listening([Notices(webhook()), Notices(None)]):
        assert 1 == len(asyncio.all_tasks() - before)

    assert set() == asyncio.all_tasks() - before
