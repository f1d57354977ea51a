"""Claid's upload: a file in, an address out."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.sandbox.caller import CLAID, Caller, garment_png

UPLOAD = "/v1/image/edit/upload"


def test_bytes_are_kept_as_they_are(caller: Caller) -> None:
    """Without a format the very bytes come back from the address, which needs no key."""
    data = garment_png()

    assert data == caller.http.get(caller.upload(data)).content


def test_another_format(caller: Caller) -> None:
    """A format asked for is the one stored."""
    files = {"file": ("a.png", garment_png(), "image/png")}
    reply = caller.http.post(UPLOAD, files=files, data={"data": '{"output": {"format": "jpeg"}}'}, headers=CLAID)
    data = reply.json()["data"]

    assert ("PNG", "JPEG") == (data["input"]["format"], data["output"]["format"])
    assert "JPEG" == Image.open(io.BytesIO(caller.http.get(data["output"]["tmp_url"]).content)).format


@pytest.mark.parametrize(
    ("file", "data", "status"),
    [
        (b"not a picture", "{}", 400),
        (None, "{}", 400),
        (garment_png(), "{broken", 422),
        (garment_png(), '{"operations": {"resizing": {}}}', 422),
        (garment_png(), '{"output": {"format": "gif"}}', 422),
    ],
    ids=["text", "no file", "broken JSON", "an operation", "a format"],
)
def test_what_is_refused(caller: Caller, file: bytes | None, data: str, status: int) -> None:
    """No picture, no JSON, or an operation that the sandbox does not simulate."""
    files = {"file": ("a.png", file, "image/png")} if file else {"other": ("a.png", b"x", "image/png")}

    assert status == caller.http.post(UPLOAD, files=files, data={"data": data}, headers=CLAID).status_code


def test_uploads_are_free(caller: Caller) -> None:
    """An upload is counted, but it is no charge."""
    caller.upload()

    assert [] == caller.charges()
    assert 1 == caller.http.get("/sandbox/state").json()["requests"]["claid.upload upload"]
