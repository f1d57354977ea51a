"""Object storage in this process's memory, gone when it ends: for tests and trials."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from blocks.storage.disk import whole_file
from blocks.storage.store import ObjectStat, file_failed, missing, too_large

__all__ = ["MemoryStore"]

_writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class MemoryStore:
    """Objects in fsspec's memory filesystem, which the whole process shares."""

    root: str

    def uri(self, path: str) -> str:
        """`memory://name/path`."""
        return f"memory:/{self._key(path)}"

    def path_of(self, uri: str) -> str | None:
        """The path under this root, if it is one."""
        start = self.uri("")
        return uri.removeprefix(start) if uri.startswith(start) else None

    async def read(self, path: str, max_bytes: int | None) -> bytes:
        """The bytes as they were written."""
        file = self._file(path)
        if file is None:
            raise missing(self.uri(path))
        if max_bytes is not None and file.size > max_bytes:
            raise too_large(self.uri(path), file.size, max_bytes)
        return file.getvalue()

    async def write(self, path: str, data: bytes, content_type: str) -> None:  # noqa: ARG002 - kept by S3 alone
        """Replace the object at one stroke."""
        with _writing:
            self._put(path, data)

    async def create(self, path: str, data: bytes, content_type: str) -> bool:  # noqa: ARG002 - kept by S3 alone
        """Put the object unless there is one."""
        with _writing:
            if self._file(path) is not None:
                return False
            self._put(path, data)
            return True

    async def extend(self, path: str, held: bytes, more: bytes, content_type: str) -> None:
        """Replace the object."""
        await self.write(path, held + more, content_type)

    async def upload(self, path: str, file: Path, content_type: str) -> None:
        """Take a file into memory."""
        await self.write(path, await self._taken_in(path, file), content_type)

    async def replace(self, path: str, file: Path, version: str | None, content_type: str) -> bool:  # noqa: ARG002 - kept by S3 alone
        """Compare and replace at one stroke."""
        data = await self._taken_in(path, file)
        with _writing:
            found = self._file(path)
            if (found and _version(found)) != version:
                return False
            self._put(path, data)
            return True

    async def download(self, path: str, file: Path) -> None:
        """Write the object into a file."""
        data = await self.read(path, None)
        try:
            with whole_file(file) as out:
                await asyncio.to_thread(out.write, data)
        except OSError as error:
            raise file_failed(self.uri(path), "downloaded", error) from error

    async def stat(self, path: str) -> ObjectStat | None:
        """Size, hash and time of writing."""
        file = self._file(path)
        if file is None:
            return None
        return ObjectStat(file.size, _version(file), file.modified)

    async def list(self, prefix: str) -> AsyncIterator[str]:
        """The paths that began with `prefix` when the listing began."""
        start = self._key("")
        wanted = start + prefix
        for key in tuple(MemoryFileSystem.store):
            if key.startswith(wanted):
                yield key.removeprefix(start)

    async def remove(self, path: str) -> None:
        """Forget the object."""
        with _writing:
            MemoryFileSystem.store.pop(self._key(path), None)

    async def presign(self, path: str, seconds: int) -> None:
        """No link leads into this process."""

    def filesystem(self) -> tuple[AbstractFileSystem, str]:
        """The filesystem that holds these objects."""
        return MemoryFileSystem(), f"/{self.root}"

    async def close(self) -> None:
        """Nothing is open."""

    async def _taken_in(self, path: str, file: Path) -> bytes:
        try:
            return await asyncio.to_thread(file.read_bytes)
        except OSError as error:
            raise file_failed(self.uri(path), "uploaded", error) from error

    def _key(self, path: str) -> str:
        return f"/{self.root}/{path}"

    def _file(self, path: str) -> MemoryFile | None:
        return MemoryFileSystem.store.get(self._key(path))

    def _put(self, path: str, data: bytes) -> None:
        # A new file object each time: a reader that opened the old one keeps it whole.
        MemoryFile(MemoryFileSystem(), self._key(path), data).commit()


def _version(file: MemoryFile) -> str:
    return hashlib.sha256(file.getbuffer()).hexdigest()[:32]
