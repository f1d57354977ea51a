"""From an accepted job to its pictures in our storage; all of it free to repeat, by whoever finds the job."""

from __future__ import annotations

import asyncio

from blocks.download import download
from blocks.errors import ContentRefused, JobFailed, ResultExpired, Unavailable, VendorError
from blocks.operation import Finished, Result
from blocks.operations import OPERATIONS
from catalogs.ledger import Attempt, AttemptState, StoredPicture, now
from catalogs.names import picture_path
from flows.desk import Desk
from flows.lane import Lane
from flows.recent import RecentPicture

__all__ = ["collect"]


async def collect(desk: Desk, attempt: Attempt) -> Attempt:
    """
    Follow a submitted job to its end and store its pictures.

    Returns the attempt as done or failed. Raises `Unavailable` when the job outlives its deadline or its
    pictures can't be fetched, and `FinishByOverrun` when the run has to finish before: the ledger then still says
    submitted, and the next run goes on from there.
    """
    try:
        async with desk.finish_by.until_over():
            finished = await _results(desk, attempt)
            pictures = await _store_all(desk, attempt, finished)
    except (JobFailed, ContentRefused, ResultExpired) as error:
        ended = attempt.becomes(
            AttemptState.FAILED,
            finished_at=now(),
            error_kind=error.kind(),
            error_message=str(error),
            request_id=error.request_id or attempt.request_id,
        )
    else:
        ended = attempt.becomes(AttemptState.DONE, finished_at=now(), pictures=pictures, results=())
    await desk.ledger.record(ended)
    return ended


async def _results(desk: Desk, attempt: Attempt) -> Finished:
    if attempt.job_id is None:
        return Finished(tuple(Result(url) for url in attempt.results))
    return await _follow(desk, attempt, attempt.job_id)


async def _follow(desk: Desk, attempt: Attempt, job_id: str) -> Finished:
    """Ask in the vendor's rhythm, or at the job's notice, until it ends or its deadline passes."""
    lane, rhythm = desk.lane_of(attempt.operation), desk.rhythm_of(attempt.operation)
    clock = asyncio.get_running_loop().time
    started = clock() - (now() - (attempt.submitted_at or now())).total_seconds()
    # A job found by a later run has used up its time, yet deserves a look.
    deadline = max(started + lane.account.timeouts.job, clock() + rhythm.interval)
    with lane.notices.expected(job_id) as expected:
        await expected.rest(rhythm.first_look(clock() - started), deadline)
        while (finished := await _look(lane, attempt.operation, job_id)) is None:
            if clock() > deadline:
                raise _overdue(lane, attempt, job_id)
            await expected.rest(rhythm.interval, deadline)
        expected.ended()
    rhythm.learn(clock() - started)
    return finished


async def _look(lane: Lane, operation: str, job_id: str) -> Finished | None:
    """Ask once; None while the job runs, or when the vendor can't be asked now."""
    try:
        progress = await OPERATIONS[operation].poll(lane.account, job_id)
    except VendorError as error:
        lane.close_if(error)
        if not error.retryable:
            raise
        return None
    return progress if isinstance(progress, Finished) else None


def _overdue(lane: Lane, attempt: Attempt, job_id: str) -> Unavailable:
    return Unavailable(
        f"job {job_id} had not ended {lane.account.timeouts.job:g} s after {lane.account.vendor} accepted it",
        vendor=lane.account.vendor,
        job_id=job_id,
        request_id=attempt.request_id,
        next_step="Run again: the job is asked for, not repeated. timeouts.job of the account sets the wait.",
    )


async def _store_all(desk: Desk, attempt: Attempt, finished: Finished) -> tuple[StoredPicture, ...]:
    numbered = enumerate(finished.results, start=1)
    stored = await asyncio.gather(*(_store(desk, attempt, result, n) for n, result in numbered))
    return tuple(stored)


async def _store(desk: Desk, attempt: Attempt, result: Result, number: int) -> StoredPicture:
    account = desk.lane_of(attempt.operation).account
    async with desk.downloads:
        data, info = await download(result.url, account)
        path = picture_path(attempt.sku, attempt.stage, attempt.unit_key, number, info.extension, look=attempt.look)
        await desk.storage.write(path, data, content_type=info.mime)
    uri = desk.storage.uri(path)
    desk.recent.put(uri, RecentPicture(data, info))
    return StoredPicture(
        uri=uri,
        sha256=info.sha256,
        width=info.width,
        height=info.height,
        bytes=info.bytes,
        mime=info.mime,
    )
