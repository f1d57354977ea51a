"""How pictures reach Claid, which fetches them all from addresses."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from blocks.claid.uploads import address_of
from blocks.errors import ContractDrift, Rejected
from tests.blocks.claid.vendor import KEY, SHIRT, UPLOAD_PATH, RecordingClaid

LOCAL_SHIRT = replace(SHIRT, url=None)


async def test_a_picture_with_an_address_is_not_sent(claid: RecordingClaid) -> None:
    """Claid fetches it itself."""
    assert SHIRT.url == await address_of(claid.account(), SHIRT)
    assert claid.seen == []


async def test_a_picture_without_an_address_is_uploaded_unchanged(claid: RecordingClaid) -> None:
    """The documented upload: the file, no operations, and PNG, which loses nothing."""
    address = await address_of(claid.account(), LOCAL_SHIRT)
    request = claid.seen[0]

    assert address == "https://dl.claid.ai/upload-1.png"
    assert ("POST", UPLOAD_PATH, f"Bearer {KEY}") == (request.method, request.path, request.authorization)
    assert request.parts["file"] == ("shirt.jpg", "image/jpeg", b"shirt bytes")
    assert json.loads(request.parts["data"][2]) == {"operations": {}, "output": {"format": "png"}}


async def test_an_address_too_long_for_claid_is_uploaded_instead(claid: RecordingClaid) -> None:
    """Claid takes addresses of at most 4096 characters."""
    address = await address_of(claid.account(), replace(SHIRT, url="https://shop.example.com/" + "a" * 4096))

    assert address == "https://dl.claid.ai/upload-1.png"


async def test_one_picture_is_uploaded_once_however_many_jobs_want_it(claid: RecordingClaid) -> None:
    """One model's photo goes with thousands of garments."""
    account = claid.account()
    addresses = await asyncio.gather(*(address_of(account, LOCAL_SHIRT) for _ in range(20)))

    assert {"https://dl.claid.ai/upload-1.png"} == set(addresses)
    assert len(claid.uploads) == 1


async def test_uploads_are_shared_by_content_and_account(claid: RecordingClaid) -> None:
    """Other bytes and other accounts get uploads of their own."""
    await address_of(claid.account(), LOCAL_SHIRT)
    await address_of(claid.account(), replace(LOCAL_SHIRT, data=b"other bytes"))
    await address_of(claid.account(key="other-key"), LOCAL_SHIRT)

    assert len(claid.uploads) == 3


async def test_an_upload_is_repeated_after_its_life(claid: RecordingClaid, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claid drops uploads after a day, so an old address is not used again."""
    monkeypatch.setattr("blocks.claid.uploads.UPLOAD_LIFE_SECONDS", 0.0)
    account = claid.account()
    await address_of(account, LOCAL_SHIRT)

    assert await address_of(account, LOCAL_SHIRT) == "https://dl.claid.ai/upload-2.png"


async def test_only_so_many_uploads_are_remembered(claid: RecordingClaid, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the catalog; the least used goes first."""
    monkeypatch.setattr("blocks.claid.uploads.REMEMBERED_UPLOADS", 2)
    account = claid.account()
    pictures = [replace(LOCAL_SHIRT, data=bytes([number])) for number in (1, 2, 1, 3, 1, 2)]
    addresses = [await address_of(account, picture) for picture in pictures]

    assert [int(address[27:-4]) for address in addresses] == [1, 2, 1, 3, 1, 4]


async def test_a_refused_upload_is_tried_again_by_the_next_job(claid: RecordingClaid) -> None:
    """A failure is not remembered."""
    claid.answers_with("refused_422", status=422)
    account = claid.account()
    with pytest.raises(Rejected):
        await address_of(account, LOCAL_SHIRT)

    assert await address_of(account, LOCAL_SHIRT) == "https://dl.claid.ai/upload-2.png"


async def test_a_drifted_upload_reply_is_no_unknown_outcome(claid: RecordingClaid) -> None:
    """No job was posted yet, so none can be lost."""
    claid.answers_with("edit_accepted")
    with pytest.raises(ContractDrift) as caught:
        await address_of(claid.account(), LOCAL_SHIRT)

    assert not caught.value.outcome_unknown
