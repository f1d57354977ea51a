"""Whether a delivery is Claid's, and what it says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from blocks.claid.deliveries import ended_job, is_genuine

SECRET = SecretStr("a secret of the dashboard")
BODY = b'{"data": {"id": 228654, "status": "DONE"}}'
# What `printf %s "$BODY" | openssl dgst -sha256 -hmac "$SECRET"` says.
OPENSSL = "d52fd3bd9162c443513dbcd97348b732d53032ee41d92ae524112f1bcd91c993"


def digest(body: bytes = BODY, secret: str = SECRET.get_secret_value()) -> bytes:
    """The digest that the vendor signs a body with."""
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


@pytest.mark.parametrize(
    "signature",
    [
        OPENSSL,
        digest().hex().upper(),
        f"sha256={digest().hex()}",
        f" {digest().hex()} ",
        base64.b64encode(digest()).decode(),
    ],
    ids=["bare", "upper case", "prefixed", "in spaces", "base64"],
)
def test_a_digest_counts_however_it_is_written(signature: str) -> None:
    """The vendor's pages leave its encoding open."""
    assert is_genuine(SECRET, BODY, signature)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha256=",
        digest(secret="another secret").hex(),
        digest(b"another body").hex(),
        digest().hex()[:-2],
        digest().hex() + "00",
        digest().hex()[:-1] + "é",
        hashlib.sha256(BODY).hexdigest(),
        base64.b64encode(digest().hex().encode()).decode(),
        "0" * 100_000,
    ],
)
def test_anything_else_is_forged(signature: str) -> None:
    """Neither a part nor a longer one, and no digest without the secret."""
    assert not is_genuine(SECRET, BODY, signature)


@given(body=st.binary(max_size=200), signature=st.text(max_size=200))
def test_no_header_breaks_the_check(body: bytes, signature: str) -> None:
    """Whatever comes is judged, and never guessed right."""
    assert not is_genuine(SECRET, body, signature)


@given(body=st.binary(max_size=500))
def test_every_body_can_be_signed(body: bytes) -> None:
    """The raw bytes are signed, whatever they hold."""
    assert is_genuine(SECRET, body, digest(body).hex())


@pytest.mark.parametrize("status", ["DONE", "ERROR", "CANCELLED", "done"])
def test_an_ended_job_is_named(status: str) -> None:
    """All its ends end the wait for it, with the wrapper of the query's answer and without."""
    told = {"id": 228654, "status": status, "result": {"output_objects": [{"tmp_url": "https://x/y.png"}]}}

    assert "228654" == ended_job(json.dumps({"data": told}).encode())
    assert "228654" == ended_job(json.dumps(told).encode())


@pytest.mark.parametrize("status", ["ACCEPTED", "PROCESSING", "WAITING", "PAUSED", "something new"])
def test_a_job_that_goes_on_is_not_named(status: str) -> None:
    """Its wait goes on too."""
    assert ended_job(json.dumps({"data": {"id": 1, "status": status}}).encode()) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"event": "ping"}',
        b'{"data": null}',
        b'{"data": {"id": "x", "status": "DONE"}}',
        b'{"data": {"id": -1, "status": "DONE"}}',
        b'{"data": {"id": 1e99, "status": "DONE"}}',
        b'{"data": {"id": 99999999999999999999, "status": "DONE"}}',
        b'{"data": {"id": 1}}',
        b"[" * 100_000,
        b'\xff{"id": 1}',
    ],
)
def test_a_body_that_names_no_job_is_refused(body: bytes) -> None:
    """With an error that does not quote it."""
    with pytest.raises(ValidationError) as refused:
        ended_job(body)

    assert "<html>" not in str(refused.value)
