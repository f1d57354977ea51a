"""AI Edit: its options, and the call they make."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.claid import ClaidCredentials, Edit, EditOptions
from blocks.errors import CatalogError
from blocks.operation import Accepted, Finished, Inputs, Result, Slot
from tests.blocks.claid.vendor import KEY, SHIRT, RecordingClaid

LIST_PRICED = ClaidCredentials.without_key()
OPERATION = Edit()
PATH = "/v1/image/ai-edit"


def _options(**options: Any) -> EditOptions:
    return EditOptions.model_validate({"prompt": "add a duck"} | options)


async def test_the_call_is_the_documented_one(claid: RecordingClaid) -> None:
    """Every option of v1 under its own name, and the picture as a plain string."""
    claid.answers_with("edit_accepted", x_request_id="r-1")
    options = _options(
        model="v1",
        aspect_ratio="9:21",
        inference_steps=50,
        guidance_scale=4.0,
        output={"number_of_images": 4, "format": "jpeg"},
    )
    account = claid.account()
    accepted = await OPERATION.submit(account, await OPERATION.prepare(account, Inputs(picture=SHIRT), options))
    request = claid.seen[0]

    assert Accepted(job_id="1", request_id="r-1") == accepted
    assert ("POST", PATH, f"Bearer {KEY}") == (request.method, request.path, request.authorization)
    assert {
        "input": SHIRT.url,
        "options": {
            "prompt": "add a duck",
            "model": "v1",
            "aspect_ratio": "9:21",
            "inference_steps": 50,
            "guidance_scale": 4.0,
        },
        "output": {"number_of_images": 4, "format": "jpeg"},
    } == request.body


async def test_model_and_format_are_always_sent(claid: RecordingClaid) -> None:
    """The vendor's defaults for both have moved already, and a default that moves changes the pictures."""
    call = await OPERATION.prepare(claid.account(), Inputs(picture=SHIRT), _options())

    assert {
        "input": SHIRT.url,
        "options": {"prompt": "add a duck", "model": "v2"},
        "output": {"number_of_images": 1, "format": "png"},
    } == call.json


async def test_it_needs_a_picture(claid: RecordingClaid) -> None:
    """A row without one is refused by name of the operation."""
    with pytest.raises(CatalogError, match=r"claid\.edit takes one picture"):
        await OPERATION.prepare(claid.account(), Inputs(top_garment=SHIRT), _options())

    assert frozenset({Slot.PICTURE}) == OPERATION.requires


async def test_a_finished_job_gives_its_pictures(claid: RecordingClaid) -> None:
    """On its own endpoint: ids of the two job families do not mix."""
    claid.answers_with("edit_done")

    assert Finished((Result("https://dl.claid.ai/path-to-output/image-name.png"),)) == await OPERATION.poll(
        claid.account(), "1"
    )
    assert f"{PATH}/1" == claid.seen[0].path


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"prompt": "ab"}, "at least 3 characters"),
        ({"prompt": "b" * 5001}, "at most 5000 characters"),
        ({"model": "v3"}, "'v1' or 'v2'"),
        ({"model": "v1", "aspect_ratio": "4:5"}, "aspect_ratio"),
        ({"model": "v1", "inference_steps": 0}, "greater than or equal to 1"),
        ({"model": "v1", "inference_steps": 51}, "less than or equal to 50"),
        ({"model": "v1", "guidance_scale": 0.9}, "greater than or equal to 1"),
        ({"model": "v1", "guidance_scale": 12}, "less than or equal to 10"),
        ({"model": "v1", "guidance_scale": float("nan")}, "guidance_scale"),
        ({"inference_steps": 50}, "inference_steps.*model 'v1' alone"),
        ({"aspect_ratio": "1:1", "guidance_scale": 4}, "aspect_ratio and guidance_scale"),
        ({"steps": 3}, "steps"),
        ({"output": {"destination": "storage://a/b.png"}}, "destination is not offered"),
    ],
)
def test_what_claid_would_refuse_or_ignore_is_refused_at_once(options: dict[str, Any], complaint: str) -> None:
    """Options of v1 are ignored by v2, which is as bad as a typo."""
    with pytest.raises(ValidationError, match=complaint):
        _options(**options)


@given(steps=st.integers(1, 50), scale=st.floats(1, 10), count=st.integers(1, 4))
def test_every_documented_value_is_taken_and_priced(steps: int, scale: float, count: int) -> None:
    """Two credits a picture, whatever else is asked for."""
    options = _options(model="v1", inference_steps=steps, guidance_scale=scale, output={"number_of_images": count})

    assert (2.0 * count, count) == (OPERATION.credits(options, LIST_PRICED), OPERATION.candidates(options))
    assert options == _options(**options.model_dump(mode="json"))
