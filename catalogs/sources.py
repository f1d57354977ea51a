"""The pictures that a catalog's rows refer to: where they are, what identifies them, and their bytes."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from blocks.errors import CatalogError, StorageError
from blocks.storage import ObjectStorage
from blocks.storage.reach import reach_of
from catalogs.addresses import absolute, bare, bucket_and_key, file_path, folder_of, is_object
from catalogs.web import MAX_BYTES, RETRY_WAITS, fetch_web, too_large

__all__ = ["PictureSources"]

FETCHES_AT_ONCE = 32
# Longer than a job may wait for its turn and then run, so that the vendor never meets an expired link.
LINK_SECONDS = 6 * 3600
DISK_SECONDS = 60.0

T = TypeVar("T")


@dataclass(slots=True)
class _Fetch:
    """A fetch that runs, and how many wait for it."""

    task: asyncio.Task[bytes]
    waiting: int = 0


class PictureSources:
    """
    The pictures of one run's catalog, on the web, in object storage or on the local disk.

    A picture that several rows ask for at the same moment is fetched once; none is kept afterwards.
    """

    def __init__(
        self, catalog_uri: str, *, storage: ObjectStorage | None = None, waits: Sequence[float] = RETRY_WAITS
    ) -> None:
        """
        Take relative references from the catalog's folder.

        `catalog_uri` is its file or, with a `/` at the end, its folder. `storage` lends its credentials to
        references in buckets, which are otherwise the environment's. `waits` are the seconds between tries on the web.
        """
        self._folder = folder_of(catalog_uri)
        self._storage = storage
        self._waits = waits
        self._buckets: dict[str, ObjectStorage] = {}
        self._fetches: dict[str, _Fetch] = {}
        self._turns = asyncio.Semaphore(FETCHES_AT_ONCE)

    def resolve(self, reference: str) -> str:
        """
        The picture's full address, which identifies it: `https://…`, `s3://bucket/key` or `file:///path`.

        A relative path starts at the catalog's folder; on a local disk it may lead out of it, in a bucket not out
        of the bucket. Raises `CatalogError` for an address of another kind.
        """
        return absolute(reference, self._folder)

    async def fetch(self, uri: str) -> bytes:
        """
        The whole picture, at most 64 MB; `uri` comes from `resolve`.

        Raises `CatalogError` naming the picture and why it can't be had.
        """
        if uri not in self._fetches:
            self._fetches[uri] = _Fetch(asyncio.create_task(self._in_turn(uri)))
        fetch = self._fetches[uri]
        fetch.waiting += 1
        try:
            return await asyncio.shield(fetch.task)
        except CatalogError as error:
            raise copy(error) from error  # each row puts its own SKU on it
        finally:
            fetch.waiting -= 1
            if fetch.waiting == 0:
                del self._fetches[uri]
                fetch.task.cancel()

    async def public_url(self, uri: str, vendor_base_url: str) -> str | None:
        """
        An address at which the vendor can fetch the picture, good for six hours at least; None where there is none.

        A vendor on this machine or network, such as the sandbox, reaches addresses there too.
        """
        if is_object(uri):
            bucket, key = self._object(uri)
            if not bucket.reachable_from(vendor_base_url):
                return None
            return await _asked(uri, bucket.presign(key, seconds=LINK_SECONDS))
        host, vendor = urlsplit(uri).hostname, urlsplit(vendor_base_url).hostname
        return uri if host and vendor and reach_of(host) >= reach_of(vendor) else None

    async def version(self, uri: str) -> str | None:
        """What changes when the picture does: its ETag, or the time and size of a file; None on the web."""
        if is_object(uri):
            bucket, key = self._object(uri)
            found = await _asked(uri, bucket.stat(key))
            if found is None:
                raise _absent(uri)
            return found.version
        if uri.startswith("file://"):
            facts = await _in_thread(uri, _regular_file)
            return f"{facts.st_mtime_ns:x}-{facts.st_size:x}"
        return None

    async def _in_turn(self, uri: str) -> bytes:
        async with self._turns:
            if is_object(uri):
                bucket, key = self._object(uri)
                return await _asked(uri, bucket.read(key, max_bytes=MAX_BYTES))
            if uri.startswith("file://"):
                return await _in_thread(uri, _read_file)
            return await fetch_web(uri, self._waits)

    def _object(self, uri: str) -> tuple[ObjectStorage, str]:
        root, key = bucket_and_key(uri)
        if root not in self._buckets:
            self._buckets[root] = self._storage.at(root) if self._storage else ObjectStorage.from_uri(root)
        return self._buckets[root], key


async def _asked(uri: str, answer: Awaitable[T]) -> T:
    try:
        return await answer
    except StorageError as error:
        raise CatalogError(f"picture {bare(uri)} can't be read: {error.what}", next_step=error.next_step) from error


async def _in_thread(uri: str, work: Callable[[str], T]) -> T:
    try:
        async with asyncio.timeout(DISK_SECONDS):
            return await asyncio.to_thread(work, uri)
    except TimeoutError as error:
        raise CatalogError(
            f"picture {uri} can't be read: its disk does not answer within {DISK_SECONDS:.0f} s",
            next_step="Check the network disk that holds it.",
        ) from error


def _read_file(uri: str) -> bytes:
    if _regular_file(uri).st_size > MAX_BYTES:
        raise too_large(uri)
    try:
        return Path(file_path(uri)).read_bytes()
    except OSError as error:
        raise _unreadable(uri, error) from error


def _regular_file(uri: str) -> os.stat_result:
    """The file's facts; a folder, a pipe or a device is refused, as reading it may never end."""
    try:
        facts = Path(file_path(uri)).stat()
    except FileNotFoundError as error:
        raise _absent(uri) from error
    except OSError as error:
        raise _unreadable(uri, error) from error
    if not stat.S_ISREG(facts.st_mode):
        raise CatalogError(f"picture {uri} is not a file", next_step="Correct its path in the catalog.")
    return facts


def _absent(uri: str) -> CatalogError:
    return CatalogError(
        f"there is no picture at {bare(uri)}", next_step="Correct its address in the catalog, or put the picture there."
    )


def _unreadable(uri: str, error: OSError) -> CatalogError:
    return CatalogError(
        f"picture {uri} can't be read: {error.strerror}", next_step="Check its path and its permissions."
    )
