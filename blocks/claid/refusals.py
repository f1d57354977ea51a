"""What Claid's refusals say (docs.claid.ai/errors, docs.claid.ai/rate-limits)."""

from __future__ import annotations

from http import HTTPStatus

import httpx
from pydantic import JsonValue, TypeAdapter, ValidationError

from blocks.account import VendorAccount
from blocks.claid.wire import ErrorBody, ErrorReply, FieldError
from blocks.errors import VendorError
from blocks.exchange import LONGEST_BACKOFF_SECONDS
from blocks.refusals import by_status

__all__ = ["pause", "read_refusal", "request_id", "vendor_words"]

_bodies: TypeAdapter[ErrorBody | ErrorReply] = TypeAdapter(ErrorBody | ErrorReply)


def read_refusal(account: VendorAccount, response: httpx.Response, *, posting: bool) -> VendorError | None:
    """
    The error that an unsuccessful answer stands for; None for a success.

    Claid documents no code or wording for refused content, so such a refusal stays a plain one, in its words.
    """
    # An upload is free to repeat, yet what it does not find is an endpoint, and no job.
    absent_endpoint = response.status_code == HTTPStatus.NOT_FOUND and response.request.method == "POST"
    failure = by_status(
        account,
        response,
        words=None if response.is_success else vendor_words(response),
        posting=posting or absent_endpoint,
        request_id=request_id(response),
    )
    if failure is not None and failure.retry_after is None:
        failure.retry_after = pause(response)
    return failure


def request_id(response: httpx.Response) -> str | None:
    """What Claid's support asks for."""
    return response.headers.get("x-request-id")


def pause(response: httpx.Response) -> float | None:
    """Seconds until the account may call again, at most 120, once the answer says that no calls are left."""
    try:
        remaining = int(response.headers["ratelimit-remaining"])
        reset = float(response.headers["ratelimit-reset"])
    except (KeyError, ValueError):
        return None
    # Written so that a NaN is no pause.
    return min(reset, LONGEST_BACKOFF_SECONDS) if remaining <= 0 and reset > 0 else None


def vendor_words(response: httpx.Response) -> str | None:
    """The vendor's own words, from a flat body, a nested one or a list of complaints; None from anything else."""
    try:
        body = _bodies.validate_json(response.content)
    except ValidationError:
        return None
    said = body.detail if isinstance(body, ErrorReply) else body
    if isinstance(said, str):
        return said
    if isinstance(said, ErrorBody):
        return " ".join([said.error_message, *_unsaid(said)])
    return "; ".join(_complaint(error) for error in said)


def _unsaid(body: ErrorBody) -> list[str]:
    # The message usually repeats the details already, as "path: complaint."
    return [f"{path}: {_flat(said)}." for path, said in body.error_details.items() if path not in body.error_message]


def _flat(said: JsonValue) -> str:
    return ", ".join(str(part) for part in said) if isinstance(said, list) else str(said)


def _complaint(error: FieldError) -> str:
    return f"{'.'.join(str(part) for part in error.loc)}: {error.msg}"
