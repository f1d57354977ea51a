"""A Claid on a free port of this machine: records what it is sent, and answers with the documented samples."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from blocks import ClaidCredentials
from blocks.account import Limits
from blocks.operation import Picture

CONTRACTS = Path(__file__).parent / "contracts"
UPLOAD_PATH = "/v1/image/edit/upload"
KEY = "secret-key"

SHIRT = Picture("shirt.jpg", b"shirt bytes", "image/jpeg", url="https://shop.example.com/shirt.jpg")
TROUSERS = Picture("trousers.jpg", b"trousers bytes", "image/jpeg", url="https://shop.example.com/trousers.jpg")
PERSON = Picture("anna.jpg", b"anna bytes", "image/jpeg", url="https://shop.example.com/anna.jpg")


def sample(name: str) -> bytes:
    """One documented reply, as bytes."""
    return (CONTRACTS / f"{name}.json").read_bytes()


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    authorization: str
    body: Any = None
    parts: dict[str, tuple[str | None, str | None, bytes]] = field(default_factory=dict[str, Any])


@dataclass
class RecordingClaid:
    """The answers laid out are given in turn; an upload is always answered."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list[Seen])
    answers: deque[web.Response] = field(default_factory=deque[web.Response])

    def answers_with(self, name: str, status: int = 200, **headers: str) -> None:
        """Lay a sample out as the next answer."""
        said = {key.replace("_", "-"): value for key, value in headers.items()}
        self.answers.append(
            web.Response(body=sample(name), status=status, content_type="application/json", headers=said)
        )

    def account(self, key: str = KEY) -> ClaidCredentials:
        """An account here, without limits."""
        return ClaidCredentials(api_key=SecretStr(key), base_url=self.url, limits=Limits())

    @property
    def uploads(self) -> list[Seen]:
        """The uploads among what was seen."""
        return [request for request in self.seen if request.path == UPLOAD_PATH]

    async def handle(self, request: web.Request) -> web.Response:
        """Record, and answer."""
        authorization = request.headers.get("authorization", "")
        if request.content_type == "multipart/form-data":
            parts: dict[str, tuple[str | None, str | None, bytes]] = {
                name: (part.filename, part.content_type, part.file.read())
                if isinstance(part, web.FileField)
                else (None, None, str(part).encode())
                for name, part in (await request.post()).items()
            }
            self.seen.append(Seen(request.method, request.path, authorization, parts=parts))
        else:
            text = await request.text()
            self.seen.append(Seen(request.method, request.path, authorization, body=json.loads(text) if text else None))
        if request.path == UPLOAD_PATH and not self.answers:
            return web.Response(body=self._stored(), content_type="application/json")
        return self.answers.popleft()

    def _stored(self) -> bytes:
        reply = json.loads(sample("upload_done"))
        reply["data"]["output"]["tmp_url"] = f"https://dl.claid.ai/upload-{len(self.uploads)}.png"
        return json.dumps(reply).encode()
