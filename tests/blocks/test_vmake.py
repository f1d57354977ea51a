"""Tests for blocks/vmake.py."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks import exchange
from blocks.errors import (
    AuthFailed,
    CatalogError,
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
from blocks.vmake import FashionModel, FashionModelOptions, VmakeCredentials
from tests.blocks.vendor_server import contract, documented, png, said, serving

OPERATION = FashionModel()
TASK = "0f1c2d3e-4f5g-6h7i-8j9k-a1b2c3d4e5f6"
PRESET = FashionModelOptions(model_id="002", scene_type="preset", scene_id="035")
URL = "https://gcs-airbrush.mr.pixocial.com/f5e6df0c59ea56b1863893b6f9ea2a11.png"
PICTURE = Picture("photo", png(), "image/png")
CALL = Call("POST", "/api/v4/image/ai-fashion-model/clothing-tasks", json={"image": URL})


def account(base_url: str = "http://127.0.0.1:1") -> VmakeCredentials:
    """An account at a vendor that answers at this address."""
    return VmakeCredentials.model_validate({"api_key": "vmake-secret", "base_url": base_url})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "FIRST_BACKOFF_SECONDS", 0.001)


class TestOptions:
    """Options are the vendor's, by either spelling, and impossible ones are refused."""

    def test_take_both_spellings(self) -> None:
        """snake_case and the vendor's camelCase mean the same."""
        camel = FashionModelOptions.model_validate({"modelId": "002", "sceneType": "preset", "sceneId": "035"})

        assert camel == PRESET

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"model_id": "002"},
            {"scene_type": "original"},
            {"model_id": "", "scene_type": "original"},
            {"model_id": "002", "scene_type": "beach"},
            {"model_id": "002", "scene_type": "preset"},
            {"model_id": "002", "scene_type": "original", "scene_id": "035"},
            {"model_id": "002", "scene_type": "color"},
            {"model_id": "002", "scene_type": "color", "scene_color": "red"},
            {"model_id": "002", "scene_type": "none", "scene_color": "#ffffff"},
            {"model_id": "002", "scene_type": "original", "batch_size": 0},
            {"model_id": "002", "scene_type": "original", "batch_size": 5},
            {"model_id": "002", "scene_type": "original", "model_size": "xl"},
            {"model_id": "002", "scene_type": "original", "model_expression": "angry"},
            {"model_id": "002", "scene_type": "original", "modelld": "003"},
            {"model_id": "002", "modelId": "003", "scene_type": "original"},
            {"model_id": "002", "scene_type": "original", "extra": {"modelId": "003"}},
            {"model_id": "002", "scene_type": "original", "extra": {"image": "https://example.com/a.png"}},
        ],
    )
    def test_refuse_what_the_vendor_would(self, options: dict[str, Any]) -> None:
        """Nothing is sent that the vendor's page rules out."""
        with pytest.raises(ValidationError):
            FashionModelOptions.model_validate(options)

    def test_name_the_field_that_a_scene_needs(self) -> None:
        """The message says which field is missing, and why."""
        with pytest.raises(ValidationError, match="scene_id goes with scene_type 'preset', and only with it"):
            FashionModelOptions.model_validate({"model_id": "002", "scene_type": "preset"})

    def test_ask_for_four_pictures_at_the_price_of_one(self) -> None:
        """A task costs one credit whatever its batch, so the default is the vendor's own four."""
        assert OPERATION.credits(PRESET, VmakeCredentials.without_key()) == 1
        assert OPERATION.candidates(PRESET) == 4

    def test_show_their_names_to_the_form(self) -> None:
        """The run form asks for the names that recipes use."""
        assert {"model_id", "scene_type"} == set(FashionModelOptions.model_json_schema()["required"])


class TestPrepare:
    """The call is the documented body."""

    async def test_sends_the_documented_body(self) -> None:
        """A picture with a public address goes by its address."""
        inputs = Inputs(picture=Picture("photo", PICTURE.data, PICTURE.mime, url=URL))
        call = await OPERATION.prepare(account(), inputs, PRESET)

        assert call.json == json.loads(contract("vmake/request_documented")) | {"batchSize": 4}
        assert (call.method, call.path) == (CALL.method, CALL.path)

    async def test_sends_a_picture_without_an_address_as_bare_base64(self) -> None:
        """There is no `data:` prefix, and the bytes are the picture's."""
        call = await OPERATION.prepare(account(), Inputs(picture=PICTURE), PRESET)

        assert base64.b64decode(call.json["image"], validate=True) == PICTURE.data

    async def test_sends_what_was_set_by_the_vendors_names(self) -> None:
        """Options go out in camelCase, extra fields as they stand, and what was left out stays out."""
        options = FashionModelOptions(
            model_id="044", scene_type="color", scene_color="#F4F4F4", model_size="m", mask=URL, batch_size=1,
            extra={"notifyUrl": "https://example.com/hook"},
        )  # fmt: skip
        call = await OPERATION.prepare(account(), Inputs(picture=PICTURE), options)

        assert {name: value for name, value in call.json.items() if name != "image"} == {
            "modelId": "044",
            "sceneType": "color",
            "sceneColor": "#F4F4F4",
            "modelSize": "m",
            "mask": URL,
            "batchSize": 1,
            "notifyUrl": "https://example.com/hook",
        }

    async def test_refuses_a_row_without_a_picture(self) -> None:
        """The operation is named with what it lacks."""
        with pytest.raises(CatalogError, match=r"vmake\.fashion_model takes a picture"):
            await OPERATION.prepare(account(), Inputs(), PRESET)


class TestSubmit:
    """The paid call is sent once, and its answer is read for what it means to the money."""

    async def test_returns_the_task(self) -> None:
        """The key goes in the vendor's header, the body as JSON."""
        seen: list[tuple[str | None, Any]] = []

        async def handler(request: web.Request) -> web.Response:
            seen.append((request.headers.get("X-Api-Key"), await request.json()))
            return web.Response(body=contract("vmake/created_documented"))

        async with serving(handler) as base:
            accepted = await OPERATION.submit(account(base), CALL)

        assert accepted.job_id == TASK
        assert seen == [("vmake-secret", {"image": URL})]

    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (400, contract("vmake/refused"), Rejected),
            (200, contract("vmake/refused"), Rejected),
            (200, b'{"code": 20017, "message": "Unknown scene"}', Rejected),
            (200, b'{"code": 401, "message": "Invalid key"}', AuthFailed),
            (401, b'{"code": 401, "message": "Invalid key"}', AuthFailed),
            (403, b"", AuthFailed),
            (402, b'{"code": 402, "message": "Insufficient credits"}', QuotaExhausted),
            (200, b'{"code": 402, "message": "Insufficient credits"}', QuotaExhausted),
            (413, b"<html>too large</html>", Rejected),
            (429, b'{"code": 429, "message": "Too many requests"}', RateLimited),
            (200, b'{"code": 429, "message": "Too many requests"}', RateLimited),
            (503, b"upstream", Unavailable),
            (500, b'{"code": 500, "message": "Internal"}', OutcomeUnknown),
            (200, b'{"code": 500, "message": "Internal"}', OutcomeUnknown),
            (502, b"<html>bad gateway</html>", OutcomeUnknown),
            (504, b"", OutcomeUnknown),
            (404, b"", ContractDrift),
        ],
    )
    async def test_reads_a_refusal(self, status: int, body: bytes, error: type[VendorError]) -> None:
        """A code in the envelope counts like the HTTP status that it equals."""
        async with serving(said(body, status)) as base:
            with pytest.raises(VendorError) as raised:
                await OPERATION.submit(account(base), CALL)

        assert type(raised.value) is error
        assert raised.value.status == status
        assert raised.value.outcome_unknown == (error is OutcomeUnknown)

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>", b"{}", b'{"code":0}', b'{"code":0,"data":null}', b'{"code":0,"data":{"taskId":""}}', b"[1]"],
    )
    async def test_does_not_lose_sight_of_money_behind_an_unreadable_success(self, body: bytes) -> None:
        """A 200 without a task id may have been charged, so it is never repeated unasked."""
        async with serving(said(body)) as base:
            with pytest.raises(ContractDrift) as raised:
                await OPERATION.submit(account(base), CALL)

        assert raised.value.outcome_unknown

    async def test_quotes_the_vendor_without_the_key(self) -> None:
        """The vendor's own words are told, but not a key among them."""
        async with serving(said(b'{"code":401,"message":"Unknown key vmake-secret"}', 401)) as base:
            with pytest.raises(AuthFailed) as raised:
                await OPERATION.submit(account(base), CALL)

        assert "The vendor says: 'Unknown key [key]'" in str(raised.value)

    async def test_follows_no_redirect_with_the_key(self) -> None:
        """A redirect is reported with its target's host."""
        async with serving(said(b"", 307, Location="https://evil.example/steal")) as base:
            with pytest.raises(ContractDrift, match=r"redirects to evil\.example"):
                await OPERATION.submit(account(base), CALL)


class TestPoll:
    """A task is followed to its end by the vendor's status."""

    async def test_asks_for_the_task_by_its_id(self) -> None:
        """The id stays one segment of the path, whatever it holds."""
        seen: list[str] = []

        async def handler(request: web.Request) -> web.Response:
            seen.append(request.raw_path)
            return web.Response(body=contract("vmake/pending_documented"))

        async with serving(handler) as base:
            assert await OPERATION.poll(account(base), "a/../b?c") == Running("pending")

        assert seen == ["/api/v4/image/ai-fashion-model/clothing-tasks/a%2F..%2Fb%3Fc"]

    async def test_returns_every_result(self) -> None:
        """All pictures of the batch come, in order."""
        async with serving(documented("vmake/success")) as base:
            standing = await OPERATION.poll(account(base), TASK)

        assert standing == Finished(
            (Result("https://cdn.example.com/1.png?sign=a%2Bb"), Result("https://cdn.example.com/2.png?sign=c%2Bd"))
        )

    async def test_tells_why_a_task_failed(self) -> None:
        """The reason is the vendor's, the job's id is named."""
        async with serving(documented("vmake/error")) as base:
            with pytest.raises(JobFailed, match=r"No person was found in the image") as raised:
                await OPERATION.poll(account(base), TASK)

        assert raised.value.job_id == TASK

    @pytest.mark.parametrize("results", ["null", "[]", '[{"downloadUrl":""}]', '[{"downloadUrl":null}]', "[{}]"])
    async def test_takes_success_without_pictures_for_a_failure(self, results: str) -> None:
        """There is nothing to wait for, and nothing to show."""
        body = f'{{"code":0,"data":{{"status":"success","results":{results}}}}}'
        async with serving(said(body.encode())) as base:
            with pytest.raises(JobFailed, match="reported success, but no picture"):
                await OPERATION.poll(account(base), TASK)

    @pytest.mark.parametrize("status", ["running", "queueing", "PAUSED"])
    async def test_waits_on_a_status_it_does_not_know(self, status: str) -> None:
        """A new status is no failure; the job's deadline ends the wait."""
        async with serving(said(f'{{"code":0,"data":{{"status":"{status}"}}}}'.encode())) as base:
            assert await OPERATION.poll(account(base), TASK) == Running(status)

    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (404, b'{"code":404,"message":"Task not found"}', ResultExpired),
            (200, b'{"code":404,"message":"Task not found"}', ResultExpired),
            (401, b"", AuthFailed),
            (500, b"", Unavailable),
            (502, b"<html>", Unavailable),
            (200, b'{"code":20017,"message":"?"}', Unavailable),
            (200, b"<html>", ContractDrift),
        ],
    )
    async def test_reads_a_refusal(self, status: int, body: bytes, error: type[VendorError]) -> None:
        """A poll is free: what may pass is asked again, and then reported as passing."""
        async with serving(said(body, status)) as base:
            with pytest.raises(VendorError) as raised:
                await OPERATION.poll(account(base), TASK)

        assert type(raised.value) is error
        assert not raised.value.outcome_unknown
        assert raised.value.job_id == TASK

    async def test_asks_again_after_a_bad_moment(self) -> None:
        """Two failures of the line do not end a job."""
        calls: list[int] = []

        async def handler(_: web.Request) -> web.Response:
            calls.append(1)
            return web.Response(status=502) if len(calls) < 3 else web.Response(body=contract("vmake/success"))

        async with serving(handler) as base:
            assert isinstance(await OPERATION.poll(account(base), TASK), Finished)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "message", "data", "taskId", "status", "results"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(body=JSON.map(json.dumps).map(str.encode) | st.binary(max_size=40), status=st.integers(200, 599))
def test_any_answer_is_a_success_or_an_error_of_ours(body: bytes, status: int) -> None:
    """No answer escapes as anything else, whichever call it answers."""
    response = httpx.Response(status, content=body, request=httpx.Request("POST", "http://x/y"))

    for posting in (True, False):
        refusal = account().refusal(response, posting=posting)

        assert refusal is None or isinstance(refusal, VendorError)
        assert refusal is not None or response.is_success
