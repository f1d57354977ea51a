"""Object storage in a folder of the local disk, or of one that several machines mount."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote, urlsplit
from weakref import WeakKeyDictionary

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from blocks.errors import StorageError
from blocks.storage.disk import PART_PREFIX, copy_file, create_file, extend_file, replace_file, swap_file
from blocks.storage.store import MissingObject, ObjectStat, deadline, missing, too_large

__all__ = ["LocalStore"]

T = TypeVar("T")

# Reading what is not there is an answer; anywhere else a missing file is a failure.
_READS = frozenset({"read", "looked up", "removed"})

LIST_PAGE = 1000
# Enough for the disk to commit several fsyncs at once; more only adds threads.
THREADS = 16

_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, ThreadPoolExecutor] = WeakKeyDictionary()

_NEXT_STEPS = {
    errno.EACCES: "Make the folder writable for the user that runs this.",
    errno.EPERM: "Use a folder on a disk that allows hard links: the exclusive create rests on them.",
    errno.ENOTSUP: "Use a folder on a disk that allows hard links: the exclusive create rests on them.",
    errno.EROFS: "This disk is mounted read-only; use another folder.",
    errno.ENOSPC: "Free some space on the disk and run again.",
    errno.EDQUOT: "This user's disk quota is used up; free some space and run again.",
    errno.ENOTDIR: "A file stands where a folder is needed; use another folder.",
    errno.EISDIR: "A folder stands where a file is needed; use another folder.",
    errno.ENAMETOOLONG: "A disk allows 255 bytes per name; shorten the name.",
}


@dataclass(frozen=True, slots=True)
class LocalStore:
    """Objects as files; `spelled` is the root as its user wrote it, which addresses repeat."""

    folder: Path
    spelled: str

    def uri(self, path: str) -> str:
        """`file:///folder/path`, percent-encoded, or the plain path, as the root is spelled."""
        return f"{self.spelled}/{quote(path) if self._spelled_as_url() else path}"

    def path_of(self, uri: str) -> str | None:
        """The path under this folder, however its address is spelled."""
        file = unquote(urlsplit(uri).path) if uri.startswith("file:") else uri
        start = f"{self.folder}/"
        return file.removeprefix(start) if file.startswith(start) else None

    async def read(self, path: str, max_bytes: int | None) -> bytes:
        """The file's bytes."""
        return await self._in_thread("read", path, partial(self._read, path, max_bytes))

    async def write(self, path: str, data: bytes, content_type: str) -> None:  # noqa: ARG002 - kept by S3 alone
        """Write beside the old file, then take its place."""
        await self._in_thread("written", path, partial(replace_file, self._name(path), data), len(data))

    async def create(self, path: str, data: bytes, content_type: str) -> bool:  # noqa: ARG002 - kept by S3 alone
        """Write without a name, then link: the link fails if the name is taken, and shows no half file."""
        return await self._in_thread("created", path, partial(self._create, path, data), len(data))

    async def extend(self, path: str, held: bytes, more: bytes, content_type: str) -> None:  # noqa: ARG002
        """Add to the file, which costs a third of writing it anew."""
        await self._in_thread("written", path, partial(extend_file, self._name(path), held, more), len(more))

    async def upload(self, path: str, file: Path, content_type: str) -> None:  # noqa: ARG002 - kept by S3 alone
        """Copy a file in."""
        size = (await self._in_thread("uploaded", path, file.stat)).st_size
        await self._in_thread("uploaded", path, partial(copy_file, file, self.folder / path), size)

    async def replace(self, path: str, file: Path, version: str | None, content_type: str) -> bool:  # noqa: ARG002 - kept by S3 alone
        """Copy a file in, under a lock that all who replace this one wait for."""
        size = (await self._in_thread("replaced", path, file.stat)).st_size
        swap = partial(swap_file, file, self.folder / path, lambda: self._version(path) == version)
        return await self._in_thread("replaced", path, swap, size)

    async def download(self, path: str, file: Path) -> None:
        """Copy a file out."""
        size = (await self._in_thread("read", path, (self.folder / path).stat)).st_size
        await self._in_thread("downloaded", path, partial(copy_file, self.folder / path, file), size)

    async def stat(self, path: str) -> ObjectStat | None:
        """Size and time of change; the version is made of both."""
        with suppress(MissingObject):
            found = await self._in_thread("looked up", path, partial(self._stat, path))
            modified = datetime.fromtimestamp(found.st_mtime, tz=UTC)
            return ObjectStat(found.st_size, _version_of(found), modified)
        return None

    async def list(self, prefix: str) -> AsyncIterator[str]:
        """Walk the folder, a page at a time."""
        paths = self._walk(prefix)
        while page := await self._in_thread("listed", prefix, lambda: tuple(islice(paths, LIST_PAGE))):
            for path in page:
                yield path

    async def remove(self, path: str) -> None:
        """Unlink the file; its folder stays."""
        with suppress(MissingObject):
            await self._in_thread("removed", path, (self.folder / path).unlink)

    async def presign(self, path: str, seconds: int) -> None:
        """No vendor can read this disk."""

    def filesystem(self) -> tuple[AbstractFileSystem, str]:
        """The local filesystem, which is never cached."""
        return LocalFileSystem(use_listings_cache=False), str(self.folder)

    async def close(self) -> None:
        """Let the threads end."""
        pool = _pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            pool.shutdown(wait=False)

    def _spelled_as_url(self) -> bool:
        return self.spelled.startswith("file:")

    async def _in_thread(self, done: str, path: str, work: Callable[[], T], size: int = 0) -> T:
        loop = asyncio.get_running_loop()
        pool = _pools.get(loop)
        if pool is None:
            pool = _pools[loop] = ThreadPoolExecutor(THREADS, thread_name_prefix="catwalk-disk")
        try:
            async with asyncio.timeout(deadline(size)):
                return await loop.run_in_executor(pool, work)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise missing(self.uri(path)) if done in _READS else self._refused(done, path, error) from error
        except OSError as error:
            raise self._refused(done, path, error) from error

    def _refused(self, done: str, path: str, error: OSError) -> StorageError:
        cause = f"{error.strerror} ({error.filename})" if error.strerror else f"the disk did not answer ({error!r})"
        next_step = _NEXT_STEPS.get(error.errno or 0, "Check the disk and run again.")
        return StorageError(f"{self.uri(path)} could not be {done}: {cause}", next_step=next_step)

    def _name(self, path: str) -> str:
        return f"{self.folder}/{path}"

    def _read(self, path: str, max_bytes: int | None) -> bytes:
        with (self.folder / path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if max_bytes is not None and size > max_bytes:
                raise too_large(self.uri(path), size, max_bytes)
            return file.read()

    def _create(self, path: str, data: bytes) -> bool:
        target = self._name(path)
        try:
            # Looked up first, because finding it there costs less than writing it in vain.
            if not os.path.exists(target):  # noqa: PTH110 - pathlib costs as much as the look
                create_file(target, data)
                return True
        except FileExistsError:
            pass
        if os.path.isdir(target):  # noqa: PTH112
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
        return False

    def _stat(self, path: str) -> os.stat_result:
        target = self.folder / path
        if target.is_dir():
            raise FileNotFoundError(target)
        return target.stat()

    def _version(self, path: str) -> str | None:
        with suppress(FileNotFoundError, NotADirectoryError):
            return _version_of(self._stat(path))
        return None

    def _walk(self, prefix: str) -> Iterator[str]:
        top = self.folder / prefix.rpartition("/")[0]
        for parent, folders, names in os.walk(top, onerror=_unless_missing):
            inside = Path(parent).relative_to(self.folder).as_posix()
            start = "" if inside == "." else f"{inside}/"
            folders[:] = [name for name in folders if _leads_to(f"{start}{name}/", prefix)]
            for name in names:
                if f"{start}{name}".startswith(prefix) and not name.startswith(PART_PREFIX):
                    yield f"{start}{name}"


def _version_of(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"


def _leads_to(folder: str, prefix: str) -> bool:
    return folder.startswith(prefix) or prefix.startswith(folder)


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
