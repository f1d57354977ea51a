"""Whether the pictures behind a catalog's addresses are still those that were there before."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from blocks.errors import CatalogError, StorageError
from blocks.transport import send
from catalogs.sources import PictureSources
from catalogs.unit_key import unsigned

__all__ = ["PICTURE_VERSIONS_PATH", "PictureVersions", "add_versions"]

PICTURE_VERSIONS_PATH = "picture-versions.parquet"
LOOKS_AT_ONCE = 64
LOOKS_AT_ONCE_PER_HOST = 8
LOOK_SECONDS = 20.0
MAX_REDIRECTS = 5
TIMEOUT = httpx.Timeout(LOOK_SECONDS, connect=5.0)
HEADERS = {"user-agent": "catwalk", "accept-encoding": "identity"}
# What servers say that know a picture but no HEAD for it, such as an address signed for GET.
NO_HEAD = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
FOUND = frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT})

SCHEMA = pa.schema([("picture", pa.string()), ("first", pa.string()), ("latest", pa.string())])


@dataclass(slots=True)
class PictureVersions:
    """
    What each picture's server said of it when it was first looked at, and lately, by address without a signature.

    `changed` counts the pictures that a look found to be others than the look before, `unanswered` those of which
    nothing could be learnt: they are taken for unchanged.
    """

    first: dict[str, str] = field(default_factory=dict[str, str])
    latest: dict[str, str] = field(default_factory=dict[str, str])
    changed: int = 0
    unanswered: int = 0
    _news: set[str] = field(default_factory=set[str], repr=False, compare=False)

    @classmethod
    def read(cls, path: Path) -> PictureVersions:
        """What was written down; raises `StorageError`."""
        try:
            columns = cast("dict[str, list[str]]", pq.read_table(path, schema=SCHEMA).to_pydict())
        except (pa.ArrowException, OSError) as error:
            raise StorageError(
                f"{PICTURE_VERSIONS_PATH} can't be read: {error}",
                next_step="Restore it from a backup; without it, pictures that were replaced count as they were first.",
            ) from error
        picture = columns["picture"]
        return cls(
            dict(zip(picture, columns["first"], strict=True)), dict(zip(picture, columns["latest"], strict=True))
        )

    def write(self, path: Path) -> None:
        """Write it down for the next plan."""
        columns: list[pa.Array[Any]] = [
            pa.array(list(self.first), pa.string()),
            pa.array(list(self.first.values()), pa.string()),
            pa.array([self.latest[picture] for picture in self.first], pa.string()),
        ]
        pq.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), path, compression="zstd")

    def news(self) -> PictureVersions:
        """What a look has found that was not known before."""
        return PictureVersions(
            {picture: self.first[picture] for picture in self._news},
            {picture: self.latest[picture] for picture in self._news},
        )

    def add(self, news: PictureVersions) -> None:
        """Take in what another look has found; the first answer stays the first."""
        self.first = news.first | self.first
        self.latest |= news.latest

    def for_keys(self) -> dict[str, str]:
        """The versions that belong into unit keys: those of pictures that are no longer the first ones."""
        return {picture: seen for picture, seen in self.latest.items() if seen != self.first[picture]}

    async def look(self, uris: Iterable[str], sources: PictureSources) -> bool:
        """Look at every picture, many at a time, few at one host; whether there is anything new to write down."""
        total = asyncio.Semaphore(LOOKS_AT_ONCE)
        hosts: Mapping[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(LOOKS_AT_ONCE_PER_HOST))
        news = False

        async def one(uri: str) -> None:
            nonlocal news
            try:
                async with hosts[urlsplit(uri).netloc], asyncio.timeout(LOOK_SECONDS):
                    seen = await _version(uri, sources)
            finally:
                total.release()
            news = self._note(unsigned(uri), seen) or news

        async with asyncio.TaskGroup() as group:
            for uri in uris:
                await total.acquire()
                group.create_task(_unanswered(one(uri), self))
        return news

    def _note(self, picture: str, seen: str | None) -> bool:
        if seen is None:
            self.unanswered += 1
            return False
        before = self.latest.get(picture)
        self.first.setdefault(picture, seen)
        self.latest[picture] = seen
        self.changed += before is not None and before != seen
        if before != seen:
            self._news.add(picture)
        return before != seen


def add_versions(known: Path | None, news: Path, target: Path) -> None:
    """Write down what is known and what a look has found; raises `StorageError` if either can't be read."""
    versions = PictureVersions.read(known) if known else PictureVersions()
    versions.add(PictureVersions.read(news))
    versions.write(target)


async def _unanswered(look: Any, versions: PictureVersions) -> None:
    try:
        await look
    except (CatalogError, TimeoutError, httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError):
        versions.unanswered += 1


async def _version(uri: str, sources: PictureSources) -> str | None:
    if not uri.startswith(("http://", "https://")):
        return await sources.version(uri)
    return await _asked("HEAD", uri) or await _asked("GET", uri)


async def _asked(method: str, uri: str) -> str | None:
    """The picture's ETag or the time of its last change, without its bytes; None where HEAD is not answered so."""
    target = httpx.URL(uri)
    headers = HEADERS if method == "HEAD" else HEADERS | {"range": "bytes=0-0"}
    for _ in range(1 + MAX_REDIRECTS):
        request = httpx.Request(method, target, headers=headers, extensions={"timeout": TIMEOUT.as_dict()})
        response = await send(request)
        async with aclosing(response):
            if response.has_redirect_location:
                target = target.join(response.headers["location"])
            elif response.status_code in FOUND:
                return response.headers.get("etag") or response.headers.get("last-modified")
            elif method == "HEAD" and response.status_code in NO_HEAD:
                return None
            else:
                raise CatalogError(f"HTTP {response.status_code}")
    return None
