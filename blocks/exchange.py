"""One HTTP call to a vendor, and what became of it; the only place that sends a key."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, TypeVar

import aiohttp
import httpx
from pydantic import BaseModel, ValidationError

from blocks.account import VendorAccount
from blocks.errors import ContractDrift, OutcomeUnknown, Unavailable, VendorError
from blocks.metrics import REQUESTS
from blocks.transport import provably_not_sent, send

__all__ = ["LONGEST_BACKOFF_SECONDS", "Call", "backoff", "call", "patiently", "reply_as", "retry_after"]

Reply = TypeVar("Reply", bound=BaseModel)

FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 120.0
JOINED_BYTES = 2**20
HEADERS = {"user-agent": "catwalk", "accept-encoding": "gzip, deflate"}
FREE_CALL_TRIES = 5
CAUSE_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a vendor, as data: it can be built, looked at and sent apart."""

    method: str
    path: str
    json: Any = None
    data: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = field(default=None, repr=False)
    params: Mapping[str, str] | None = None


async def call(account: VendorAccount, request: Call, *, paid: bool) -> httpx.Response:
    """
    Send once and return the vendor's success.

    Raises what the vendor answered, or `Unavailable` when nothing can have been accepted. For a paid call
    every other broken exchange is `OutcomeUnknown`; a free one is `Unavailable` and may be repeated.
    """
    kind = "paid" if paid else "free"
    try:
        response = await _send(account, request)
    # aiohttp's errors reach here raw where its httpx transport has no name for them, such as for a garbled reply.
    except (httpx.RequestError, aiohttp.ClientError, OSError) as error:
        REQUESTS.labels(account.vendor, kind, "none").inc()
        broken = _broken(account, request, error, paid=paid)
    else:
        REQUESTS.labels(account.vendor, kind, str(response.status_code)).inc()
        return _accepted(account, response, paid=paid)
    # Raised outside of the handler, as aiohttp's errors hold the request's headers, and with them the key.
    raise broken


async def patiently(account: VendorAccount, request: Call) -> httpx.Response:
    """Send a call that is free to repeat, in its turn, a few times if need be."""
    for failures in range(1, FREE_CALL_TRIES + 1):
        await account.pace().request()
        try:
            return await call(account, request, paid=False)
        except VendorError as error:
            if not error.retryable or failures == FREE_CALL_TRIES:
                raise
            await asyncio.sleep(backoff(failures, error))
    raise AssertionError("unreachable: the last try returns or raises")


def backoff(failures: int, error: VendorError) -> float:
    """Seconds to wait after this many failures: what the vendor asks for, else doubling with jitter."""
    if error.retry_after is not None:
        return min(error.retry_after, LONGEST_BACKOFF_SECONDS)
    ceiling = min(FIRST_BACKOFF_SECONDS * 2 ** (failures - 1), LONGEST_BACKOFF_SECONDS)
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, not a secret


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that the Retry-After header asks for (a number or an HTTP date), at most 120; None without one."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return min(float(value), LONGEST_BACKOFF_SECONDS)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    seconds = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_BACKOFF_SECONDS)


def reply_as(model: type[Reply], response: httpx.Response, account: VendorAccount, *, paid: bool = False) -> Reply:
    """
    Read a successful reply as the documented model, or raise `ContractDrift` naming the field.

    `paid` marks the reply to a paid call: the vendor accepted it, so what it costs and makes is then unknown.
    """
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        # The reply itself stays out of the message and of the chain: it echoes signed addresses.
        first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the body"
    drift = ContractDrift(
        f"{account.vendor}'s reply to {response.request.method} {response.request.url.path} no longer fits "
        f"its documentation: {where}: {first['msg']} (HTTP {response.status_code}, "
        f"{response.headers.get('content-type', 'no content type')}, {len(response.content)} bytes)",
        vendor=account.vendor,
        status=response.status_code,
        request_id=response.headers.get("x-request-id"),
        next_step="Nothing further was sent on this account; compare the vendor's changelog with blocks/."
        + (" The vendor may have charged for this one, so it is repeated only on --retry unknown." if paid else ""),
    )
    drift.outcome_unknown = paid
    raise drift


@lru_cache(maxsize=256)
def _address(base_url: str, path: str) -> httpx.URL:
    # Parsing an address costs httpx a quarter of a small call, and paid calls go to a handful of them.
    return httpx.URL(base_url + path)


async def _send(account: VendorAccount, request: Call) -> httpx.Response:
    timeouts = account.timeouts
    # The client's own timeouts restart with each byte; this one ends a body that trickles for ever.
    async with asyncio.timeout(timeouts.connect + timeouts.reply):
        message = httpx.Request(
            request.method,
            _address(account.base_url, request.path),
            json=request.json,
            data=request.data,
            files=request.files,
            params=request.params,
            headers=HEADERS | account.auth_headers(),
            extensions={"timeout": _waits(timeouts.connect, timeouts.reply)},
        )
        if int(message.headers.get("content-length", 0)) <= JOINED_BYTES:
            # A form's parts go out one system call each, unless they are joined before.
            message.read()
        response = await send(message)
        async with aclosing(response):
            await response.aread()
        return response


@lru_cache(maxsize=256)
def _waits(connect: float, reply: float) -> dict[str, float | None]:
    return httpx.Timeout(reply, connect=connect, pool=connect).as_dict()


def _accepted(account: VendorAccount, response: httpx.Response, *, paid: bool) -> httpx.Response:
    account.observe(response)
    if refusal := account.refusal(response, posting=paid):
        if refusal.retry_after:
            account.pace().slow_down(min(refusal.retry_after, LONGEST_BACKOFF_SECONDS))
        raise refusal
    return response


def _broken(account: VendorAccount, request: Call, error: Exception, *, paid: bool) -> VendorError:
    host = httpx.URL(account.base_url).netloc.decode()
    said = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    cause = " ".join(said.split())[:CAUSE_LIMIT] or type(error).__name__
    if provably_not_sent(error):
        return Unavailable(
            f"no connection to {account.vendor} at {host}: {cause}",
            vendor=account.vendor,
            next_step="Check the network and the account's base_url, then run again: nothing was sent.",
        )
    if paid:
        return OutcomeUnknown(
            f"the connection to {account.vendor} broke before its answer to {request.method} {request.path} "
            f"arrived: {cause}",
            vendor=account.vendor,
            next_step="The vendor may have charged for it, so it is repeated only on --retry unknown.",
        )
    return Unavailable(
        f"{account.vendor} at {host} did not answer {request.method} {request.path}: {cause}",
        vendor=account.vendor,
        next_step="Run again: the call is free to repeat.",
    )
