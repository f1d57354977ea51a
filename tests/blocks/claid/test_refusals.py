"""What Claid's refusals mean, in each of its error bodies."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from blocks import ClaidCredentials
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
from tests.blocks.claid.vendor import KEY, sample

REQUEST_ID = "9e6d4c1e-5f0a-4b52-8c53-0b5a3b1f7f10"


def _refusal(
    status: int,
    body: bytes = b"",
    *,
    method: str = "POST",
    posting: bool = True,
    headers: dict[str, str] | None = None,
) -> VendorError:
    response = httpx.Response(
        status,
        content=body,
        headers={"x-request-id": REQUEST_ID} | (headers or {}),
        request=httpx.Request(method, "https://api.claid.ai/v1/image/ai-edit"),
    )
    error = ClaidCredentials(api_key=SecretStr(KEY)).refusal(response, posting=posting)
    assert error is not None
    return error


@pytest.mark.parametrize("posting", [True, False])
@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (400, Rejected),
        (401, AuthFailed),
        (402, QuotaExhausted),
        (403, AuthFailed),
        (409, Rejected),
        (413, Rejected),
        (422, Rejected),
        (429, RateLimited),
        (503, Unavailable),
    ],
)
def test_a_refusal_means_the_same_for_paid_and_free_calls(
    status: int, meaning: type[VendorError], *, posting: bool
) -> None:
    """Where the vendor says that it refused, nothing was accepted."""
    assert meaning is type(_refusal(status, posting=posting))


@pytest.mark.parametrize("status", [408, 500, 502, 504, 520, 599])
def test_a_breakdown_leaves_a_paid_call_unknown(status: int) -> None:
    """Something broke after the request was seen, and nobody knows how far it had come."""
    assert OutcomeUnknown is type(_refusal(status))
    assert Unavailable is type(_refusal(status, method="GET", posting=False))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_names_the_setting_to_check(status: int) -> None:
    """A redirect means a wrong address, not another try."""
    error = _refusal(status, headers={"location": "https://elsewhere.example.com/"})

    assert ContractDrift is type(error)
    assert "base_url" in str(error)
    assert not error.retryable


def test_an_unknown_job_has_expired() -> None:
    """A job that Claid no longer finds had its 24 hours."""
    error = _refusal(404, sample("refused_404"), method="GET", posting=False)

    assert ResultExpired is type(error)
    assert error.words == "Web image not found."


@pytest.mark.parametrize("posting", [True, False])
def test_an_unknown_endpoint_is_no_expired_job(*, posting: bool) -> None:
    """A POST that finds nothing, an upload's too, went to a wrong address."""
    assert ContractDrift is type(_refusal(404, posting=posting))


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, sample("refused_401"), "Authorization is required."),
        (
            422,
            sample("refused_422"),
            (
                "options.aspect_ratio: value is not a valid enumeration member. "
                "input.clothing: ensure this value has at least 1 items."
            ),
        ),
        (429, sample("refused_429"), "Too Many Requests. Rate limit exceeded."),
        (422, sample("refused_query_422"), "path.ai_edit_id: value is not a valid integer"),
        (
            422,
            b'{"error_message": "Bad request.", "error_details": {"scene.view": ["is required"], "x": "is odd"}}',
            "Bad request. scene.view: is required. x: is odd.",
        ),
        (405, b'{"detail": "Method Not Allowed"}', "Method Not Allowed"),
        (
            502,
            b"<html><head><style>p{}</style><title>502 Bad Gateway</title></head><body>\n<p>nginx</p></body>",
            "502 Bad Gateway nginx",
        ),
        (500, b"upstream failed", "upstream failed"),
        (500, b'{"unexpected": 1}', '{"unexpected": 1}'),
        (500, b"\xff\xfe\x00", "\ufffd\ufffd\x00"),
        (500, b"", None),
    ],
)
def test_the_vendors_words_are_found_in_every_body(status: int, body: bytes, words: str | None) -> None:
    """Flat, nested, a list of complaints, or a proxy's page: what was said is what is told."""
    error = _refusal(status, body)

    assert words == error.words
    assert (status, REQUEST_ID, "Claid") == (error.status, error.request_id, error.vendor)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7", "ratelimit-remaining": "-1", "ratelimit-reset": "30"}, 7.0),
        ({"ratelimit-remaining": "-1", "ratelimit-reset": "30"}, 30.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "4000"}, 120.0),
        ({"ratelimit-remaining": "2", "ratelimit-reset": "30"}, None),
        ({}, None),
    ],
)
def test_a_refusal_for_rate_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    """Retry-After holds where there is one, else the window's own reset."""
    assert seconds == _refusal(429, sample("refused_429"), headers=headers).retry_after


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_success_is_no_refusal(status: int) -> None:
    """Claid answers 200; its siblings among the 2xx are successes as well."""
    response = httpx.Response(status, request=httpx.Request("POST", "https://api.claid.ai/"))

    assert ClaidCredentials(api_key=SecretStr(KEY)).refusal(response, posting=True) is None
