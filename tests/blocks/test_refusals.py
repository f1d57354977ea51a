"""Tests for blocks/refusals.py."""

from __future__ import annotations

import httpx
import pytest

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
from blocks.refusals import bare_words, by_status
from blocks.vmake import VmakeCredentials

ACCOUNT = VmakeCredentials.model_validate({"api_key": "the-secret"})


def answer(status: int, body: str = "", **headers: str) -> httpx.Response:
    """An answer to a call of `/v1/x?task_id=7`."""
    request = httpx.Request("GET", "https://vendor.example/v1/x?task_id=7")
    return httpx.Response(status, text=body, headers=headers, request=request)


@pytest.mark.parametrize(
    ("status", "paid", "free"),
    [
        (400, Rejected, Rejected),
        (401, AuthFailed, AuthFailed),
        (402, QuotaExhausted, QuotaExhausted),
        (403, AuthFailed, AuthFailed),
        (404, ContractDrift, ResultExpired),
        (408, OutcomeUnknown, Unavailable),
        (410, ContractDrift, ResultExpired),
        (413, Rejected, Rejected),
        (422, Rejected, Rejected),
        (429, RateLimited, RateLimited),
        (500, OutcomeUnknown, Unavailable),
        (502, OutcomeUnknown, Unavailable),
        (503, Unavailable, Unavailable),
        (504, OutcomeUnknown, Unavailable),
        (524, OutcomeUnknown, Unavailable),
        (301, ContractDrift, ContractDrift),
    ],
)
def test_a_status_means_the_same_at_every_vendor(status: int, paid: type[VendorError], free: type[VendorError]) -> None:
    """What may have been charged is unknown on a paid call, and merely repeated on a free one."""
    for posting, error in ((True, paid), (False, free)):
        failure = by_status(ACCOUNT, answer(status), words=None, posting=posting)

        assert type(failure) is error
        assert (failure and failure.status) == status


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_is_no_refusal(status: int) -> None:
    """Every 2xx passes."""
    assert by_status(ACCOUNT, answer(status), words=None, posting=True) is None


def test_the_envelopes_status_may_hold_instead() -> None:
    """Some vendors answer 200 and say 402 in the body."""
    failure = by_status(ACCOUNT, answer(200), words="No credits", posting=True, status=402)

    assert isinstance(failure, QuotaExhausted)


def test_tells_the_exchange_the_words_and_the_next_step() -> None:
    """The path is named without its query, the page without its markup."""
    page = "<html><style>p {}</style><h1>502</h1><p>Bad  gateway</p></html>"
    failure = by_status(ACCOUNT, answer(502, page), words=None, posting=True, request_id="r-1")

    assert str(failure) == (
        "Vmake broke down over a paid call (HTTP 502 to GET /v1/x). The vendor says: '502 Bad gateway'. "
        "The vendor may have charged for it, so it is repeated only on --retry unknown."
    )
    assert failure is not None
    assert failure.request_id == "r-1"


def test_masks_the_key_wherever_it_is_quoted() -> None:
    """Also where the cut at 300 characters would leave half of it."""
    failure = by_status(ACCOUNT, answer(401), words="x" * 295 + "the-secret", posting=True)

    assert "the-s" not in str(failure)


def test_takes_the_wait_that_the_vendor_asks_for() -> None:
    """Retry-After comes along."""
    failure = by_status(ACCOUNT, answer(429, **{"retry-after": "7"}), words=None, posting=True)

    assert failure is not None
    assert failure.retry_after == 7


@pytest.mark.parametrize("location", ["https://evil.example/x?token=1", "", "http://[broken", "/relative"])
def test_a_redirect_is_reported_and_not_followed(location: str) -> None:
    """The key goes to the account's own address alone."""
    failure = by_status(ACCOUNT, answer(302, location=location), words=None, posting=True)

    assert isinstance(failure, ContractDrift)
    assert "token" not in str(failure)


def test_an_empty_body_has_no_words() -> None:
    """Nothing is quoted where nothing was said."""
    assert bare_words(answer(500, " \n ")) is None
