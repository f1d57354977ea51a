"""Each Claid operation from end to end over HTTP, against the sandbox's own reading of the same documentation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image
from pydantic import SecretStr

from blocks import ClaidCredentials
from blocks.account import Limits, Timeouts
from blocks.claid import Edit, FashionModels, Scene
from blocks.claid.uploads import address_of
from blocks.errors import (
    AuthFailed,
    ContractDrift,
    JobFailed,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    ResultExpired,
    Unavailable,
    VendorError,
)
from blocks.exchange import Call
from blocks.operation import Finished, Inputs, Operation, Options, Picture, Result
from blocks.transport import close_client
from sandbox.server import RunningSandbox, running_sandbox
from sandbox.settings import SandboxSettings

AnyOperation = Operation[ClaidCredentials, Any]
POLLS = 200


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """A sandbox whose jobs take a moment."""
    settings = SandboxSettings(job_seconds=0.02, limits="off", picture_size=64, draw_processes=0)
    with running_sandbox(settings) as running:
        yield running


@pytest.fixture(autouse=True)
async def _clean(sandbox: RunningSandbox) -> AsyncIterator[None]:
    yield
    httpx.delete(f"{sandbox.url}/sandbox/faults", trust_env=False)
    await close_client()


def _account(sandbox: RunningSandbox, key: str = "some-key") -> ClaidCredentials:
    return ClaidCredentials(
        api_key=SecretStr(key),
        base_url=sandbox.url,
        limits=Limits(),
        timeouts=Timeouts(connect=2, reply=10),
    )


def _picture(name: str, colour: str) -> Picture:
    buffer = BytesIO()
    Image.new("RGB", (128, 192), colour).save(buffer, "PNG")
    return Picture(f"{name}.png", buffer.getvalue(), "image/png")


INPUTS = Inputs(
    top_garment=_picture("shirt", "navy"),
    bottom_garment=_picture("trousers", "khaki"),
    person_image=_picture("anna", "beige"),
    picture=_picture("shirt", "navy"),
)


async def _charges(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return httpx.get(f"{sandbox.url}/sandbox/charges", trust_env=False).json()


async def _misbehave(sandbox: RunningSandbox, fault: dict[str, Any]) -> None:
    httpx.post(f"{sandbox.url}/sandbox/faults", json=fault, trust_env=False).raise_for_status()


CASES: list[tuple[AnyOperation, dict[str, Any], int]] = [
    (FashionModels(), {}, 1),
    (
        FashionModels(),
        {
            "pose": "walking",
            "background": "a street",
            "aspect_ratio": "3:4",
            "output": {"number_of_images": 2, "format": "jpeg"},
        },
        2,
    ),
    (Edit(), {"prompt": "add a duck"}, 1),
    (
        Edit(),
        {"prompt": "add a duck", "model": "v1", "aspect_ratio": "21:9", "inference_steps": 1, "guidance_scale": 10},
        1,
    ),
    (Scene(), {"scene": {"prompt": "marble countertop"}}, 1),
    (
        Scene(),
        {
            "object": {"rotation_degree": 5, "scale": 0.5, "position": {"x": 0.3, "y": 0.4}},
            "scene": {
                "model": "v2",
                "prompt": {"generate": True, "guidelines": "real life setting"},
                "negative_prompt": "people",
                "color": "#aece8c",
                "steps": 25,
                "aspect_ratio": "16:9",
                "preference": "fast",
            },
            "output": {"number_of_images": 2, "format": {"type": "webp", "compression": "lossless"}},
        },
        2,
    ),
    (
        Scene(),
        {
            "object": {"placement_type": "padding", "padding": "5% 25%"},
            "scene": {"effect": "shadows", "color": "transparent", "view": "auto", "aspect_ratio": "4:7"},
        },
        1,
    ),
]


async def _results(operation: AnyOperation, account: ClaidCredentials, options: Options) -> tuple[Result, ...]:
    call = await operation.prepare(account, INPUTS, options)
    accepted = await operation.submit(account, call)
    if accepted.job_id is None:
        return accepted.results
    for _ in range(POLLS):
        standing = await operation.poll(account, accepted.job_id)
        if isinstance(standing, Finished):
            return standing.results
        await asyncio.sleep(0.01)
    raise AssertionError(f"the job did not end in {POLLS} polls")


@pytest.mark.parametrize(("operation", "written", "pictures"), CASES)
async def test_each_operation_makes_its_pictures(
    sandbox: RunningSandbox, operation: AnyOperation, written: dict[str, Any], pictures: int
) -> None:
    """What the client sends the sandbox accepts, and what it answers the client reads; the results are pictures."""
    options = operation.options_type.model_validate(written)
    results = await _results(operation, _account(sandbox), options)
    made = [Image.open(BytesIO(httpx.get(result.url, trust_env=False).content)) for result in results]
    for picture in made:
        picture.load()

    assert pictures == len(made)


async def test_a_template_makes_a_scene_too(sandbox: RunningSandbox) -> None:
    """The template is fetched like any other picture."""
    account = _account(sandbox)
    scene = {
        "template_url": await address_of(account, _picture("kitchen", "white")),
        "view": "front",
        "template_mode": "adjust",
        "prompt": "marble countertop",
        "steps": 49,
    }
    written = {"object": {"placement_type": "original"}, "scene": scene, "output": {"format": {"type": "jpeg"}}}

    assert len(await _results(Scene(), account, Scene.options_type.model_validate(written))) == 1


@pytest.mark.parametrize(("operation", "written", "pictures"), [CASES[1], CASES[3], CASES[5]])
async def test_what_is_charged_is_what_was_announced(
    sandbox: RunningSandbox, operation: AnyOperation, written: dict[str, Any], pictures: int
) -> None:
    """The price that a plan shows is the price that the vendor's list charges."""
    options = operation.options_type.model_validate(written)
    before = len(await _charges(sandbox))
    account = _account(sandbox)
    await _results(operation, account, options)
    charges = (await _charges(sandbox))[before:]

    assert [operation.credits(options, account)] == [charge["credits"] for charge in charges]


@pytest.mark.parametrize("operation", [FashionModels(), Edit(), Scene()])
@pytest.mark.parametrize(
    ("fault", "meaning"),
    [
        ({"fault": "rate_limited"}, RateLimited),
        ({"fault": "error_503"}, Unavailable),
        ({"fault": "error_500"}, OutcomeUnknown),
        ({"fault": "error_502_html"}, OutcomeUnknown),
        ({"fault": "cut_before"}, OutcomeUnknown),
        ({"fault": "cut_after"}, OutcomeUnknown),
        ({"fault": "out_of_credits"}, QuotaExhausted),
        ({"fault": "drifted_schema"}, ContractDrift),
    ],
)
async def test_each_misbehaviour_of_a_paid_call_is_read_for_what_it_is(
    sandbox: RunningSandbox, operation: AnyOperation, fault: dict[str, Any], meaning: type[VendorError]
) -> None:
    """Refused, unknown, or closed: never taken for another, and never posted again."""
    account = _account(sandbox)
    written = next(written for case, written, _ in CASES if case.name == operation.name)
    call = await operation.prepare(account, INPUTS, operation.options_type.model_validate(written))
    await _misbehave(sandbox, fault | {"phase": "submit"})
    with pytest.raises(VendorError) as caught:
        await operation.submit(account, call)

    assert meaning is type(caught.value)


@pytest.mark.parametrize(
    ("key", "meaning"), [("wrong-key", AuthFailed), ("noscope-key", AuthFailed), ("broke", QuotaExhausted)]
)
async def test_a_key_that_opens_nothing_closes_the_lane(
    sandbox: RunningSandbox, key: str, meaning: type[VendorError]
) -> None:
    """Already the upload is refused."""
    with pytest.raises(meaning) as caught:
        await _results(Edit(), _account(sandbox, key), Edit.options_type.model_validate({"prompt": "add a duck"}))

    assert caught.value.closes_lane
    assert caught.value.words


@pytest.mark.parametrize("fault", ["job_error", "empty_result"])
async def test_a_failed_job_is_told_as_one(sandbox: RunningSandbox, fault: str) -> None:
    """However the vendor fails a job that it accepted."""
    await _misbehave(sandbox, {"fault": fault})
    with pytest.raises(JobFailed):
        await _results(Edit(), _account(sandbox), Edit.options_type.model_validate({"prompt": "add a duck"}))


async def test_a_job_that_the_sandbox_does_not_know_has_expired(sandbox: RunningSandbox) -> None:
    """Its id was another account's, or is older than a day."""
    with pytest.raises(ResultExpired):
        await Edit().poll(_account(sandbox), "999999999")


async def test_an_option_that_only_the_vendor_can_judge_is_refused_in_its_words(sandbox: RunningSandbox) -> None:
    """The dotted path of the field reaches the reader."""
    bad = Call("POST", Edit.path, json={"input": "https://a.example.com/b.png", "options": {"prompt": "a"}})
    with pytest.raises(VendorError) as caught:
        await Edit().submit(_account(sandbox), bad)

    assert "options.prompt" in str(caught.value)
