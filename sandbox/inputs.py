"""Input pictures: fetched over HTTP as a vendor would, read from the own store, or decoded from base64."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from sandbox.orders import UnusablePicture
from sandbox.pictures import Pictures

__all__ = ["Inputs"]

MAX_REDIRECTS = 3
_DATA_URI = re.compile(r"data:image/[a-z+.-]+;base64,", re.IGNORECASE)


class Inputs:
    """Gets the bytes behind the references that requests carry."""

    def __init__(self, pictures: Pictures, fetch_seconds: float, fetch_bytes: int) -> None:
        self._pictures = pictures
        self._seconds = fetch_seconds
        self._bytes = fetch_bytes
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, url: str) -> bytes:
        """The bytes at a URL; raises `UnusablePicture` in words fit for the vendor's reply."""
        own = self._pictures.at_url(url)
        if own is not None:
            return own.data
        if urlsplit(url).scheme not in ("http", "https"):
            raise UnusablePicture(f"Unable to download image from {_short(url)}: unsupported scheme.")
        try:
            async with asyncio.timeout(self._seconds):
                return await self._download(url)
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, TimeoutError, OSError) as error:
            cause = str(error) or type(error).__name__
            raise UnusablePicture(f"Unable to download image from {_short(url)}: {cause}") from error

    async def fetch_all(self, urls: Sequence[str]) -> list[bytes]:
        """The bytes at each URL, all fetched at one time; raises as `fetch`."""
        own = [picture for picture in map(self._pictures.at_url, urls) if picture is not None]
        if len(own) == len(urls):
            return [picture.data for picture in own]
        return await asyncio.gather(*map(self.fetch, urls))

    async def read(self, reference: str) -> bytes:
        """The bytes of a URL, a data URI or bare base64."""
        if reference.startswith(("http://", "https://")):
            return await self.fetch(reference)
        return decoded(reference)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _download(self, url: str) -> bytes:
        if self._client is None:
            transport = AiohttpTransport(limits=httpx.Limits(max_connections=100, keepalive_expiry=4))
            self._client = httpx.AsyncClient(
                transport=transport,
                follow_redirects=True,
                max_redirects=MAX_REDIRECTS,
                timeout=self._seconds,
                headers={"user-agent": "vendor-sandbox"},
            )
        async with self._client.stream("GET", url) as response:
            if not response.is_success:
                raise UnusablePicture(f"Unable to download image from {_short(url)}: HTTP {response.status_code}.")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._bytes:
                    raise UnusablePicture(f"Image at {_short(url)} is larger than {self._bytes} bytes.")
            return bytes(body)


def decoded(text: str) -> bytes:
    """The bytes of a data URI or of bare base64."""
    head = _DATA_URI.match(text)
    try:
        return base64.b64decode(text[head.end() :] if head else text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnusablePicture("image is neither an http(s) URL nor valid Base64.") from error


def _short(url: str) -> str:
    # A presigned query is a credential of whoever signed it.
    return url.partition("?")[0][:200]
