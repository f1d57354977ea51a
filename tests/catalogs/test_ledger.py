"""The ledger: one claimer only, states that come back as written, the newest attempt found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import catalogs.ledger
from blocks.errors import StorageError
from blocks.storage import ObjectStorage
from catalogs.ledger import Attempt, AttemptState, Ledger, now
from tests.catalogs.made import MOMENT, a_picture, a_unit, an_attempt, key_of

KEY = key_of("A")


@pytest.fixture(params=["memory", "local"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[ObjectStorage]:
    """Empty storage of both kinds that need no server."""
    storage = ObjectStorage(root=f"memory://{uuid4().hex}" if request.param == "memory" else str(tmp_path))
    yield storage
    await storage.close()


def a_claim(**fields: Any) -> Attempt:
    """A claim on a unit, whose SKU is no plain word."""
    return an_attempt(a_unit(unit_key=KEY, sku="A/1 «é»"), **fields)


async def test_a_unit_without_attempts_has_no_latest(storage: ObjectStorage) -> None:
    """Nobody has paid for it."""
    assert await Ledger(storage).latest(KEY) is None


async def test_a_ledger_is_begun_by_its_first_claim(storage: ObjectStorage) -> None:
    """Other objects of the output do not count."""
    ledger = Ledger(storage)
    await storage.write("manifest.csv", b"sku", content_type="text/csv")

    assert await ledger.begun() is False
    await ledger.claim(a_claim())
    assert await ledger.begun() is True


async def test_an_attempt_is_one_object_under_its_key(storage: ObjectStorage) -> None:
    """So that it can be found, read and restored by hand."""
    await Ledger(storage).claim(a_claim(number=1))
    await Ledger(storage).claim(a_claim(number=2))

    assert sorted([path async for path in storage.list("ledger/")]) == [
        f"ledger/{KEY[:2]}/{KEY}-1.json",
        f"ledger/{KEY[:2]}/{KEY}-2.json",
    ]


async def test_one_of_fifty_concurrent_claimers_may_send(storage: ObjectStorage) -> None:
    """However many runs meet at a unit, one of them pays, and its claim is what all others find."""
    claims = [a_claim(run_id=f"run-{number}") for number in range(50)]
    granted = await asyncio.gather(*(Ledger(storage).claim(claim) for claim in claims))

    assert granted.count(True) == 1
    assert await Ledger(storage).latest(KEY) == claims[granted.index(True)]


async def test_claims_of_different_units_and_attempts_do_not_meet(storage: ObjectStorage) -> None:
    """Each has its own object."""
    ledger = Ledger(storage)
    claims = [a_claim(unit_key=key_of(text), number=number) for text in "ABC" for number in (1, 2)]

    assert await asyncio.gather(*(ledger.claim(claim) for claim in claims)) == [True] * 6


@pytest.mark.parametrize("state", list(AttemptState))
async def test_every_state_comes_back_as_it_was_recorded(storage: ObjectStorage, state: AttemptState) -> None:
    """With all that is known of it, and what is not known left out."""
    ledger = Ledger(storage)
    full = a_claim().becomes(
        state,
        job_id="7",
        request_id="r-1",
        results=("https://vendor.example/1.png?sig=x",),
        pictures=(a_picture(), a_picture("memory://out/2.png")),
        submitted_at=MOMENT + timedelta(microseconds=1),
        finished_at=MOMENT + timedelta(days=1),
        error_kind="job_failed",
        error_message="Vendor says: «no»",
    )
    await ledger.claim(a_claim())
    for attempt in (a_claim(state=state), full):
        await ledger.record(attempt)

        assert await ledger.latest(KEY) == attempt


def journalled(ledger: Ledger, **fields: Any) -> Attempt:
    """A claim as a run makes it: its further states go to the run's journal."""
    return a_claim(journal=ledger.journal, **fields)


async def test_a_claimers_states_are_found_by_all_others(storage: ObjectStorage) -> None:
    """They stand in its journal, which the claim names; the claim itself stays as it was."""
    mine = Ledger(storage)
    claim = journalled(mine)
    await mine.claim(claim)
    for state in (AttemptState.SUBMITTED, AttemptState.DONE):
        attempt = claim.becomes(state, job_id="7")
        await mine.record(attempt)

        assert await Ledger(storage).latest(KEY) == attempt
        assert await Ledger(storage).attempt(KEY, 1) == attempt
    assert [path async for path in storage.list(f"ledger/{KEY[:2]}/")] == [f"ledger/{KEY[:2]}/{KEY}-1.json"]


async def test_what_another_run_brought_home_is_done(storage: ObjectStorage) -> None:
    """Its word stands in the attempt's object, and counts more than the dead claimer's journal."""
    dead = Ledger(storage)
    claim = journalled(dead)
    await dead.claim(claim)
    await dead.record(claim.becomes(AttemptState.SUBMITTED, job_id="7"))
    rescuer = Ledger(storage)
    found = await rescuer.latest(KEY)
    assert found is not None
    done = found.becomes(AttemptState.DONE, pictures=(a_picture(),))
    await rescuer.record(done)

    assert await Ledger(storage).latest(KEY) == done


async def test_a_claimer_that_was_taken_for_dead_is_believed(storage: ObjectStorage) -> None:
    """It knows its job's id, which is further than not knowing what became of it."""
    slow = Ledger(storage)
    claim = journalled(slow)
    await slow.claim(claim)
    await Ledger(storage).record(claim.becomes(AttemptState.UNKNOWN))
    submitted = claim.becomes(AttemptState.SUBMITTED, job_id="7")
    await slow.record(submitted)

    assert await Ledger(storage).latest(KEY) == submitted


@pytest.mark.parametrize("state", [AttemptState.FAILED, AttemptState.REFUSED, AttemptState.UNKNOWN])
async def test_an_end_without_a_picture_is_read_from_the_object_alone(
    storage: ObjectStorage, state: AttemptState
) -> None:
    """The next run asks for each of them, and need not read a whole journal for it."""
    ledger = Ledger(storage)
    claim = journalled(ledger)
    await ledger.claim(claim)
    ended = claim.becomes(state)
    await ledger.record(ended)

    assert await storage.read(f"ledger/{KEY[:2]}/{KEY}-1.json") == ended.model_dump_json(exclude_none=True).encode()
    assert await ledger.latest(KEY) == ended


async def test_a_growing_journal_is_looked_at_again(storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for another run's unit sees it move on."""
    monkeypatch.setattr(catalogs.ledger, "FRESH_SECONDS", 0.0)
    mine, other = Ledger(storage), Ledger(storage)
    claims = [journalled(mine, unit_key=key_of(name)) for name in "AB"]
    seen: list[Attempt | None] = []
    for claim in claims:
        await mine.claim(claim)
        seen.append(await other.latest(claim.unit_key))
        await mine.record(claim.becomes(AttemptState.SUBMITTED, job_id="7"))
        seen.append(await other.latest(claim.unit_key))

    assert [AttemptState.SUBMITTING, AttemptState.SUBMITTED] * 2 == [attempt.state for attempt in seen if attempt]


async def test_the_latest_follows_attempts_past_the_tenth(storage: ObjectStorage) -> None:
    """By number, not by name."""
    ledger = Ledger(storage)
    for number in range(1, 13):
        attempt = a_claim(number=number, run_id=f"run-{number}")
        assert await ledger.claim(attempt)
        await ledger.record(attempt.becomes(AttemptState.REFUSED))
    latest = await ledger.latest(KEY)

    assert latest == a_claim(number=12, run_id="run-12", state=AttemptState.REFUSED)


async def test_a_claim_never_overwrites_what_became_of_another(storage: ObjectStorage) -> None:
    """A picture that is done stays done."""
    ledger = Ledger(storage)
    done = a_claim().becomes(AttemptState.DONE, pictures=(a_picture(),))
    await ledger.claim(a_claim())
    await ledger.record(done)

    assert await ledger.claim(a_claim(run_id="run-2")) is False
    assert await ledger.latest(KEY) == done


@pytest.mark.parametrize("data", [b"", b'{"unit_key": "a"', b"null", b'{"state": "paid"}', b"\xff"])
async def test_a_record_that_cannot_be_read_stops_its_unit(storage: ObjectStorage, data: bytes) -> None:
    """Without it nobody knows what was paid, so it is neither ignored nor taken for a missing one."""
    path = f"ledger/{KEY[:2]}/{KEY}-1.json"
    await storage.write(path, data, content_type="application/json")
    with pytest.raises(StorageError) as caught:
        await Ledger(storage).latest(KEY)

    assert str(caught.value).startswith(f"the ledger's record {storage.uri(path)} can't be read: ")
    assert str(caught.value).endswith("Removing it may pay for the same picture twice.")


async def test_a_later_versions_record_can_be_read(storage: ObjectStorage) -> None:
    """Going back to this version loses no payment."""
    record = a_claim().model_dump_json().removesuffix("}") + ', "new_field": [1]}'
    await storage.write(f"ledger/{KEY[:2]}/{KEY}-1.json", record.encode(), content_type="application/json")

    assert await Ledger(storage).latest(KEY) == a_claim()


def test_the_present_is_in_utc() -> None:
    """Ledgers of machines in several time zones can be compared."""
    assert now().utcoffset() == timedelta(0)


async def test_all_attempts_at_some_units_are_told_in_order(storage: ObjectStorage) -> None:
    """Each with the further of its two states, and nobody else's."""
    claimer, other = Ledger(storage), key_of("B")
    first = a_claim(journal=claimer.journal)
    again = a_claim(journal=claimer.journal, number=2)
    for attempt in (first, again, a_claim(unit_key=other, journal=claimer.journal)):
        await claimer.claim(attempt)
    await claimer.record(first.becomes(AttemptState.REFUSED, error_kind="rate_limited"))
    await claimer.record(again.becomes(AttemptState.SUBMITTED, job_id="job-2"))
    await claimer.record(again.becomes(AttemptState.DONE, job_id="job-2", pictures=(a_picture(),)))
    found = await Ledger(storage).attempts([KEY, key_of("C")])

    assert {KEY, key_of("C")} == found.keys()
    assert [] == found[key_of("C")]
    assert [(1, "refused", None), (2, "done", "job-2")] == [(one.number, one.state, one.job_id) for one in found[KEY]]
