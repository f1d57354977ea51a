"""One unit against the sandbox: what is charged, what the ledger says, what is in storage."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from blocks import exchange
from blocks.errors import AuthFailed, QuotaExhausted, Unavailable
from blocks.pictures import BrokenPicture
from blocks.storage import ObjectStorage
from blocks.storage.store import CALL_SECONDS
from catalogs.ledger import Attempt, AttemptState, now
from catalogs.plan import Unit
from flows.desk import Desk
from flows.items import do_stage
from flows.lane import LaneClosed
from flows.unit import FRESH_SECONDS, finish_unit
from tests.catalogs.made import an_attempt
from tests.flows.bench import catalog, desk, planned
from tests.flows.vendors import Vendors

pytestmark = pytest.mark.usefixtures("closed_client")

PATIENCE_SECONDS = ObjectStorage.model_fields["patience"].default


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    """An edit of one picture."""
    return planned(catalog(tmp_path / "catalog", 1))[0].units[0]


@pytest.fixture
def output(tmp_path: Path) -> str:
    """Where pictures and ledger go."""
    return str(tmp_path / "output")


async def recorded(at: Desk, unit: Unit) -> Attempt:
    """What the ledger says of a unit."""
    attempt = await at.ledger.latest(unit.unit_key)
    assert attempt is not None
    return attempt


async def test_a_new_unit_is_charged_once_and_stored_whole(vendors: Vendors, unit: Unit, output: str) -> None:
    """The picture in storage is the one that the ledger hashed, and the vendor charged for one job."""
    at = desk(vendors, output)

    attempt = await finish_unit(at, unit, None)

    assert AttemptState.DONE == attempt.state
    stored = Path(attempt.pictures[0].uri.removeprefix("file://")).read_bytes()
    assert attempt.pictures[0].sha256 == hashlib.sha256(stored).hexdigest()
    assert [attempt.job_id] == [charge["job_id"] for charge in vendors.charges()]


async def test_a_done_unit_is_never_sent_again(vendors: Vendors, unit: Unit, output: str) -> None:
    """A second run finds the picture in the ledger and asks the vendor nothing."""
    first = await finish_unit(desk(vendors, output), unit, None)
    before = vendors.requests()

    second = await finish_unit(desk(vendors, output, run_id="run-2"), unit, None)

    assert first == second
    assert before == vendors.requests()


async def test_two_runs_at_once_pay_once(vendors: Vendors, unit: Unit, output: str) -> None:
    """Of twenty that want the same unit at one time, one submits it and all get its picture."""
    desks = [desk(vendors, output, run_id=f"run-{number}") for number in range(20)]

    attempts = await asyncio.gather(*(finish_unit(at, unit, None) for at in desks))

    assert 1 == len(vendors.charges())
    assert {AttemptState.DONE} == {attempt.state for attempt in attempts}
    assert 1 == len({attempt.pictures for attempt in attempts})


async def test_a_submitted_job_is_polled_by_whoever_finds_it(vendors: Vendors, unit: Unit, output: str) -> None:
    """A run that dies after submitting leaves a job that the next one fetches and does not repeat."""
    vendors.misbehave("job_never_ends", times=1)
    with pytest.raises(Unavailable, match="had not ended"):
        await finish_unit(desk(vendors, output, job=0.1), unit, None)
    assert AttemptState.SUBMITTED == (await recorded(desk(vendors, output), unit)).state

    with pytest.raises(Unavailable, match="asked for, not repeated"):
        await finish_unit(desk(vendors, output, run_id="run-2", job=0.1), unit, None)

    assert 1 == len(vendors.charges())


async def test_a_killed_run_loses_no_paid_picture(vendors: Vendors, unit: Unit, output: str) -> None:
    """A run cancelled while its job runs is carried on by the next."""
    vendors.misbehave("slow_headers", operation="claid.edit", phase="poll", seconds=30)
    at = desk(vendors, output)
    dying = asyncio.create_task(finish_unit(at, unit, None))
    await polled(vendors)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    vendors.behave()

    attempt = await finish_unit(desk(vendors, output, run_id="run-2"), unit, None)

    assert AttemptState.DONE == attempt.state
    assert 1 == len(vendors.charges())


@pytest.mark.parametrize("fault", ["cut_after", "error_500", "error_502_html", "drifted_schema"])
async def test_a_lost_reply_is_unknown_and_never_repeated_unasked(
    vendors: Vendors, unit: Unit, output: str, fault: str
) -> None:
    """Where the vendor may have charged, the next run leaves the unit alone and a person's word repeats it."""
    vendors.misbehave(fault, operation="claid.edit", phase="submit", times=1, after=True)
    first = await finish_unit(desk(vendors, output), unit, None)
    assert AttemptState.UNKNOWN == first.state
    posts = vendors.requests()["claid.edit submit"]

    again = await finish_unit(desk(vendors, output, run_id="run-2"), unit, None)
    asked = await finish_unit(desk(vendors, output, run_id="run-3", retry=["unknown"]), unit, None)

    assert first == again
    assert (AttemptState.DONE, 2) == (asked.state, asked.number)
    assert posts + 1 == vendors.requests()["claid.edit submit"]


async def test_a_refusal_for_rate_is_waited_out(vendors: Vendors, unit: Unit, output: str) -> None:
    """A 429 costs a free attempt and some patience, not the row."""
    vendors.misbehave("rate_limited", operation="claid.edit", phase="submit", times=2, retry_after=0)

    attempt = await finish_unit(desk(vendors, output), unit, None)

    assert (AttemptState.DONE, 3) == (attempt.state, attempt.number)
    assert 1 == len(vendors.charges())


async def test_a_failed_job_is_repeated_only_when_asked(vendors: Vendors, unit: Unit, output: str) -> None:
    """The vendor's own failure is the row's outcome until a person wants another try."""
    vendors.misbehave("job_error", times=1)
    first = await finish_unit(desk(vendors, output), unit, None)
    again = await finish_unit(desk(vendors, output, run_id="run-2"), unit, None)
    asked = await finish_unit(desk(vendors, output, run_id="run-3", retry=["failed"]), unit, None)

    assert ("job_failed", AttemptState.FAILED) == (first.error_kind, first.state)
    assert first == again
    assert (AttemptState.DONE, 2) == (asked.state, asked.number)


async def test_what_is_done_is_made_again_only_by_force(vendors: Vendors, unit: Unit, output: str) -> None:
    """And once: the run that was forced does not force itself a second time."""
    forced = replace(unit, reason="forced")
    done = await finish_unit(desk(vendors, output), unit, None)
    again = await finish_unit(desk(vendors, output, run_id="run-2"), unit, None)
    made = await finish_unit(desk(vendors, output, run_id="run-3"), forced, None)
    kept = await finish_unit(desk(vendors, output, run_id="run-3"), forced, None)

    assert [1, 1, 2, 2] == [attempt.number for attempt in (done, again, made, kept)]
    assert {AttemptState.DONE} == {attempt.state for attempt in (done, again, made, kept)}
    assert 2 == len(vendors.charges())


async def test_the_life_of_a_job_that_never_ends(vendors: Vendors, unit: Unit, output: str) -> None:
    """It is asked for until the vendor forgets it; then it is failed, and a person may have it repeated."""
    vendors.misbehave("job_never_ends", times=1)
    rows = [await do_stage(desk(vendors, output, job=0.1), unit, None)]
    rows.append(await do_stage(desk(vendors, output, run_id="run-2", job=0.1, retry=["failed"]), unit, None))
    vendors.pass_time(24 * 3600 + 1)
    rows.append(await do_stage(desk(vendors, output, run_id="run-3"), unit, None))
    rows.append(await do_stage(desk(vendors, output, run_id="run-4"), unit, None))
    paid_unasked = len(vendors.charges())
    # With a key of its own, as this process remembers uploads that the vendor has forgotten with all else.
    repeated = await do_stage(desk(vendors, output, run_id="run-5", retry=["failed"], key="later"), unit, None)

    expected = [("failed", kind) for kind in ("unavailable", "unavailable", "result_expired", "result_expired")]
    assert expected == [(row.status, row.error_kind) for row in rows]
    assert {unit.credits} == {row.credits_at_risk for row in rows}
    assert {vendors.charges()[0]["job_id"]} == {row.job_id for row in rows}
    for row in rows[:2]:
        assert "the job is asked for, not repeated" in (row.error_message or "")
        assert "the next run then marks the unit as failed, and --retry failed repeats it." in (row.error_message or "")
    assert "--retry failed buys it anew" in (rows[2].error_message or "")
    assert (1, 2) == (paid_unasked, len(vendors.charges()))
    assert ("done", 2) == (repeated.status, repeated.attempt)


@pytest.mark.parametrize("fault", ["truncated_picture", "corrupted_picture"])
async def test_a_damaged_download_is_fetched_again(vendors: Vendors, unit: Unit, output: str, fault: str) -> None:
    """A picture counts once it is whole, and fetching it again is free."""
    vendors.misbehave(fault, times=2)

    attempt = await finish_unit(desk(vendors, output), unit, None)

    assert AttemptState.DONE == attempt.state
    assert 1 == len(vendors.charges())


async def test_a_result_that_expired_is_a_failure_that_names_the_job(vendors: Vendors, unit: Unit, output: str) -> None:
    """After 24 hours the vendor holds nothing, and the row says so."""
    vendors.misbehave("result_expired")

    attempt = await finish_unit(desk(vendors, output), unit, None)

    assert ("result_expired", AttemptState.FAILED) == (attempt.error_kind, attempt.state)
    assert attempt.error_message is not None
    assert "24 hours" in attempt.error_message


@pytest.mark.parametrize(("key", "error"), [("wrong-key", AuthFailed), ("broke-key", QuotaExhausted)])
async def test_a_refused_account_is_asked_once(
    vendors: Vendors, tmp_path: Path, output: str, key: str, error: type[Exception]
) -> None:
    """Twenty items meet one refusal; the others are held, and nothing is left claimed."""
    units = [item.units[0] for item in planned(catalog(tmp_path / "catalog", 20))]
    at = desk(vendors, output, key=key)

    ends = await asyncio.gather(*(finish_unit(at, unit, None) for unit in units), return_exceptions=True)

    assert [error] == [type(end) for end in ends if not isinstance(end, LaneClosed)]
    assert 19 == sum(isinstance(end, LaneClosed) for end in ends)
    assert 1 >= vendors.requests().get("claid.edit submit", 0)
    states = [await at.ledger.latest(unit.unit_key) for unit in units]
    assert {AttemptState.REFUSED} >= {attempt.state for attempt in states if attempt is not None}


async def test_a_refused_account_can_go_on_when_mended(vendors: Vendors, unit: Unit, output: str) -> None:
    """What was refused for the account's sake is done by the next run without being asked to retry."""
    with pytest.raises(QuotaExhausted):
        await finish_unit(desk(vendors, output, key="broke-key"), unit, None)

    attempt = await finish_unit(desk(vendors, output, run_id="run-2"), unit, None)

    assert AttemptState.DONE == attempt.state


async def test_a_broken_picture_costs_nothing(vendors: Vendors, unit: Unit, tmp_path: Path, output: str) -> None:
    """A picture that can't be decoded is refused before any call, and leaves no trace in the ledger."""
    (tmp_path / "catalog" / "garment-0.png").write_bytes(b"<html>not found</html>")
    at = desk(vendors, output)

    with pytest.raises(BrokenPicture, match=r"garment-0\.png"):
        await finish_unit(at, unit, None)

    assert {} == vendors.requests()
    assert await at.ledger.latest(unit.unit_key) is None


async def test_an_unreachable_vendor_is_given_up_after_the_patience_it_is_granted(
    unit: Unit, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No connection means nothing was sent: a free attempt each, then an error that says so."""
    monkeypatch.setattr(exchange, "FIRST_BACKOFF_SECONDS", 0.001)
    nobody = Vendors("http://127.0.0.1:9")

    with pytest.raises(Unavailable, match="no connection to Claid"):
        await finish_unit(desk(nobody, output, refusals=0.1), unit, None)


@asynccontextmanager
async def ledger_away_after_the_claim(vendors: Vendors, output: str) -> AsyncGenerator[Callable[[], None]]:
    """The ledger's folder goes while the vendor takes its time to accept a job; the caller may bring it back."""
    vendors.misbehave("slow_headers", operation="claid.edit", phase="submit", seconds=0.5)
    ledger, away = Path(output) / "ledger", Path(output) / "away"

    async def take_away() -> None:
        while not list(ledger.rglob("*.json")):
            await asyncio.sleep(0.01)
        ledger.rename(away)
        ledger.touch()

    def bring_back() -> None:
        ledger.unlink()
        away.rename(ledger)

    taking = asyncio.create_task(take_away())
    yield bring_back
    await taking


async def polled(vendors: Vendors) -> None:
    """A job has been asked for."""
    async with asyncio.timeout(20):
        while "claid.edit poll" not in vendors.requests():
            await asyncio.sleep(0.01)


async def test_a_job_that_the_ledger_could_not_take_is_followed_and_written_down_with_its_end(
    vendors: Vendors, unit: Unit, output: str
) -> None:
    """The storage is away when the job is accepted and back when it has ended: nobody need know."""
    vendors.misbehave("slow_headers", operation="claid.edit", phase="poll", seconds=0.3)
    at = desk(vendors, output)

    async with ledger_away_after_the_claim(vendors, output) as bring_back:
        finishing = asyncio.create_task(finish_unit(at, unit, None))
        await polled(vendors)
        bring_back()
        attempt = await finishing

    assert AttemptState.DONE == attempt.state
    assert attempt == await recorded(at, unit)
    assert [attempt.job_id] == [charge["job_id"] for charge in vendors.charges()]


async def test_a_job_that_the_ledger_could_not_take_is_written_down_though_its_picture_can_not_be_had(
    vendors: Vendors, unit: Unit, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run fetches it, and pays for nothing."""
    monkeypatch.setattr(exchange, "FIRST_BACKOFF_SECONDS", 0.001)
    vendors.misbehave("slow_headers", operation="claid.edit", phase="poll", seconds=0.3)
    vendors.misbehave("error_503", phase="download")
    at = desk(vendors, output)

    async with ledger_away_after_the_claim(vendors, output) as bring_back:
        finishing = asyncio.create_task(finish_unit(at, unit, None))
        await polled(vendors)
        bring_back()
        with pytest.raises(Unavailable, match="will be fetched, not repeated"):
            await finishing

    left = await recorded(at, unit)
    assert (AttemptState.SUBMITTED, vendors.charges()[0]["job_id"]) == (left.state, left.job_id)


async def test_a_job_that_the_ledger_never_takes_is_named_in_its_row(vendors: Vendors, unit: Unit, output: str) -> None:
    """Nobody but the row knows the job, so it says its id, and that it may be charged."""
    at = desk(vendors, output)

    async with ledger_away_after_the_claim(vendors, output):
        row = await do_stage(at, unit, None)

    assert ("unknown", "outcome_unknown") == (row.status, row.error_kind)
    assert vendors.charges()[0]["job_id"] == row.job_id
    assert "the ledger could not be written" in (row.error_message or "")
    assert "Keep the job id: the vendor holds the result for 24 hours." in (row.error_message or "")


async def test_a_claim_is_not_taken_for_a_dead_ones_while_its_holder_may_yet_write(
    vendors: Vendors, unit: Unit, output: str
) -> None:
    """Sent late, answered late, and written down when the storage was back at last: no other run repeats it before."""
    at = desk(vendors, output, retry=["unknown"], run_id="run-2")
    latest = timedelta(seconds=FRESH_SECONDS + 10 + 120 + PATIENCE_SECONDS + 2 * CALL_SECONDS)
    claim = an_attempt(unit, claimed_at=now() - latest)
    await at.ledger.claim(claim)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await finish_unit(at, unit, None)

    assert claim == await recorded(at, unit)
    assert [] == vendors.charges()


async def test_the_key_goes_to_the_vendors_api_alone(vendors: Vendors, unit: Unit, output: str) -> None:
    """No download carried a key."""
    await finish_unit(desk(vendors, output), unit, None)

    assert [] == httpx.get(f"{vendors.url}/sandbox/leaks").json()
