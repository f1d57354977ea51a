"""Pictures on their way to Claid, which fetches every picture from an address."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from blocks.claid.credentials import ClaidCredentials
from blocks.claid.wire import UploadReply
from blocks.errors import CatalogError
from blocks.exchange import Call, patiently, reply_as
from blocks.operation import Inputs, Picture

__all__ = ["address_of", "the_picture"]

ADDRESS_LIMIT = 4096
# Claid holds an upload for 24 hours; a job may wait a while in its queue before it fetches the picture.
UPLOAD_LIFE_SECONDS = 12 * 3600.0
REMEMBERED_UPLOADS = 1000

# PNG, as an upload is stored anew: nothing is lost, and transparency is kept.
_WITHOUT_CHANGES = json.dumps({"operations": {}, "output": {"format": "png"}})


@dataclass(slots=True)
class _Upload:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    url: str | None = None
    expires_at: float = 0.0


# By account and content: one model's photo goes with thousands of garments, and is sent once.
_uploads: WeakKeyDictionary[asyncio.AbstractEventLoop, OrderedDict[tuple[str, str, str], _Upload]] = WeakKeyDictionary()


async def address_of(account: ClaidCredentials, picture: Picture) -> str:
    """Where Claid can fetch the picture: its own address, else one it was uploaded to."""
    if picture.url is not None and len(picture.url) <= ADDRESS_LIMIT:
        return picture.url
    clock = asyncio.get_running_loop().time
    upload = _remembered(account, picture)
    async with upload.turn:
        if upload.url is None or clock() >= upload.expires_at:
            upload.url = await _sent(account, picture)
            upload.expires_at = clock() + UPLOAD_LIFE_SECONDS
        return upload.url


def the_picture(inputs: Inputs, operation: str) -> Picture:
    """The one picture that an operation changes."""
    if inputs.picture is None:
        raise CatalogError(
            f"{operation} takes one picture, and the row has none",
            next_step="Fill the row's product_image, or put a stage that makes a picture before it.",
        )
    return inputs.picture


def _remembered(account: ClaidCredentials, picture: Picture) -> _Upload:
    uploads = _uploads.setdefault(asyncio.get_running_loop(), OrderedDict())
    key = (account.base_url, account.api_key.get_secret_value(), hashlib.sha256(picture.data).hexdigest())
    upload = uploads.setdefault(key, _Upload())
    uploads.move_to_end(key)
    if len(uploads) > REMEMBERED_UPLOADS:
        uploads.popitem(last=False)
    return upload


async def _sent(account: ClaidCredentials, picture: Picture) -> str:
    request = Call(
        "POST",
        "/v1/image/edit/upload",
        data={"data": _WITHOUT_CHANGES},
        files={"file": (picture.name, picture.data, picture.mime)},
    )
    reply = reply_as(UploadReply, await patiently(account, request), account)
    return reply.data.output.tmp_url
