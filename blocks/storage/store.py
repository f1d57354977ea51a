"""What every kind of store promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from fsspec import AbstractFileSystem

from blocks.errors import StorageError

__all__ = ["MissingObject", "ObjectStat", "Store", "deadline", "file_failed", "missing", "too_large"]

CALL_SECONDS = 60.0
SLOWEST_BYTES_PER_SECOND = 100_000


class MissingObject(StorageError):
    """
    No object is stored under that path.

    Costs: nothing.
    Next: check the address that the message names.
    """


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """One object: its size in bytes, a version that changes when its content does, when it was written (UTC)."""

    size: int
    version: str
    modified: datetime


class Store(Protocol):
    """Objects under one root; paths are relative to it and already checked."""

    def uri(self, path: str) -> str:
        """The full address of an object."""
        ...

    def path_of(self, uri: str) -> str | None:
        """The path of the object at this address; None when it lies elsewhere."""
        ...

    async def read(self, path: str, max_bytes: int | None) -> bytes:
        """All of an object, or `MissingObject`; larger than `max_bytes` is refused unread."""
        ...

    async def write(self, path: str, data: bytes, content_type: str) -> None:
        """Put an object there, whole or not at all, over any older one."""
        ...

    async def create(self, path: str, data: bytes, content_type: str) -> bool:
        """Put an object there unless there is one; False when there was."""
        ...

    async def extend(self, path: str, held: bytes, more: bytes, content_type: str) -> None:
        """Let an object that holds `held` hold `held + more`; a call that fails is not repeated."""
        ...

    async def upload(self, path: str, file: Path, content_type: str) -> None:
        """Write a local file of any size."""
        ...

    async def replace(self, path: str, file: Path, version: str | None, content_type: str) -> bool:
        """Write a local file if the object still has this version, or is still missing for None; False if not."""
        ...

    async def download(self, path: str, file: Path) -> None:
        """Read into a local file, whole or not at all."""
        ...

    async def stat(self, path: str) -> ObjectStat | None:
        """What is known of an object without reading it; None when it is missing."""
        ...

    def list(self, prefix: str) -> AsyncIterator[str]:
        """The paths that begin with `prefix`, in no order."""
        ...

    async def remove(self, path: str) -> None:
        """Remove an object, if it is there."""
        ...

    async def presign(self, path: str, seconds: int) -> str | None:
        """A link that reads the object without credentials; None where there is no such thing."""
        ...

    def filesystem(self) -> tuple[AbstractFileSystem, str]:
        """A synchronous filesystem, and the root's path in it."""
        ...

    async def close(self) -> None:
        """Close what the running event loop has open."""
        ...


def deadline(size: int) -> float:
    """Seconds after which a call that moves `size` bytes is given up."""
    return CALL_SECONDS + size / SLOWEST_BYTES_PER_SECOND


def missing(uri: str) -> MissingObject:
    """The error for an object that is not there."""
    return MissingObject(f"there is no object at {uri}", next_step="Check the address, and whether it was removed.")


def too_large(uri: str, size: int, max_bytes: int) -> StorageError:
    """The error for an object that nobody wants in memory."""
    return StorageError(
        f"{uri} has {size:,} bytes, more than the {max_bytes:,} that are read into memory here",
        next_step="Check that this is the intended object.",
    )


def file_failed(uri: str, done: str, error: OSError) -> StorageError:
    """The error for a local file that could not be sent, or taken in."""
    return StorageError(
        f"{uri} could not be {done}: {error.strerror} ({error.filename})", next_step="Check that file and its disk."
    )
