"""Pictures that a catalog keeps on the web: fetched whole, or refused with a reason that can be acted on."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Sequence
from contextlib import aclosing
from http import HTTPStatus

import aiohttp
import httpx

from blocks.errors import CatalogError
from blocks.exchange import retry_after
from blocks.transport import send
from catalogs.addresses import bare

__all__ = ["MAX_BYTES", "RETRY_WAITS", "fetch_web", "too_large"]

MAX_BYTES = 64 * 1024 * 1024
MAX_REDIRECTS = 5
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
TRY_SECONDS = 120.0
LONGEST_WAIT_SECONDS = 30.0
RETRY_WAITS = (0.5, 2.0, 8.0)
WAITS = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS, pool=TRY_SECONDS)
HEADERS = {"user-agent": "catwalk", "accept-encoding": "identity"}

SECRETS = re.compile(r"\?\S*")

_TRANSIENT = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
# aiohttp's errors arrive raw where its httpx transport has no name for them.
_BROKEN = (httpx.TransportError, aiohttp.ClientError, OSError)
_NEXT_STEPS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Make the picture readable without a login.",
    HTTPStatus.FORBIDDEN: "Make the picture readable, or renew the signature in its address.",
    HTTPStatus.NOT_FOUND: "Correct the address in the catalog, or put the picture there.",
    HTTPStatus.GONE: "Correct the address in the catalog, or put the picture there.",
}


class _Again(Exception):
    """The server may do better in a moment; `seconds` is how long it asks for."""

    def __init__(self, cause: str, seconds: float = 0.0) -> None:
        super().__init__(cause)
        self.seconds = seconds


async def fetch_web(url: str, waits: Sequence[float] = RETRY_WAITS) -> bytes:
    """
    Fetch one picture, at most 64 MB, following up to five redirects.

    A server that fails, asks for patience or hangs up is asked again after each of `waits` seconds, then
    `CatalogError` is raised, as it is at once for a refusal. Messages leave out the query, which may hold a signature.
    """
    for wait in (*waits, None):
        try:
            async with asyncio.timeout(TRY_SECONDS):
                return await _followed(url)
        except _Again as error:
            cause, asked = str(error), error.seconds
        except _BROKEN as error:
            cause, asked = _cause(error), 0.0
        if wait is None:
            raise _failed(url, f"{cause}, {len(waits) + 1} times", "Run again once its server answers.")
        jitter = random.uniform(0.5, 1)  # noqa: S311 - not a secret
        await asyncio.sleep(min(max(wait * jitter, asked), LONGEST_WAIT_SECONDS))
    raise AssertionError("unreachable: the last try returns or raises")


def too_large(uri: str) -> CatalogError:
    """The error for a picture that no vendor would take."""
    return CatalogError(
        f"picture {bare(uri)} is larger than {MAX_BYTES // 1024 // 1024} MB", next_step="Make it smaller."
    )


async def _followed(url: str) -> bytes:
    try:
        target = httpx.URL(url)
        for _ in range(1 + MAX_REDIRECTS):
            answer = await _get(url, target)
            if isinstance(answer, bytes):
                return answer
            target = target.join(answer)
            if target.scheme not in ("http", "https"):
                raise _failed(url, f"it redirects to a {target.scheme}: address", "Use the picture's own address.")
    # ValueError comes for ports that can't be and, as UnicodeError, for host names that can't be.
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as error:
        raise _failed(url, "it is no valid address", "Correct it in the catalog.") from error
    raise _failed(url, f"it redirects more than {MAX_REDIRECTS} times", "Use the picture's own address.")


async def _get(url: str, target: httpx.URL) -> bytes | str:
    """The picture's bytes, or where it is to be had instead."""
    request = httpx.Request("GET", target, headers=HEADERS, extensions={"timeout": WAITS.as_dict()})
    response = await send(request)
    async with aclosing(response):
        if response.has_redirect_location:
            return response.headers["location"]
        if response.status_code != HTTPStatus.OK:
            raise _refused(url, response)
        return await _body(url, response)


async def _body(url: str, response: httpx.Response) -> bytes:
    data = bytearray()
    # aiohttp raises when a body ends before its announced length or its last chunk.
    async for part in response.aiter_bytes():
        data += part
        if len(data) > MAX_BYTES:
            raise too_large(url)
    return bytes(data)


def _refused(url: str, response: httpx.Response) -> CatalogError | _Again:
    status = response.status_code
    words = f"HTTP {status} {response.reason_phrase}".strip()
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _Again(words, retry_after(response) or 0.0)
    return _failed(url, words, _NEXT_STEPS.get(status, "Correct the address in the catalog."))


def _failed(url: str, cause: str, next_step: str) -> CatalogError:
    return CatalogError(f"picture {bare(url)} can't be fetched: {cause}", next_step=next_step)


def _cause(error: Exception) -> str:
    # Its own words first: the transport calls every broken connection a timeout.
    words = SECRETS.sub("", str(error))
    silent = isinstance(error, TimeoutError | httpx.TimeoutException)
    return words or ("its server does not answer in time" if silent else type(error).__name__)
