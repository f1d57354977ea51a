"""Object storage on S3, or on what speaks its protocol, through s3fs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from fsspec import AbstractFileSystem
from s3fs import S3FileSystem

from blocks.errors import StorageError
from blocks.storage.disk import whole_file
from blocks.storage.s3_refusals import refused
from blocks.storage.s3_session import (
    READER_ATTEMPTS,
    S3_ERRORS,
    S3Client,
    S3Connection,
    close_session,
    refusal_in,
    session_of,
)
from blocks.storage.store import MissingObject, ObjectStat, deadline, too_large

__all__ = ["S3Store"]

T = TypeVar("T")

CHUNK_BYTES = 2**20
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

        async def get(s3: S3Client) -> bytes:
            reply = await self._ask(s3, "get_object", Key=self._key(path))
            size: int = reply["ContentLength"]
            async with reply["Body"] as body, asyncio.timeout(deadline(size)):
                if max_bytes is not None and size > max_bytes:
                    raise too_large(self.uri(path), size, max_bytes)
                return await body.read()

        return await self._patiently("read", path, get)

    async def write(self, path: str, data: bytes, content_type: str) -> None:
        """Put the object in one PUT, which S3 shows whole or not at all."""
        await self._patiently("written", path, self._putting(path, data, content_type))

    async def create(self, path: str, data: bytes, content_type: str) -> bool:
        """Put the object on the condition that there is none."""
        creator = uuid4().hex
        put = self._putting(path, data, content_type, IfNoneMatch="*", Metadata={CREATOR: creator})
        try:
            await session_of(self.connection).patiently(put, self.patience)
        except S3_ERRORS as error:
            refusal = refusal_in(error)
            if refusal is None or refusal.status != PRECONDITION_FAILED:
                raise self._refused("created", path, error) from error
            # A call repeated because its answer was lost meets its own object.
            return await self._creator(path) == creator
        return True

    async def extend(self, path: str, held: bytes, more: bytes, content_type: str) -> None:
        """Replace the object: S3 knows no adding."""
        await self._patiently("written", path, self._putting(path, held + more, content_type), patience=0)

    async def upload(self, path: str, file: Path, content_type: str) -> None:
        """Send a file, in parts if it is large; they become an object when the last has arrived."""

        async def put(s3: S3Client) -> None:
            size = (await asyncio.to_thread(file.stat)).st_size
            async with asyncio.timeout(deadline(size)):
                await s3.send_file(file, self.bucket, self._key(path), content_type)

        await self._patiently("uploaded", path, put)

    async def download(self, path: str, file: Path) -> None:
        """Stream the object into a file."""

        async def get(s3: S3Client) -> None:
            reply = await self._ask(s3, "get_object", Key=self._key(path))
            async with reply["Body"] as body, asyncio.timeout(deadline(reply["ContentLength"])):
                with whole_file(file) as out:
                    async for chunk in body.iter_chunks(CHUNK_BYTES):
                        await asyncio.to_thread(out.write, chunk)
                    await asyncio.to_thread(os.fsync, out.fileno())

        await self._patiently("downloaded", path, get)

    async def stat(self, path: str) -> ObjectStat | None:
        """Size, ETag and time of writing."""
        try:
            head = await self._head(path)
        except MissingObject:
            return None
        return ObjectStat(head["ContentLength"], head["ETag"].strip('"'), head["LastModified"])

    async def list(self, prefix: str) -> AsyncIterator[str]:
        """List by pages of 1,000, as S3 does."""
        start = self._key("")
        token: dict[str, str] = {}
        while True:
            page = await self._patiently(
                "listed",
                prefix,
                lambda s3, token=token: self._ask(s3, "list_objects_v2", Prefix=start + prefix, **token),
            )
            for found in page.get("Contents", ()):
                yield found["Key"].removeprefix(start)
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    async def remove(self, path: str) -> None:
        """Delete the object; S3 does not mind if it is missing."""
        await self._patiently("removed", path, lambda s3: self._ask(s3, "delete_object", Key=self._key(path)))

    async def presign(self, path: str, seconds: int) -> str:
        """A link signed with these credentials; temporary ones end it when they end."""
        return await self._patiently("signed", path, lambda s3: s3.link(self.bucket, self._key(path), seconds))

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
        self, path: str, data: bytes, content_type: str, **condition: object
    ) -> Callable[[S3Client], Awaitable[object]]:
        # Not s3fs's `_pipe_file`: it sends large objects in parts, where older Ceph gateways ignore the condition.
        return lambda s3: self._ask(
            s3, "put_object", Key=self._key(path), Body=data, ContentType=content_type, **condition
        )

    async def _head(self, path: str) -> dict[str, Any]:
        return await self._patiently("looked up", path, lambda s3: self._ask(s3, "head_object", Key=self._key(path)))

    async def _creator(self, path: str) -> str | None:
        try:
            head = await self._head(path)
        except MissingObject:
            return None
        return head["Metadata"].get(CREATOR)

    async def _ask(self, s3: S3Client, operation: str, **arguments: object) -> dict[str, Any]:
        body = arguments.get("Body")
        async with asyncio.timeout(deadline(len(body) if isinstance(body, bytes) else 0)):
            return await s3.call(operation, Bucket=self.bucket, **arguments)

    async def _patiently(
        self, done: str, path: str, attempt: Callable[[S3Client], Awaitable[T]], *, patience: float | None = None
    ) -> T:
        try:
            return await session_of(self.connection).patiently(attempt, self.patience if patience is None else patience)
        except S3_ERRORS as error:
            raise self._refused(done, path, error) from error

    def _refused(self, done: str, path: str, error: BaseException) -> StorageError:
        return refused(self.uri(path), done, error, self.connection.endpoint_url or "AWS")
