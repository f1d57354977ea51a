"""What Claid's asynchronous operations share: a POST answers with an id, a GET with how the job stands."""

from __future__ import annotations

from typing import ClassVar, TypeVar
from urllib.parse import quote

from blocks import exchange
from blocks.claid.credentials import ClaidCredentials
from blocks.claid.refusals import request_id
from blocks.claid.wire import AcceptedReply, JobReply, JobState
from blocks.errors import JobFailed, VendorError
from blocks.exchange import Call, patiently, reply_as
from blocks.operation import Accepted, Finished, Operation, Options, Result, Running
from blocks.pictures import PictureLimits

__all__ = ["INPUT_LIMITS", "ClaidJob"]

# The formats are documented; the sizes are not, and these have not been seen refused.
INPUT_LIMITS = PictureLimits(
    formats=frozenset({"JPEG", "PNG", "WEBP", "AVIF", "HEIF"}), max_bytes=25_000_000, max_pixels=36_000_000
)

OptionsT = TypeVar("OptionsT", bound=Options)


class ClaidJob(Operation[ClaidCredentials, OptionsT]):
    """An operation whose job is followed by the id that its POST returned."""

    account_type = ClaidCredentials
    path: ClassVar[str]
    limits = INPUT_LIMITS

    async def submit(self, account: ClaidCredentials, call: Call) -> Accepted:
        """Start the job; a success that can't be read is a job without an id, so its outcome is unknown."""
        response = await exchange.call(account, call, paid=True)
        reply = reply_as(AcceptedReply, response, account, paid=True)
        return Accepted(job_id=str(reply.data.id), request_id=request_id(response))

    async def poll(self, account: ClaidCredentials, job_id: str) -> Running | Finished:
        """Ask once how the job stands, in its turn, on the account's own address."""
        try:
            response = await patiently(account, Call("GET", f"{self.path}/{quote(job_id, safe='')}"))
            return _standing(reply_as(JobReply, response, account).data, request_id(response))
        except VendorError as error:
            error.job_id = job_id
            raise


def _standing(job: JobState, request_id: str | None) -> Running | Finished:
    match job.status.upper():
        case "DONE" if job.result.output_objects:
            return Finished(tuple(Result(image.tmp_url) for image in job.result.output_objects))
        case "DONE":
            raise _failed(job, "reported the job done, but with no picture", request_id)
        case "ERROR":
            raise _failed(job, "failed the job", request_id)
        case "CANCELLED":
            raise _failed(job, "cancelled the job", request_id)
        case _:
            # The list of statuses is open; whatever is not an end is waited for until the job's deadline.
            return Running(job.status)


def _failed(job: JobState, cause: str, request_id: str | None) -> JobFailed:
    return JobFailed(
        f"Claid {cause}",
        vendor="Claid",
        request_id=request_id,
        words="; ".join(failure.error for failure in job.errors) or None,
        next_step="Look at its pictures and options; the row is made again on --retry failed.",
    )
