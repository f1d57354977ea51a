"""What an HTTP answer that is no success means, where it means the same at every vendor."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, TypeVar

import httpx

from blocks.account import VendorAccount
from blocks.errors import (
    AuthFailed,
    ContractDrift,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    Rejected,
    ResultExpired,
    Unavailable,
    VendorError,
)
from blocks.exchange import retry_after

__all__ = ["bare_words", "by_status", "masked", "refused"]

Refusal = TypeVar("Refusal", bound=VendorError)

# The error, what happened, and the next step.
Meaning = tuple[type[VendorError], str, str]

MEANINGS: dict[int, Meaning] = {
    401: (AuthFailed, "{vendor} does not accept the API key", "Check the account's API key, then run again."),
    402: (QuotaExhausted, "the {vendor} account has no credits left", "Buy credits, then run again."),
    403: (AuthFailed, "{vendor} does not permit this API key to do it", "Check the key's permissions at the vendor."),
    429: (RateLimited, "{vendor} refuses for rate", "Run again later, or lower the account's limits."),
    503: (Unavailable, "{vendor} is overloaded", "Run again later: nothing was accepted."),
}

BODY_TEXT_LIMIT = 4000
MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def by_status(
    account: VendorAccount,
    response: httpx.Response,
    *,
    words: str | None,
    posting: bool,
    request_id: str | None = None,
    status: int | None = None,
) -> VendorError | None:
    """
    Read the status alone; None for 2xx.

    `words` are what the vendor's envelope says; without any, the body's text stands in. `status` is the
    envelope's, where it holds instead of the HTTP one. Look at the vendor's own codes first where they are finer.
    """
    status = response.status_code if status is None else status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if status < HTTPStatus.BAD_REQUEST:
        kind, what, next_step = _redirected(account.vendor, response)
    else:
        kind, what, next_step = _meaning(account.vendor, status, posting=posting)
    return refused(account, response, kind, what, words=words, next_step=next_step, request_id=request_id)


def refused(
    account: VendorAccount,
    response: httpx.Response,
    kind: type[Refusal],
    what: str,
    *,
    words: str | None,
    next_step: str,
    request_id: str | None = None,
) -> Refusal:
    """Make the error of this kind for this answer, with the exchange named and the key masked."""
    request = response.request
    facts: dict[str, Any] = {
        "vendor": account.vendor,
        "status": response.status_code,
        "request_id": request_id,
        "retry_after": retry_after(response),
        "words": masked(account, words or bare_words(response)),
        "next_step": next_step,
    }
    return kind(f"{what} (HTTP {response.status_code} to {request.method} {request.url.path})", **facts)


def bare_words(response: httpx.Response) -> str | None:
    """The body as words, without markup: what a proxy's error page says."""
    text = " ".join(MARKUP.sub(" ", response.text[:BODY_TEXT_LIMIT]).split())
    return text or None


def masked(account: VendorAccount, words: str | None) -> str | None:
    """The vendor's words without the account's key, which some vendors quote back."""
    key = account.api_key.get_secret_value()
    return words.replace(key, "[key]") if words and key else words


def _redirected(vendor: str, response: httpx.Response) -> Meaning:
    try:
        where = httpx.URL(response.headers.get("location", "")).host
    except httpx.InvalidURL:
        where = ""
    what = f"{vendor} redirects to {where or 'another address'}"
    return ContractDrift, what, "Check the account's base_url: the key is sent nowhere else."


def _meaning(vendor: str, status: int, *, posting: bool) -> Meaning:
    if status in MEANINGS:
        kind, what, next_step = MEANINGS[status]
        return kind, what.format(vendor=vendor), next_step
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return _absent(vendor, posting=posting)
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _broken_down(vendor, posting=posting)
    return Rejected, f"{vendor} refused the request", "Change what the vendor objects to, then run again."


def _absent(vendor: str, *, posting: bool) -> Meaning:
    if posting:
        what = f"{vendor} knows no such endpoint"
        return ContractDrift, what, "Check the account's base_url and the vendor's changelog."
    return (
        ResultExpired,
        f"{vendor} no longer knows the job",
        "Vendors keep jobs for 24 hours; --retry failed buys it anew.",
    )


def _broken_down(vendor: str, *, posting: bool) -> Meaning:
    if posting:
        next_step = "The vendor may have charged for it, so it is repeated only on --retry unknown."
        return OutcomeUnknown, f"{vendor} broke down over a paid call", next_step
    return Unavailable, f"{vendor} is not available", "Run again: the call is free to repeat."
