"""What every call at Claid has in common: the reply's envelope, the body, pictures as Claid describes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.claid_replies import Visit, bad_request, enter
from sandbox.jobs import Work
from sandbox.orders import Drawn, Facts
from sandbox.replies import BodyTooLarge, Refusal, json_reply, read_body
from sandbox.state import fault_of

__all__ = ["answered", "essence", "image_object", "output_object", "parsed", "refuse_storage", "stored"]

BODY_LIMIT = 2_000_000


async def answered(request: Request, work: Callable[[Visit], Awaitable[Any]]) -> Response:
    """Claid's reply to a visit: what `work` returns, or its refusal, with the headers of every reply."""
    visit = enter(request)
    try:
        return json_reply(200, await work(visit), visit.headers)
    except Refusal as refusal:
        return json_reply(refusal.status, refusal.body, visit.headers)
    except BodyTooLarge:
        refusal = bad_request("general", "Request body is too large.")
        return json_reply(413, refusal.body, visit.headers)


async def parsed(visit: Visit) -> dict[str, Any]:
    """The body as a JSON object."""
    try:
        body = orjson.loads(await read_body(visit.request, BODY_LIMIT))
    except orjson.JSONDecodeError as error:
        raise bad_request("general", f"Invalid JSON: {error}") from error
    if not isinstance(body, dict):
        raise bad_request("general", "The request body must be a JSON object.")
    return body  # pyright: ignore[reportUnknownVariableType] - JSON


def image_object(facts: Facts) -> dict[str, Any]:
    """An input picture as Claid describes it."""
    return {
        "ext": facts.extension,
        "mps": facts.width * facts.height / 1e6,
        "mime": facts.mime,
        "format": facts.format,
        "width": facts.width,
        "height": facts.height,
    }


def output_object(facts: Facts, url: str) -> dict[str, Any]:
    """A result picture as Claid describes it; the storage fields stay null without a destination."""
    nowhere = dict.fromkeys(("object_key", "object_bucket", "object_uri", "claid_storage_uri"))
    return {**image_object(facts), "tmp_url": url, **nowhere}


def refuse_storage(*uris: str | None) -> None:
    """The sandbox has no connected storage, so every `storage://` address is one that can't be retrieved."""
    for uri in uris:
        if uri is not None and uri.startswith("storage://"):
            name = uri.removeprefix("storage://").partition("/")[0]
            raise bad_request("storage", f"Storage '{name}' is not connected to this account.")


def stored(visit: Visit, operation: str, drawn: Drawn) -> Work:
    """Put what was drawn where it can be downloaded."""
    fault = fault_of(visit.request)
    outputs = tuple(
        (visit.sandbox.pictures.add(data, facts.mime, facts.extension, operation, fault), facts, len(data))
        for data, facts in drawn.pictures
    )
    return Work(drawn.inputs, outputs)


def essence(visit: Visit, body: object) -> object:
    """The request's body with each picture named by what it shows rather than by where it lies."""
    if isinstance(body, dict):
        return {key: essence(visit, value) for key, value in cast("dict[str, object]", body).items()}
    if isinstance(body, list):
        return [essence(visit, value) for value in cast("list[object]", body)]
    if isinstance(body, str) and body.startswith(("http://", "https://")):
        own = visit.sandbox.pictures.at_url(body)
        return own.digest if own else body.partition("?")[0]
    return body
