"""Where results are downloaded: no key needed, and none tolerated."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox.operations import DOWNLOADS
from sandbox.pictures import Picture
from sandbox.replies import json_reply
from sandbox.state import fault_of, sandbox_of

__all__ = ["router"]

KEY_HEADERS = frozenset((b"authorization", b"x-api-key", b"ailabapi-api-key"))
TRUNCATED_SHARE = 0.6
WHOLE_HEAD = 16

router = APIRouter(tags=["Results"])
# Turns every byte after a picture's head into another one.
_SCRAMBLED = bytes(byte ^ 0x5A for byte in range(256))


@router.get(DOWNLOADS + "{path:path}")
async def download(request: Request) -> Response:
    """One result picture; 404 once it has expired, 400 for a request that carries a vendor key."""
    sandbox = sandbox_of(request)
    path: str = request.scope["path"]
    for name, value in request.headers.raw:
        if name in KEY_HEADERS:
            header = name.decode("latin-1")
            sandbox.leaked(path, header, value.decode("latin-1"))
            return json_reply(400, {"error": f"This host takes no credentials, yet {header} was sent."})
    picture = sandbox.pictures.get(path)
    fault = fault_of(request) or (picture.fault if picture else None)
    kind = fault.fault if fault else None
    if picture is None or kind == "result_expired":
        return json_reply(404, {"error": "The object does not exist or has expired."})
    mime = "text/html" if kind == "wrong_content_type" else picture.mime
    return Response(_spoilt(picture, kind), media_type=mime)


def _spoilt(picture: Picture, kind: str | None) -> bytes:
    data = picture.data
    if kind == "truncated_picture":
        return data[: int(len(data) * TRUNCATED_SHARE)]
    if kind == "corrupted_picture":
        return data[:WHOLE_HEAD] + data[WHOLE_HEAD:].translate(_SCRAMBLED)
    return data
