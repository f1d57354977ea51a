"""AI Fashion Models: its options, the call they make, and how its job is followed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.claid import ClaidCredentials, FashionModels, FashionModelsOptions
from blocks.claid.fashion_models import AspectRatio
from blocks.errors import AuthFailed, CatalogError, ContractDrift, JobFailed, OutcomeUnknown, ResultExpired
from blocks.operation import Accepted, Finished, Inputs, Result, Running, Slot
from tests.blocks.claid.vendor import KEY, PERSON, SHIRT, TROUSERS, RecordingClaid, sample

LIST_PRICED = ClaidCredentials.without_key()
OPERATION = FashionModels()
PATH = "/v1/image/ai-fashion-models"
DRESSED = Inputs(top_garment=SHIRT, bottom_garment=TROUSERS, person_image=PERSON)


def _options(**options: Any) -> FashionModelsOptions:
    return FashionModelsOptions.model_validate(options)


async def test_the_call_is_the_documented_one(claid: RecordingClaid) -> None:
    """Every option under its own name, the output always explicit, and the key in its header."""
    claid.answers_with("fashion_models_accepted", x_request_id="r-1")
    options = _options(
        pose="walking", background="a street", aspect_ratio="3:4", output={"number_of_images": 2, "format": "jpeg"}
    )
    account = claid.account()
    accepted = await OPERATION.submit(account, await OPERATION.prepare(account, DRESSED, options))
    request = claid.seen[0]

    assert Accepted(job_id="1", request_id="r-1") == accepted
    assert ("POST", PATH, f"Bearer {KEY}") == (request.method, request.path, request.authorization)
    assert {
        "input": {"clothing": [SHIRT.url, TROUSERS.url], "model": PERSON.url},
        "options": {"pose": "walking", "background": "a street", "aspect_ratio": "3:4"},
        "output": {"number_of_images": 2, "format": "jpeg"},
    } == request.body


async def test_what_is_left_out_is_left_to_claid(claid: RecordingClaid) -> None:
    """No option is invented, but how many pictures and in which format are never left to a default."""
    call = await OPERATION.prepare(claid.account(), Inputs(garments=(SHIRT,)), _options())

    assert {
        "input": {"clothing": [SHIRT.url]},
        "options": {},
        "output": {"number_of_images": 1, "format": "png"},
    } == call.json


async def test_pictures_without_addresses_are_uploaded_in_their_places(claid: RecordingClaid) -> None:
    """Uploads run side by side, and each address still ends up where its picture belongs."""
    local = Inputs(
        top_garment=replace(SHIRT, url=None), bottom_garment=TROUSERS, person_image=replace(PERSON, url=None)
    )
    call = await OPERATION.prepare(claid.account(), local, _options())
    sent = {
        request.parts["file"][2]: f"https://dl.claid.ai/upload-{number}.png"
        for number, request in enumerate(claid.uploads, start=1)
    }

    assert {"clothing": [sent[SHIRT.data], TROUSERS.url], "model": sent[PERSON.data]} == call.json["input"]


@pytest.mark.parametrize("count", [0, 6, 7])
async def test_a_wrong_number_of_garments_is_refused_before_anything_is_sent(claid: RecordingClaid, count: int) -> None:
    """Claid takes one to five."""
    with pytest.raises(CatalogError, match=f"1 to 5 garments, and the row has {count}"):
        await OPERATION.prepare(claid.account(), Inputs(garments=(SHIRT,) * count, person_image=PERSON), _options())

    assert claid.seen == []


async def test_five_garments_are_taken(claid: RecordingClaid) -> None:
    """The top goes first, then the bottom, then the others."""
    inputs = replace(DRESSED, garments=(SHIRT, SHIRT, TROUSERS))
    call = await OPERATION.prepare(claid.account(), inputs, _options())

    assert [SHIRT.url, TROUSERS.url, SHIRT.url, SHIRT.url, TROUSERS.url] == call.json["input"]["clothing"]


@pytest.mark.parametrize("ratio", get_args(AspectRatio))
def test_each_ratio_may_be_written_without_quotes(ratio: str) -> None:
    """YAML reads an unquoted 9:16 as a number in base 60."""
    width, height = (int(part) for part in ratio.split(":"))

    assert ratio == _options(aspect_ratio=ratio).aspect_ratio == _options(aspect_ratio=width * 60 + height).aspect_ratio


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"aspect_ratio": "9:21"}, "aspect_ratio"),
        ({"aspect_ratio": True}, "aspect_ratio"),
        ({"pose": "ab"}, "at least 3 characters"),
        ({"background": "b" * 5001}, "at most 5000 characters"),
        ({"posture": "walking"}, "posture"),
        ({"output": {"format": "webp"}}, "'jpeg' or 'png'"),
        ({"output": {"number_of_images": 5}}, "less than or equal to 4"),
        ({"output": {"number_of_images": 0}}, "greater than or equal to 1"),
        ({"output": {"destination": "storage://a/b.png"}}, "destination is not offered"),
        ({"output": "storage://a/b.png"}, "destination is not offered"),
    ],
)
def test_what_claid_would_refuse_is_refused_at_once(options: dict[str, Any], complaint: str) -> None:
    """A typo or a value out of range costs nothing."""
    with pytest.raises(ValidationError, match=complaint):
        _options(**options)


@given(text=st.text(min_size=3, max_size=5000), count=st.integers(1, 4))
def test_every_documented_value_is_taken_and_priced(text: str, count: int) -> None:
    """Two credits a picture, whatever else is asked for."""
    options = _options(pose=text, background=text, output={"number_of_images": count})

    assert (2.0 * count, count) == (OPERATION.credits(options, LIST_PRICED), OPERATION.candidates(options))
    assert options == _options(**options.model_dump(mode="json"))


def test_it_takes_a_person_and_garments() -> None:
    """The person is pinned: without one, Claid would pick another each time."""
    assert frozenset({Slot.PERSON}) == OPERATION.requires
    assert frozenset({Slot.TOP, Slot.BOTTOM, Slot.GARMENTS}) == OPERATION.accepts


async def test_a_job_is_asked_for_on_the_accounts_own_address(claid: RecordingClaid) -> None:
    """`result_url` is never called: it comes as plain http, and the key would go along."""
    claid.answers_with("fashion_models_done_full")
    finished = await OPERATION.poll(claid.account(), "228654")
    request = claid.seen[0]

    assert ("GET", f"{PATH}/228654", f"Bearer {KEY}") == (request.method, request.path, request.authorization)
    assert (
        Finished(
            (
                Result("https://dl.claid.ai/Claid_0a1b2c3d4e5f60718293a4b5c6d7e8f9.png"),
                Result("https://dl.claid.ai/Claid_1a1b2c3d4e5f60718293a4b5c6d7e8f9.png"),
            )
        )
        == finished
    )


@pytest.mark.parametrize("status", ["ACCEPTED", "WAITING", "PROCESSING", "PAUSED", "SOMETHING_NEW"])
async def test_whatever_is_no_end_is_waited_for(claid: RecordingClaid, status: str) -> None:
    """The list of statuses is open."""
    claid.answers.append(web.Response(body=sample("job_processing").replace(b"PROCESSING", status.encode())))

    assert Running(status) == await OPERATION.poll(claid.account(), "1")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("job_error", "Image could not be downloaded."),
        ("job_error_epoch", "No person was found."),
        ("job_done_empty", None),
    ],
)
async def test_a_failed_job_says_why(claid: RecordingClaid, name: str, words: str | None) -> None:
    """In the vendor's words, with the ids that its support asks for."""
    claid.answers_with(name, x_request_id="r-2")
    with pytest.raises(JobFailed) as caught:
        await OPERATION.poll(claid.account(), "1")

    assert (words, "1", "r-2") == (caught.value.words, caught.value.job_id, caught.value.request_id)


async def test_a_cancelled_job_has_failed(claid: RecordingClaid) -> None:
    """It will never be done."""
    claid.answers.append(web.Response(body=sample("job_processing").replace(b"PROCESSING", b"CANCELLED")))
    with pytest.raises(JobFailed, match="cancelled"):
        await OPERATION.poll(claid.account(), "1")


async def test_a_job_that_claid_forgot_has_expired(claid: RecordingClaid) -> None:
    """Its pictures are gone, and the error names it."""
    claid.answers_with("refused_404", status=404)
    with pytest.raises(ResultExpired) as caught:
        await OPERATION.poll(claid.account(), "1")

    assert caught.value.job_id == "1"


async def test_an_accepted_job_without_an_id_is_an_unknown_outcome(claid: RecordingClaid) -> None:
    """The job runs and may be charged; it is not posted again, and the lane closes."""
    claid.answers.append(web.json_response({"data": {"status": "ACCEPTED"}}))
    account = claid.account()
    call = await OPERATION.prepare(account, DRESSED, _options())
    with pytest.raises(ContractDrift) as caught:
        await OPERATION.submit(account, call)

    assert (caught.value.outcome_unknown, caught.value.closes_lane) == (True, True)
    assert len(claid.seen) == 1


async def test_a_drifted_poll_leaves_the_job_known(claid: RecordingClaid) -> None:
    """Its id is in the ledger, so a mended client finds the pictures."""
    reply = json.loads(sample("fashion_models_done"))
    del reply["data"]["result"]["output_objects"][0]["tmp_url"]
    claid.answers.append(web.json_response(reply))
    with pytest.raises(ContractDrift) as caught:
        await OPERATION.poll(claid.account(), "1")

    assert (caught.value.job_id, caught.value.outcome_unknown) == ("1", False)


@pytest.mark.parametrize(("status", "meaning"), [(401, AuthFailed), (502, OutcomeUnknown)])
async def test_a_refused_post_is_sent_once(claid: RecordingClaid, status: int, meaning: type[Exception]) -> None:
    """Whatever the vendor answers, the operation itself never posts again."""
    claid.answers_with("refused_401", status=status)
    account = claid.account()
    call = await OPERATION.prepare(account, DRESSED, _options())
    with pytest.raises(meaning):
        await OPERATION.submit(account, call)

    assert len(claid.seen) == 1


async def test_a_job_id_can_not_lead_elsewhere(claid: RecordingClaid) -> None:
    """An id is one segment of the path, whatever the ledger holds."""
    claid.answers_with("job_processing")
    await OPERATION.poll(claid.account(), "../scene/create?x=1")

    assert f"{PATH}/../scene/create?x=1" == claid.seen[0].path
