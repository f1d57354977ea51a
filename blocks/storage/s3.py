"""Object storage on S3, or on what speaks its protocol."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import obstore
from fsspec import AbstractFileSystem
from s3fs import S3FileSystem

from blocks.errors import StorageError
from blocks.storage.disk import whole_file
from blocks.storage.s3_answers import S3_ERRORS, refusal_in
from blocks.storage.s3_bucket import S3Bucket
from blocks.storage.s3_connection import READER_ATTEMPTS, S3Connection
from blocks.storage.s3_refusals import refused
from blocks.storage.s3_session import close_session, session_of
from blocks.storage.store import MissingObject, ObjectStat, deadline, too_large

if TYPE_CHECKING:
    from obstore import GetResult, ObjectMeta, PutMode

__all__ = ["S3Store"]

T = TypeVar("T")

CHUNK_BYTES = 2**20
PART_BYTES = 16 * 2**20
PARTS_AT_ONCE = 4
# Marks an object with its creator: the metadata of a user, kept by every store that also honours If-None-Match.
CREATOR = "catwalk-creator"
PRECONDITION_FAILED = 412


@dataclass(frozen=True, slots=True)
class S3Store:
    """Objects in a bucket, under a prefix that may be empty."""

    bucket: str
    prefix: str
    connection: S3Connection
    patience: float

    def uri(self, path: str) -> str:
        """`s3://bucket/prefix/path`, as it is, nothing encoded."""
        return f"s3://{self.bucket}/{self._key(path)}"

    def path_of(self, uri: str) -> str | None:
        """The path under this root, if it is one."""
        start = self.uri("")
        return uri.removeprefix(start) if uri.startswith(start) else None

    async def read(self, path: str, max_bytes: int | None) -> bytes:
        """The object's bytes, in one GET."""

        async def get(bucket: S3Bucket) -> bytes:
            reply = await self._reply(bucket, path)
            size = reply.meta["size"]
            if max_bytes is not None and size > max_bytes:
                raise too_large(self.uri(path), size, max_bytes)
            async with asyncio.timeout(deadline(size)):
                return (await reply.bytes_async()).to_bytes()

        return await self._patiently("read", path, get)

    async def write(self, path: str, data: bytes, content_type: str) -> None:
        """Put the object in one PUT, which S3 shows whole or not at all."""
        await self._patiently("written", path, self._putting(path, data, {"Content-Type": content_type}))

    async def create(self, path: str, data: bytes, content_type: str) -> bool:
        """Put the object on the condition that there is none."""
        creator = uuid4().hex
        put = self._putting(path, data, {"Content-Type": content_type, CREATOR: creator}, mode="create")
        return await self._met("created", path, put, creator)

    async def extend(self, path: str, held: bytes, more: bytes, content_type: str) -> None:
        """Replace the object: S3 knows no adding."""
        put = self._putting(path, held + more, {"Content-Type": content_type})
        await self._patiently("written", path, put, patience=0)

    async def upload(self, path: str, file: Path, content_type: str) -> None:
        """Send a file, in parts if it is large; they become an object when the last has arrived."""

        async def put(bucket: S3Bucket) -> None:
            size = await asyncio.to_thread(_readable_bytes, file)
            async with asyncio.timeout(deadline(size)):
                await bucket.objects.put_async(
                    self._key(path),
                    file,
                    attributes={"Content-Type": content_type},
                    chunk_size=PART_BYTES,
                    max_concurrency=PARTS_AT_ONCE,
                )

        await self._patiently("uploaded", path, put)

    async def replace(self, path: str, file: Path, version: str | None, content_type: str) -> bool:
        """Put the object on the condition of its ETag, in one PUT: in parts, older Ceph gateways ignore the condition."""
        if version is None:
            return await self._put_if(path, file, content_type, "create")
        # Older Ceph gateways know an ETag only without its quotes; S3 takes either, and another store may insist on them.
        for spelled in (version, f'"{version}"'):
            if await self._put_if(path, file, content_type, {"e_tag": spelled}):
                return True
            found = await self.stat(path)
            if found is None or found.version != version:
                return False
        return False

    async def download(self, path: str, file: Path) -> None:
        """Stream the object into a file."""

        async def get(bucket: S3Bucket) -> None:
            reply = await self._reply(bucket, path)
            async with asyncio.timeout(deadline(reply.meta["size"])):
                with whole_file(file) as out:
                    async for chunk in reply.stream(CHUNK_BYTES):
                        await asyncio.to_thread(out.write, chunk)
                    await asyncio.to_thread(os.fsync, out.fileno())

        await self._patiently("downloaded", path, get)

    async def stat(self, path: str) -> ObjectStat | None:
        """Size, ETag and time of writing."""

        async def head(bucket: S3Bucket) -> ObjectMeta:
            async with asyncio.timeout(deadline(0)):
                return await bucket.objects.head_async(self._key(path))

        try:
            found = await self._patiently("looked up", path, head)
        except MissingObject:
            return None
        return ObjectStat(found["size"], (found["e_tag"] or "").strip('"'), found["last_modified"])

    async def list(self, prefix: str) -> AsyncIterator[str]:
        """List by pages of 1,000, as S3 does."""
        start = self._key("")
        token: str | None = None
        while True:

            async def page(bucket: S3Bucket, token: str | None = token) -> tuple[list[str], str | None]:
                async with asyncio.timeout(deadline(0)):
                    return await asyncio.to_thread(bucket.page, start + prefix, token)

            keys, token = await self._patiently("listed", prefix, page)
            for key in keys:
                yield key.removeprefix(start)
            if token is None:
                return

    async def remove(self, path: str) -> None:
        """Delete the object; S3 does not mind if it is missing."""

        async def delete(bucket: S3Bucket) -> None:
            async with asyncio.timeout(deadline(0)):
                await bucket.objects.delete_async(self._key(path))

        await self._patiently("removed", path, delete)

    async def presign(self, path: str, seconds: int) -> str:
        """A link signed with these credentials; temporary ones end it when they end."""

        async def sign(bucket: S3Bucket) -> str:
            async with asyncio.timeout(deadline(0)):
                return await obstore.sign_async(bucket.objects, "GET", self._key(path), timedelta(seconds=seconds))

        return await self._patiently("signed", path, sign)

    def filesystem(self) -> tuple[AbstractFileSystem, str]:
        """An s3fs filesystem of its own, which runs in fsspec's thread."""
        filesystem = S3FileSystem(**self.connection.s3fs_options(attempts=READER_ATTEMPTS))
        return filesystem, f"{self.bucket}/{self.prefix}".rstrip("/")

    async def close(self) -> None:
        """Close the running event loop's connections to this store."""
        await close_session(self.connection)

    def _key(self, path: str) -> str:
        return f"{self.prefix}/{path}" if self.prefix else path

    def _putting(
        self,
        path: str,
        data: bytes,
        attributes: dict[str, str],
        *,
        mode: PutMode = "overwrite",
    ) -> Callable[[S3Bucket], Awaitable[None]]:
        async def put(bucket: S3Bucket) -> None:
            async with asyncio.timeout(deadline(len(data))):
                # In one call however large: an object in parts is made without a condition on older Ceph gateways.
                await bucket.objects.put_async(
                    self._key(path), data, attributes=attributes, mode=mode, use_multipart=False
                )

        return put

    async def _put_if(self, path: str, file: Path, content_type: str, condition: PutMode) -> bool:
        """Put a file on a condition; False if it does not hold."""
        creator = uuid4().hex
        attributes = {"Content-Type": content_type, CREATOR: creator}

        async def put(bucket: S3Bucket) -> None:
            data = await asyncio.to_thread(file.read_bytes)
            await self._putting(path, data, attributes, mode=condition)(bucket)

        return await self._met("replaced", path, put, creator)

    async def _met(self, done: str, path: str, put: Callable[[S3Bucket], Awaitable[None]], creator: str) -> bool:
        """Whether the condition of a PUT held."""
        try:
            await session_of(self.connection).patiently(self.bucket, put, self.patience)
        except S3_ERRORS as error:
            refusal = refusal_in(error)
            if refusal is None or not (refusal.status == PRECONDITION_FAILED or refusal.code == "NoSuchKey"):
                raise self._refused(done, path, error) from None
            # A call repeated because its answer was lost meets its own object.
            return await self._creator(path) == creator
        return True

    async def _reply(self, bucket: S3Bucket, path: str, *, head: bool = False) -> GetResult:
        async with asyncio.timeout(deadline(0)):
            return await bucket.objects.get_async(self._key(path), options={"head": head})

    async def _creator(self, path: str) -> str | None:
        try:
            reply = await self._patiently("looked up", path, lambda bucket: self._reply(bucket, path, head=True))
        except MissingObject:
            return None
        return reply.attributes.get(CREATOR)

    async def _patiently(
        self, done: str, path: str, attempt: Callable[[S3Bucket], Awaitable[T]], *, patience: float | None = None
    ) -> T:
        session = session_of(self.connection)
        try:
            return await session.patiently(self.bucket, attempt, self.patience if patience is None else patience)
        except S3_ERRORS as error:
            # Not "from error": obstore's holds the whole answer, which may quote the request and its token.
            raise self._refused(done, path, error) from None

    def _refused(self, done: str, path: str, error: BaseException) -> StorageError:
        return refused(self.uri(path), done, error, self.connection.endpoint_url or "AWS")


def _readable_bytes(file: Path) -> int:
    with file.open("rb") as source:
        return os.fstat(source.fileno()).st_size
