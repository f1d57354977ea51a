"""One unit, from wherever the ledger left it to its end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from blocks.account import Timeouts
from blocks.errors import OutcomeUnknown, StorageError, Unavailable, VendorError
from blocks.exchange import Call, backoff
from blocks.operation import Accepted
from blocks.operations import OPERATIONS
from catalogs.ledger import Attempt, AttemptState, StoredPicture, now
from catalogs.names import item_name
from catalogs.plan import Unit
from catalogs.reasons import LeftOut, Reason
from flows.budget import Share, left_out_of_plan
from flows.collect import collect
from flows.desk import Desk
from flows.inputs import load_inputs, read_options

__all__ = ["FRESH_SECONDS", "finish_unit"]

CLAIM_LOOK_SECONDS = 2.0
# A call may be sent under a claim of this age; docs/reliability.md has the sum that `claim_grace` must cover.
FRESH_SECONDS = 30.0
SHORTEST_CLAIM_SECONDS = 1.0


async def finish_unit(desk: Desk, unit: Unit, upstream: StoredPicture | None) -> Attempt:
    """
    Bring a unit to an end and return its attempt: done, failed or unknown.

    Only a unit that the ledger does not know, or knows as refused, is submitted; one that the ledger holds
    as submitted is polled, whoever submitted it. Raises what kept it from an end.
    """
    if desk.finish_by.is_over and unit.reason != Reason.DONE:
        # Spares a look at the ledger for each of many; there is no time to fetch what it may know.
        desk.finish_by.check(unit)
    attempt = await desk.ledger.latest(unit.unit_key) if desk.ledger_begun else None
    while True:
        if attempt is None or attempt.state is AttemptState.REFUSED or desk.repeats(unit, attempt):
            attempt = await _submit(desk, unit, upstream, after=attempt)
        elif attempt.state is AttemptState.SUBMITTED:
            attempt = await _collect(desk, unit, attempt)
        elif attempt.state is AttemptState.SUBMITTING:
            attempt = await _await_claim(desk, attempt)
        else:
            return attempt


async def _submit(desk: Desk, unit: Unit, upstream: StoredPicture | None, *, after: Attempt | None) -> Attempt | None:
    """Prepare and send, keeping a place among the account's jobs until the job has ended."""
    if unit.left_out == LeftOut.OVER_BUDGET:
        raise left_out_of_plan(desk.budget.limit)
    lane = desk.lane_of(unit.operation)
    began = now()
    async with lane.place():
        desk.finish_by.check(unit)
        async with lane.door(), desk.budget.promise(unit.credits) as share:
            call = await desk.finish_by.in_time(unit, lambda: _prepare(desk, unit, upstream))
            async with desk.payloads.hold(call):
                sent = await _send_in_turn(desk, unit, call, share, after=after)
            del call
        if sent.attempt is None or sent.attempt.state is not AttemptState.SUBMITTED:
            return sent.attempt
        with desk.finish_by.followed(unit.operation, claimed_at=sent.attempt.claimed_at, began=began):
            return await _collect(desk, unit, sent.attempt, in_ledger=sent.in_ledger)


@dataclass(frozen=True, slots=True)
class _Sent:
    """The attempt that a unit has after its turn, and whether the ledger knows it as it is."""

    attempt: Attempt | None
    in_ledger: bool = True


async def _prepare(desk: Desk, unit: Unit, upstream: StoredPicture | None) -> Call:
    lane = desk.lane_of(unit.operation)
    async with lane.preparing:
        inputs = await load_inputs(desk, unit, upstream)
        return await OPERATIONS[unit.operation].prepare(lane.account, inputs, read_options(unit))


async def _send_in_turn(desk: Desk, unit: Unit, call: Call, share: Share, *, after: Attempt | None) -> _Sent:
    """Try until the vendor has taken or judged the call; each try is an attempt of its own in the ledger."""
    lane = desk.lane_of(unit.operation)
    number = after.number if after else 0
    give_up = asyncio.get_running_loop().time() + lane.account.timeouts.refusals
    refusals = 0
    while True:
        await desk.finish_by.in_time(unit, lane.account.pace().generation)
        lane.check_open()
        desk.finish_by.check(unit)
        await share.reserve()
        number += 1
        claim = _claim(desk, unit, number)
        if not await desk.ledger.claim(claim):
            return _Sent(await desk.ledger.latest(unit.unit_key))
        try:
            return await _post(desk, unit, call, claim, share)
        except VendorError as error:
            refusals += 1
            wait = backoff(refusals, error)
            if not error.retryable or asyncio.get_running_loop().time() + wait > give_up:
                raise
            desk.finish_by.check(unit, wait=wait)
            # The whole lane waits, so that a vendor that is down is not asked by every item in flight.
            lane.account.pace().slow_down(wait)
            desk.progress.wait(lane.account.vendor, error.what)
            await asyncio.sleep(wait)


def _claim(desk: Desk, unit: Unit, number: int) -> Attempt:
    return Attempt(
        unit_key=unit.unit_key,
        number=number,
        state=AttemptState.SUBMITTING,
        recipe=unit.recipe,
        sku=unit.sku,
        look=unit.look,
        stage=unit.stage,
        operation=unit.operation,
        vendor=desk.lane_of(unit.operation).account.vendor,
        credits=unit.credits,
        run_id=desk.run_id,
        claimed_at=now(),
        journal=desk.ledger.journal,
    )


async def _post(desk: Desk, unit: Unit, call: Call, claim: Attempt, share: Share) -> _Sent:
    """Send the one paid call under its claim, and write down at once what became of it."""
    lane = desk.lane_of(unit.operation)
    share.commit()
    try:
        _check_fresh(claim, lane.account.timeouts)
        accepted = await OPERATIONS[unit.operation].submit(lane.account, call)
    except VendorError as error:
        lane.close_if(error)
        attempt = _judged(claim, error)
        await desk.ledger.record(attempt)
        if not attempt.at_risk():
            await share.release()
        if attempt.state is AttemptState.REFUSED:
            raise
        return _Sent(attempt)
    desk.progress.sent(lane.account.vendor)
    return await _keep_job(desk, claim, accepted)


def _check_fresh(claim: Attempt, timeouts: Timeouts) -> None:
    """Send nothing under a claim that another run could take for a dead one's before the answer is written down."""
    age = (now() - claim.claimed_at).total_seconds()
    if age > max(min(timeouts.claim_grace / 2, FRESH_SECONDS), SHORTEST_CLAIM_SECONDS):
        raise Unavailable(
            f"the storage took {age:.0f} s to write the claim, so the call was not sent",
            vendor=claim.vendor,
            next_step="It is tried again under a new claim.",
        )


async def _keep_job(desk: Desk, claim: Attempt, accepted: Accepted) -> _Sent:
    attempt = claim.becomes(
        AttemptState.SUBMITTED,
        job_id=accepted.job_id,
        request_id=accepted.request_id,
        results=tuple(result.url for result in accepted.results),
        submitted_at=now(),
    )
    try:
        await desk.ledger.record(attempt)
    except StorageError as error:
        with suppress(MissingContextError):
            get_run_logger().warning(
                "%s, stage %r: job %s was accepted and is followed, though the ledger could not be written: %s",
                item_name(attempt.sku, attempt.look),
                attempt.stage,
                accepted.job_id,
                error,
            )
        return _Sent(attempt, in_ledger=False)
    return _Sent(attempt)


async def _collect(desk: Desk, unit: Unit, attempt: Attempt, *, in_ledger: bool = True) -> Attempt:
    """Collect a job; one without an end stays known to the ledger, and its item to whoever rescues this run."""
    try:
        return await collect(desk, attempt)
    except Exception:
        desk.open_items.keep_open(unit.item)
        if not in_ledger:
            await _write_at_last(desk, attempt)
        raise


async def _write_at_last(desk: Desk, attempt: Attempt) -> None:
    try:
        await desk.ledger.record(attempt)
    except StorageError as error:
        raise OutcomeUnknown(
            f"the job was accepted and the ledger could not be written: {error}",
            vendor=attempt.vendor,
            job_id=attempt.job_id,
            request_id=attempt.request_id,
            next_step="Keep the job id: the vendor holds the result for 24 hours.",
        ) from error


def _judged(claim: Attempt, error: VendorError) -> Attempt:
    """What the ledger keeps of a paid call that brought no job."""
    if error.outcome_unknown:
        state = AttemptState.UNKNOWN
    elif error.retryable or error.closes_lane:
        state = AttemptState.REFUSED
    else:
        state = AttemptState.FAILED
    return claim.becomes(
        state,
        job_id=error.job_id,
        request_id=error.request_id,
        error_kind=error.kind(),
        error_message=str(error),
        finished_at=now(),
    )


async def _await_claim(desk: Desk, claim: Attempt) -> Attempt | None:
    """Wait for whoever holds a claim; one older than the longest paid call belongs to a run that died."""
    timeouts = desk.lanes[claim.vendor].account.timeouts
    lasts = timedelta(seconds=timeouts.connect + timeouts.reply + timeouts.claim_grace)
    while now() - claim.claimed_at < lasts:
        async with desk.finish_by.until_over():
            await asyncio.sleep(CLAIM_LOOK_SECONDS)
            latest = await desk.ledger.latest(claim.unit_key)
        if latest is None or latest.state is not AttemptState.SUBMITTING:
            return latest
    unknown = claim.becomes(
        AttemptState.UNKNOWN,
        finished_at=now(),
        error_kind=OutcomeUnknown.kind(),
        error_message=f"Run {claim.run_id} died while it sent this call, so {claim.vendor} may have charged for it. "
        "It is repeated only on --retry unknown.",
    )
    await desk.ledger.record(unknown)
    return unknown
