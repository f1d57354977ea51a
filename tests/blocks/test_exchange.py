"""One call to a vendor over real HTTP: what is sent, what is repeated, and how replies are read."""

import asyncio
import pickle
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from blocks import ClaidCredentials
from blocks.account import Limits
from blocks.errors import ContractDrift, RateLimited, Rejected, Unavailable, VendorError
from blocks.exchange import LONGEST_BACKOFF_SECONDS, Call, backoff, call, patiently, reply_as, retry_after
from tests.blocks.vendor_server import serving

FREE = Call("GET", "/v1/image/ai-edit/1")
PAID = Call("POST", "/v1/image/ai-edit", json={"input": "https://example.com/a.png"})


@dataclass
class _Vendor:
    """A server that records what it is sent and gives the answers laid out for it, and then 200."""

    answers: deque[web.Response] = field(default_factory=deque[web.Response])
    requests: list[web.Request] = field(default_factory=list[web.Request])
    bodies: list[bytes] = field(default_factory=list[bytes])
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.requests.append(request)
        return self.answers.popleft() if self.answers else web.json_response({"data": {"id": 1}})

    def account(self, limits: Limits | None = None) -> ClaidCredentials:
        return ClaidCredentials(api_key=SecretStr("secret-key"), base_url=self.url, limits=limits or Limits())


@pytest.fixture
async def vendor() -> AsyncIterator[_Vendor]:
    """A vendor on a free port."""
    recording = _Vendor()
    async with serving(recording.handle) as recording.url:
        yield recording


async def test_a_call_is_sent_as_it_is_written(vendor: _Vendor) -> None:
    """Method, path, parameters, body and key arrive, and nothing else is asked for."""
    await call(vendor.account(), Call("POST", "/v1/x", json={"a": "ä"}, params={"task_id": "1.a"}), paid=True)

    assert (vendor.requests[0].method, vendor.requests[0].path_qs) == ("POST", "/v1/x?task_id=1.a")
    assert '{"a":"ä"}'.encode() == vendor.bodies[0]
    assert vendor.requests[0].headers["authorization"] == "Bearer secret-key"
    assert vendor.requests[0].headers["content-type"] == "application/json"


async def test_files_go_as_multipart_parts(vendor: _Vendor) -> None:
    """Each file keeps its name and type, next to the plain fields, in a body of announced length."""
    files = {"file": ("shirt.png", b"\x89PNG bytes", "image/png")}
    await call(vendor.account(), Call("POST", "/upload", data={"data": "{}"}, files=files), paid=False)

    body = vendor.bodies[0]

    assert vendor.requests[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert str(len(body)) == vendor.requests[0].headers["content-length"]
    assert b'name="data"\r\n\r\n{}\r\n' in body
    assert b'name="file"; filename="shirt.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG bytes\r\n' in body


def test_a_call_keeps_files_out_of_its_repr() -> None:
    """Pictures do not end up in logs."""
    assert "PNG" not in repr(Call("POST", "/", files={"file": ("a.png", b"PNG", "image/png")}))


@pytest.mark.parametrize("status", [429, 503])
async def test_a_paid_call_is_never_repeated_here(vendor: _Vendor, status: int) -> None:
    """Even where it may be repeated, that is the ledger's business: each try is an attempt."""
    vendor.answers.append(web.Response(status=status))
    with pytest.raises(VendorError) as caught:
        await call(vendor.account(), PAID, paid=True)

    assert caught.value.retryable
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_free_call_is_repeated_until_it_is_answered(vendor: _Vendor, status: int) -> None:
    """A poll outlives the vendor's bad moments."""
    vendor.answers.extend(web.Response(status=status, headers={"retry-after": "0"}) for _ in range(2))

    assert (await patiently(vendor.account(), FREE)).status_code == 200
    assert len(vendor.requests) == 3


async def test_a_free_call_gives_up_in_the_end(vendor: _Vendor) -> None:
    """Five tries, then the last refusal is the answer."""
    vendor.answers.extend(web.Response(status=503, headers={"retry-after": "0"}) for _ in range(9))
    with pytest.raises(Unavailable):
        await patiently(vendor.account(), FREE)

    assert len(vendor.requests) == 5


async def test_a_free_call_that_is_refused_is_not_repeated(vendor: _Vendor) -> None:
    """Asking again does not make a wrong request right."""
    vendor.answers.append(web.Response(status=422))
    with pytest.raises(Rejected):
        await patiently(vendor.account(), FREE)

    assert len(vendor.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=429, headers={"retry-after": "100"}),
        web.Response(status=200, headers={"ratelimit-remaining": "0", "ratelimit-reset": "100"}),
    ],
)
async def test_what_the_vendor_says_of_its_limits_holds_every_call_back(vendor: _Vendor, answer: web.Response) -> None:
    """One answer slows the whole account down, not only the call that got it."""
    vendor.answers.append(answer)
    account = vendor.account()
    try:
        await call(account, FREE, paid=False)
    except RateLimited:
        assert answer.status == 429
    turn = asyncio.ensure_future(account.pace().request())
    done, _ = await asyncio.wait([turn], timeout=0.05)
    turn.cancel()

    assert not done


async def test_a_key_that_the_vendor_quotes_is_masked(vendor: _Vendor) -> None:
    """A vendor's words may repeat the key; ours never do."""
    vendor.answers.append(web.Response(status=401, text="bad key secret-key"))
    with pytest.raises(VendorError) as caught:
        await call(vendor.account(), FREE, paid=False)

    assert "secret-key" not in str(caught.value)
    assert "bad key" in str(caught.value)


@given(failures=st.integers(1, 50))
def test_waits_double_up_to_two_minutes_with_jitter(failures: int) -> None:
    """Each wait lies between half of its ceiling and the ceiling."""
    ceiling = min(2.0 ** (failures - 1), LONGEST_BACKOFF_SECONDS)

    assert ceiling / 2 <= backoff(failures, Unavailable("x")) <= ceiling


@given(asked=st.floats(0, 1e9), failures=st.integers(1, 50))
def test_the_wait_that_the_vendor_asks_for_is_kept_up_to_two_minutes(asked: float, failures: int) -> None:
    """The vendor knows best, within reason."""
    assert min(asked, 120.0) == backoff(failures, RateLimited("x", retry_after=asked))


def _retry_after(value: str) -> float | None:
    return retry_after(httpx.Response(429, headers={"retry-after": value}))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0.0), ("7", 7.0), (" 7 ", 7.0), ("9999", 120.0), ("", None), ("-1", None), ("soon", None), ("1e400", None)],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    """A number is taken up to 120, anything else is as good as no header."""
    assert seconds == _retry_after(value)


@pytest.mark.parametrize(("ahead", "seconds"), [(30, 30.0), (-30, 0.0), (9999, 120.0)])
def test_retry_after_as_a_date(ahead: int, seconds: float) -> None:
    """A date is what is left until then, between nothing and 120 s."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)

    assert seconds == pytest.approx(_retry_after(date), abs=1.5)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_no_retry_after_breaks_the_reading(value: str) -> None:
    """Whatever a proxy puts there, it is seconds within bounds or nothing."""
    seconds = _retry_after(value)

    assert seconds is None or 0 <= seconds <= 120


class _Job(BaseModel):
    id: int


class _Reply(BaseModel):
    data: _Job


def _reply(body: str) -> httpx.Response:
    return httpx.Response(
        200,
        text=body,
        headers={"x-request-id": "r-1"},
        request=httpx.Request("POST", "https://api.claid.ai/v1/x"),
    )


def _drift(body: str, *, paid: bool) -> ContractDrift:
    with pytest.raises(ContractDrift) as caught:
        reply_as(_Reply, _reply(body), ClaidCredentials(api_key=SecretStr("k")), paid=paid)
    return caught.value


def test_a_documented_reply_is_read() -> None:
    """The reply comes back as the model."""
    account = ClaidCredentials(api_key=SecretStr("k"))

    assert reply_as(_Reply, _reply('{"data": {"id": 7}}'), account).data.id == 7


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ('{"data": {"id": null}}', "data.id"),
        ('{"data": {}}', "data.id"),
        ('{"result": {"id": 1}}', "data"),
        ("<html>Be right back</html>", "the body"),
        ("", "the body"),
        ("[]", "the body"),
    ],
)
def test_a_drifted_reply_names_the_field_and_closes_the_lane(body: str, where: str) -> None:
    """The message says what to compare, with the id that the vendor's support asks for."""
    error = _drift(body, paid=False)

    assert f"its documentation: {where}: " in error.what
    assert error.request_id == "r-1"
    assert error.closes_lane
    assert not error.retryable
    assert not error.outcome_unknown


def test_a_drifted_reply_to_a_paid_call_is_an_unknown_outcome_too() -> None:
    """The vendor accepted: the lane closes, and the unit is not posted again unasked; this survives pickling."""
    error = pickle.loads(pickle.dumps(_drift("{}", paid=True)))

    assert (error.closes_lane, error.outcome_unknown) == (True, True)
    assert "repeated only on --retry unknown" in str(error)


def test_a_drifted_reply_is_not_quoted() -> None:
    """Replies echo the signed addresses that they were sent."""
    error = _drift('{"data": {"id": "https://h/a?X-Amz-Signature=abc"}}', paid=True)

    assert "abc" not in f"{error} {error.__cause__} {error.__context__}"
