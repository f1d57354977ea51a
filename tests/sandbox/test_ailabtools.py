"""AILabTools' refiner: files in a form, failures on the poll."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from tests.sandbox.caller import AILAB, Caller, garment_png, noise


def encoded(size: tuple[int, int], format_: str) -> bytes:
    """Noise, so that the file is large enough."""
    buffer = io.BytesIO()
    noise(size).save(buffer, format_)
    return buffer.getvalue()


def test_refined_picture(caller: Caller) -> None:
    """The result is another picture than the coarse one, of the same size."""
    coarse = garment_png((160, 156))
    done = caller.ailab_job(caller.refine(coarse_image=coarse, bottom_garment=garment_png()))
    refined = caller.http.get(done["output"]["image_url"]).content

    assert (160, 156) == Image.open(io.BytesIO(refined)).size
    assert coarse != refined


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "BMP"])
def test_formats(caller: Caller, format_: str) -> None:
    """JPEG, PNG and BMP are taken."""
    assert 2 == caller.ailab_job(caller.refine(top_garment=encoded((160, 160), format_)))["task_status"]


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ({"person_image": None}, 400, "UNSUPPORTED_PARAMETER_VALUES"),
        ({"coarse_image": None}, 400, "UNSUPPORTED_PARAMETER_VALUES"),
        ({"coarse_image": "https://example.com/a.png"}, 400, "UNSUPPORTED_PARAMETER_VALUES"),
        ({"task_type": None}, 400, "MISSING_PARAMETERS"),
        ({"task_type": "sync"}, 400, "ERROR_INVALID_PARAMETER"),
        ({"gender": "female"}, 400, "ERROR_INVALID_PARAMETER"),
        ({"top_garment": encoded((160, 160), "WEBP")}, 415, "UNSUPPORTED_FILE_TYPES"),
    ],
    ids=["no person", "no coarse image", "an address", "no task type", "task type", "gender", "format"],
)
def test_what_is_refused_at_once(caller: Caller, parts: dict[str, Any], status: int, code: str) -> None:
    """A missing part, a wrong choice and a wrong format are refused before a task exists."""
    reply = caller.refine(**parts)

    assert (status, code) == (reply.status_code, reply.json()["error_detail"]["code"])
    assert [] == caller.charges()


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (garment_png((151, 151))[:5000], 413, "FILE_SIZE_EXCEEDS_LIMIT"),
        (encoded((1400, 1400), "BMP"), 413, "FILE_SIZE_EXCEEDS_LIMIT"),
        (encoded((150, 400), "PNG"), 413, "FILE_RESOLUTION_EXCEEDS_LIMITS"),
        (encoded((4096, 160), "JPEG"), 413, "FILE_RESOLUTION_EXCEEDS_LIMITS"),
        (b"\x89PNG\r\n\x1a\n" + b"broken" * 2000, 422, "FILE_DECODING_FAILURE"),
    ],
    ids=["too few bytes", "too many bytes", "too small", "too large", "broken"],
)
def test_what_is_refused_on_the_poll(caller: Caller, data: bytes, status: int, code: str) -> None:
    """Limits of size and resolution are enforced while processing: the poll itself answers with the error."""
    body = caller.ailab_job(caller.refine(person_image=data))

    assert (status, code) == (body["error_code"], body["error_detail"]["code"])
    assert [False] == [charge["billed"] for charge in caller.charges()]


@pytest.mark.parametrize("size", [(151, 160), (160, 4095)])
def test_edges_of_the_resolution(caller: Caller, size: tuple[int, int]) -> None:
    """The bounds themselves are exclusive: 151 and 4095 pixels pass."""
    assert 2 == caller.ailab_job(caller.refine(person_image=encoded(size, "JPEG")))["task_status"]


def test_credits_are_taken_on_success(caller: Caller) -> None:
    """The balance falls by the price once a task has succeeded."""
    before = _balance(caller)
    caller.ailab_job(caller.refine())

    assert 30 == before - _balance(caller)


def _balance(caller: Caller) -> float:
    return caller.http.get("/api/common/query-credits", headers=AILAB).json()["data"][0]["balance"]


def test_unknown_task(caller: Caller) -> None:
    """An unknown task is a 404, a missing id a 400."""
    assert 404 == caller.ailab_poll("1.nothing").status_code
    assert 400 == caller.ailab_poll("").status_code


def test_a_body_that_is_no_form(caller: Caller) -> None:
    """JSON reads as a form without files."""
    path = "/api/portrait/enhance/try-on-clothes-refiner"
    reply = caller.http.post(path, json={"task_type": "async"}, headers=AILAB)

    assert "UNSUPPORTED_PARAMETER_VALUES" == reply.json()["error_detail"]["code"]
