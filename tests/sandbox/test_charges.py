"""The ledger of what was accepted and billed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.caller import CLAID, Caller


def test_prices(caller: Caller) -> None:
    """Each operation is charged by its own rule, per picture or per task."""
    caller.claid_job(caller.fashion(output={"number_of_images": 3}))
    caller.claid_job(caller.edit(), "ai-edit")
    caller.scene(prompt={"generate": True})
    caller.vmake_job(caller.clothing(batchSize=2))
    caller.ailab_job(caller.refine())
    lines = caller.charges()

    assert [6.0, 2.0, 1.5, 1.0, 30.0] == [line["credits"] for line in lines]
    assert [1, 2, 3, 4, 5] == [line["n"] for line in lines]
    assert all(line["billed"] for line in lines)
    assert [
        "claid.fashion_models",
        "claid.edit",
        "claid.scene",
        "vmake.fashion_model",
        "ailabtools.try_on_refiner",
    ] == [line["operation"] for line in lines]


def test_a_repeated_post_is_another_charge_with_the_same_digest(caller: Caller) -> None:
    """Posting the same twice is billed twice, and shows."""
    url = caller.upload()
    for options in ({"pose": "walking"}, {"pose": "walking"}, {"pose": "standing"}):
        caller.fashion(url, options=options)
    digests = [line["digest"] for line in caller.charges()]

    assert digests[0] == digests[1] != digests[2]


def test_the_digest_follows_the_picture_not_its_address(caller: Caller) -> None:
    """The same bytes uploaded twice, or signed anew, make the same request."""
    from tests.sandbox.test_jobs import GARMENT  # noqa: PLC0415 - one garment for both

    first, second = caller.upload(GARMENT), caller.upload(GARMENT)
    for url in (first, second, "http://127.0.0.1:9/a.png?signature=1", "http://127.0.0.1:9/a.png?signature=2"):
        caller.fashion(url)
    digests = [line["digest"] for line in caller.charges()]

    assert digests[0] == digests[1]
    assert digests[2] == digests[3]
    assert first != second


@pytest.mark.parametrize("operation", ["fashion", "clothing", "refine"])
def test_a_failed_job_is_accepted_but_not_billed(caller: Caller, operation: str) -> None:
    """A job that the vendor fails costs nothing in the end."""
    caller.fault("job_error")
    reply = getattr(caller, operation)()
    ended: dict[str, Any] = {"fashion": caller.claid_job, "clothing": caller.vmake_job, "refine": caller.ailab_job}
    ended[operation](reply)
    summary = caller.http.get("/sandbox/state").json()["charges"]

    assert [{"accepted": 1, "billed": 0, "credits": 0.0}] == list(summary.values())


def test_keys_are_not_shown(caller: Caller) -> None:
    """A charge names its key by a fingerprint, equal for equal keys."""
    caller.fashion()
    caller.fashion(headers={"authorization": "Bearer other-key"})
    lines = caller.charges()

    assert "key" not in lines[0]["key"]
    assert lines[0]["key"] != lines[1]["key"]
    assert CLAID["authorization"].removeprefix("Bearer ") not in caller.http.get("/sandbox/charges").text
