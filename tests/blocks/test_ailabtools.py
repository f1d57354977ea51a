"""Tests for blocks/ailabtools/."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks import exchange
from blocks.ailabtools import AILabToolsCredentials, TryOnRefiner, TryOnRefinerOptions
from blocks.errors import (
    AuthFailed,
    CatalogError,
    ContentRefused,
    ContractDrift,
    JobFailed,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    Rejected,
    ResultExpired,
    Unavailable,
    VendorError,
)
from blocks.exchange import Call
from blocks.operation import Finished, Inputs, Picture, Result, Running
from tests.blocks.vendor_server import contract, documented, png, said, serving

OPERATION = TryOnRefiner()
NOTHING = TryOnRefinerOptions()
TASK = "1788109088348.1e968d25-86f6-cef9-9010-69b485b12ecd"
PERSON, TOP, BOTTOM, COARSE = (Picture(name, png(200 + size), "image/png") for size, name in enumerate("ptbc"))
INPUTS = Inputs(person_image=PERSON, top_garment=TOP, bottom_garment=BOTTOM, picture=COARSE, gender="woman")
CALL = Call("POST", "/api/portrait/enhance/try-on-clothes-refiner", data={"task_type": "async"})


def account(base_url: str = "http://127.0.0.1:1") -> AILabToolsCredentials:
    """An account at a vendor that answers at this address."""
    return AILabToolsCredentials.model_validate({"api_key": "ailab-secret", "base_url": base_url})


def refusal(status: int, code: str, message: str = "Told in words.") -> bytes:
    """An error in the vendor's old envelope."""
    return json.dumps(
        {
            "request_id": "r-1",
            "log_id": "r-1",
            "error_code": status,
            "error_code_str": code,
            "error_msg": "",
            "error_detail": {"status_code": status, "code": code, "code_message": "", "message": message},
        }
    ).encode()


def new_refusal(code: str) -> bytes:
    """An error in the vendor's new envelope."""
    return json.dumps({"request_id": "r-1", "error_detail": {"code": code, "message": "Told in words."}}).encode()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "FIRST_BACKOFF_SECONDS", 0.001)


class TestPrepare:
    """The call is the documented multipart body."""

    async def test_sends_each_picture_as_a_file(self) -> None:
        """Parts, file names and types arrive as the vendor's page has them, with the key in its header."""
        seen: list[Any] = []

        async def handler(request: web.Request) -> web.Response:
            seen.append((request.headers.get("ailabapi-api-key"), request.headers.get("Content-Length")))
            seen.append({name: _shown(value) for name, value in (await request.post()).items()})
            return web.Response(body=contract("ailabtools/accepted"))

        async with serving(handler) as base:
            accepted = await OPERATION.submit(account(base), await OPERATION.prepare(account(base), INPUTS, NOTHING))

        (key, length), parts = seen
        assert (accepted.job_id, accepted.request_id) == (TASK, "7d1f2a34-0c55-4f0e-9a60-1d2c3b4a5e6f")
        assert key == "ailab-secret"
        assert int(length) > len(PERSON.data)
        assert parts == {
            "task_type": "async",
            "gender": "woman",
            "person_image": ("person_image.png", "image/png", PERSON.data),
            "top_garment": ("top_garment.png", "image/png", TOP.data),
            "bottom_garment": ("bottom_garment.png", "image/png", BOTTOM.data),
            "coarse_image": ("coarse_image.png", "image/png", COARSE.data),
        }

    @pytest.mark.parametrize(("mime", "name"), [("image/jpeg", "top_garment.jpg"), ("image/bmp", "top_garment.bmp")])
    async def test_names_files_by_their_bytes(self, mime: str, name: str) -> None:
        """The vendor trusts the extension, so it follows the type."""
        inputs = Inputs(person_image=PERSON, top_garment=Picture("x.webp", b"...", mime), picture=COARSE, gender="man")
        call = await OPERATION.prepare(account(), inputs, NOTHING)

        assert call.files is not None
        assert call.files["top_garment"][0] == name
        assert "bottom_garment" not in call.files

    @pytest.mark.parametrize("absent", ["person_image", "top_garment", "picture", "gender"])
    async def test_names_what_the_row_lacks(self, absent: str) -> None:
        """An incomplete row is refused before anything is paid."""
        with pytest.raises(CatalogError, match="coarse_image" if absent == "picture" else absent):
            await OPERATION.prepare(account(), replace(INPUTS, **{absent: None}), NOTHING)

    def test_takes_no_options(self) -> None:
        """An option of another operation is a mistake."""
        with pytest.raises(ValidationError):
            TryOnRefinerOptions.model_validate({"prompt": "sharper"})

    def test_names_its_price(self) -> None:
        """The sibling's published price stands in for the refiner's own."""
        assert OPERATION.credits(NOTHING, AILabToolsCredentials.without_key()) == 30
        assert OPERATION.candidates(NOTHING) == 1


def _shown(value: Any) -> Any:
    return value if isinstance(value, str) else (value.filename, value.content_type, value.file.read())


class TestSubmit:
    """The paid call's answer is read for what it means to the money."""

    async def test_finds_the_task_under_data_as_well(self) -> None:
        """The vendor's SDK looks there, so the new envelope may have it there."""
        async with serving(documented("ailabtools/accepted_new_envelope")) as base:
            assert (await OPERATION.submit(account(base), CALL)).job_id == TASK

    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (400, refusal(400, "ERROR_INVALID_PARAMETER"), Rejected),
            (400, new_refusal("UNSUPPORTED_PARAMETER_VALUES"), Rejected),
            (200, refusal(422, "FILE_DECODING_FAILURE"), Rejected),
            (200, refusal(1, "SOMETHING"), Rejected),
            (422, refusal(422, "ERROR_NO_FACE_IN_FILE"), Rejected),
            (422, refusal(422, "ERROR_CONTENT_NON_COMPLIANCE"), ContentRefused),
            (401, refusal(401, "ERROR_APPLICATIONS_NOT_EXISTS"), AuthFailed),
            (403, refusal(403, "ERROR_USER_LOCKED"), AuthFailed),
            (404, refusal(404, "ERROR_AI_NOT_EXISTS"), ContractDrift),
            (413, refusal(413, "FILE_SIZE_EXCEEDS_LIMIT"), Rejected),
            (415, refusal(415, "UNSUPPORTED_FILE_TYPES"), Rejected),
            (429, refusal(429, "ERROR_NOT_ENOUGH_CREDITS"), QuotaExhausted),
            (429, new_refusal("ERROR_NOT_ENOUGH_CREDITS"), QuotaExhausted),
            (200, refusal(429, "ERROR_NOT_ENOUGH_CREDITS"), QuotaExhausted),
            (429, refusal(429, "EXCEEDING_LIMITS"), RateLimited),
            (429, b"slow down", RateLimited),
            (400, refusal(400, "PROCESSING_FAILURE"), Rejected),
            (500, refusal(500, "PROCESSING_FAILURE"), OutcomeUnknown),
            (500, b"", OutcomeUnknown),
            (502, refusal(502, "AI_SERVICE_ERROR"), OutcomeUnknown),
            (503, refusal(503, "ERROR_INSUFFICIENT_RESOURCES"), Unavailable),
            (504, refusal(504, "AI_SERVICE_TIMEOUT"), OutcomeUnknown),
        ],
    )
    async def test_reads_a_refusal(self, status: int, body: bytes, error: type[VendorError]) -> None:
        """The vendor's own code decides first, then the status."""
        async with serving(said(body, status)) as base:
            with pytest.raises(VendorError) as raised:
                await OPERATION.submit(account(base), CALL)

        assert type(raised.value) is error
        assert raised.value.outcome_unknown == (error is OutcomeUnknown)
        assert not body.startswith(b"{") or "Told in words." in str(raised.value)
        assert not body.startswith(b"{") or raised.value.request_id == "r-1"

    @pytest.mark.parametrize("body", [b"", b"<html>", b"{}", contract("ailabtools/envelope_documented"), b"[]"])
    async def test_does_not_lose_sight_of_money_behind_an_unreadable_success(self, body: bytes) -> None:
        """A 200 without a task id may have been charged, so it is never repeated unasked."""
        async with serving(said(body)) as base:
            with pytest.raises(ContractDrift) as raised:
                await OPERATION.submit(account(base), CALL)

        assert raised.value.outcome_unknown


class TestPoll:
    """A task is followed to its end by its status, or by the error that a poll is answered with."""

    async def test_asks_by_the_task_id(self) -> None:
        """The id arrives whole, whatever it holds."""
        seen: list[str] = []

        async def handler(request: web.Request) -> web.Response:
            seen.append(f"{request.path} {request.query['task_id']}")
            return web.Response(body=contract("ailabtools/queued_documented"))

        async with serving(handler) as base:
            assert await OPERATION.poll(account(base), "1.a&b") == Running("0")

        assert seen == ["/api/common/query-async-task-result 1.a&b"]

    @pytest.mark.parametrize("name", ["success", "success_new_envelope"])
    async def test_returns_the_result(self, name: str) -> None:
        """The address is found at the top or under data."""
        async with serving(documented(f"ailabtools/{name}")) as base:
            standing = await OPERATION.poll(account(base), TASK)

        assert standing == Finished((Result("https://ailab-outputs.example.com/r.png?Signature=a%2Bb"),))

    @pytest.mark.parametrize("status", [0, 1, 4, 99])
    async def test_waits_on_any_other_status(self, status: int) -> None:
        """Queued, processing, or not known: the job's deadline ends the wait."""
        async with serving(said(f'{{"task_status": {status}, "output": ""}}'.encode())) as base:
            assert await OPERATION.poll(account(base), TASK) == Running(str(status))

    async def test_takes_three_for_a_failure(self) -> None:
        """As the vendor's SDK does, with the vendor's words."""
        async with serving(documented("ailabtools/failed_status")) as base:
            with pytest.raises(JobFailed, match="PROCESSING_FAILURE: No body found"):
                await OPERATION.poll(account(base), TASK)

    @pytest.mark.parametrize("output", ['{"image_url": ""}', "null", "{}", '""', "[]"])
    async def test_takes_success_without_a_picture_for_a_failure(self, output: str) -> None:
        """There is nothing to wait for, and nothing to show."""
        async with serving(said(f'{{"task_status": 2, "output": {output}}}'.encode())) as base:
            with pytest.raises(JobFailed, match="reported success, but no picture"):
                await OPERATION.poll(account(base), TASK)

    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (413, contract("ailabtools/too_large"), JobFailed),
            (422, refusal(422, "ERROR_NO_FACE_IN_FILE"), JobFailed),
            (422, refusal(422, "ERROR_CONTENT_NON_COMPLIANCE"), ContentRefused),
            (200, refusal(422, "FILE_DECODING_FAILURE"), JobFailed),
            (500, refusal(500, "PROCESSING_FAILURE"), JobFailed),
            (400, refusal(400, "PROCESSING_FAILURE"), JobFailed),
            (500, refusal(500, "SOMETHING_ELSE"), JobFailed),
            (404, refusal(404, "ERROR_TASK_NOT_EXISTS"), ResultExpired),
            (404, refusal(404, "ERROR_AI_NOT_EXISTS"), ContractDrift),
            (401, refusal(401, "ERROR_USER_NOT_EXISTS"), AuthFailed),
            (429, refusal(429, "EXCEEDING_LIMITS"), RateLimited),
            (502, refusal(502, "AI_SERVICE_ERROR"), Unavailable),
            (503, refusal(503, "ERROR_INSUFFICIENT_RESOURCES"), Unavailable),
            (504, refusal(504, "AI_SERVICE_TIMEOUT"), Unavailable),
            (400, b"", Unavailable),
            (404, b"<html>Not here</html>", Unavailable),
            (500, b"", Unavailable),
            (422, b"{}", Unavailable),
            (200, b"<html>", ContractDrift),
        ],
    )
    async def test_reads_a_refusal(self, status: int, body: bytes, error: type[VendorError]) -> None:
        """An error with words ends the job; one of the line's, or without words, is asked again."""
        async with serving(said(body, status)) as base:
            with pytest.raises(VendorError) as raised:
                await OPERATION.poll(account(base), TASK)

        assert type(raised.value) is error
        assert raised.value.job_id == TASK
        assert not raised.value.outcome_unknown

    async def test_takes_a_500_that_passes_for_a_bad_moment(self) -> None:
        """A paid task is not given up for one error that the next poll does not repeat."""
        calls: list[int] = []

        async def handler(_: web.Request) -> web.Response:
            calls.append(1)
            if len(calls) < 3:
                return web.Response(status=500, body=refusal(500, "PROCESSING_FAILURE"))
            return web.Response(body=contract("ailabtools/success"))

        async with serving(handler) as base:
            assert isinstance(await OPERATION.poll(account(base), TASK), Finished)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error_code", "error_msg", "error_detail", "code", "message", "data", "request_id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(body=JSON.map(json.dumps).map(str.encode) | st.binary(max_size=40), status=st.integers(200, 599))
def test_any_answer_is_a_success_or_an_error_of_ours(body: bytes, status: int) -> None:
    """No answer escapes as anything else, whichever call it answers."""
    response = httpx.Response(status, content=body, request=httpx.Request("POST", "http://x/y"))

    for posting in (True, False):
        failure = account().refusal(response, posting=posting)

        assert failure is None or isinstance(failure, VendorError)
        assert failure is not None or response.is_success
