"""
Journals: lines that one process adds, many in one write, and that anyone may read.

A journal is a folder of parts. Lines that come while others are being written go together, so that a thousand of
them a second cost an object store a few dozen writes, and one that comes alone is written at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container, Sequence
from dataclasses import dataclass

from blocks.errors import StorageError
from blocks.storage import ObjectStorage

__all__ = ["Journal", "read_journal", "read_lines"]

MEDIA_TYPE = "application/x-ndjson"
# On S3 a part is written anew with each addition, so this bounds what goes over the wire.
PART_BYTES = 64 * 1024
SPACING_SECONDS = 0.025
CLOSE_SECONDS = 30.0
READS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class _Waiting:
    line: bytes
    written: asyncio.Future[None]


class Journal:
    """The writing end, which belongs to one event loop; `folder` must be nobody else's."""

    def __init__(self, storage: ObjectStorage, folder: str) -> None:
        self._storage = storage
        self._folder = folder
        self._part = 0
        self._held = b""
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._free_at = 0.0

    async def add(self, line: bytes) -> None:
        """Return once the line, without its newline, is in storage; raises `StorageError` when it may not be."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(line, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting())
        await written

    async def close(self) -> None:
        """See that what was handed over is written, also when nobody waits for it any more; for half a minute at most."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=CLOSE_SECONDS)

    async def _write_waiting(self) -> None:
        clock = asyncio.get_running_loop().time
        try:
            while self._waiting:
                await asyncio.sleep(self._free_at - clock())
                self._free_at = clock() + SPACING_SECONDS
                batch, self._waiting = self._waiting, []
                await self._write(batch)
        finally:
            self._writing = None

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._extend(b"".join(waiting.line + b"\n" for waiting in batch))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait for it must learn of it
            for waiting in batch:
                if not waiting.written.done():
                    waiting.written.set_exception(error)
        else:
            for waiting in batch:
                if not waiting.written.done():
                    waiting.written.set_result(None)

    async def _extend(self, lines: bytes) -> None:
        try:
            await self._storage.extend(self._path(), self._held, lines, content_type=MEDIA_TYPE)
        except StorageError:
            # A call that was given up may yet arrive, so a part is never written again after a failure.
            self._next_part()
            await self._storage.write(self._path(), lines, content_type=MEDIA_TYPE)
            self._next_part()
            return
        self._held += lines
        if len(self._held) >= PART_BYTES:
            self._next_part()

    def _next_part(self) -> None:
        self._part += 1
        self._held = b""

    def _path(self) -> str:
        return f"{self._folder}/{self._part:06}.jsonl"


async def read_journal(storage: ObjectStorage, folder: str, *, since: str = "") -> AsyncIterator[tuple[str, bytes]]:
    """
    The parts of a journal in order, each with its whole lines.

    `since` is the last part of an earlier look, which may have grown meanwhile: it comes again.
    """
    for path in sorted([path async for path in storage.list(f"{folder}/") if path >= since]):
        lines, _, _torn = (await storage.read(path)).rpartition(b"\n")
        yield path, lines


async def read_lines(storage: ObjectStorage, folder: str, names: Container[bytes]) -> dict[bytes, bytes]:
    """What a journal last says under some names, which are the first words of its lines; nothing else of it is held."""
    turns = asyncio.Semaphore(READS_AT_ONCE)

    async def said_in(path: str) -> dict[bytes, bytes]:
        async with turns:
            lines, _, _torn = (await storage.read(path)).rpartition(b"\n")
        entries = (line.partition(b" ") for line in lines.splitlines())
        return {name: said for name, _, said in entries if name in names}

    paths = sorted([path async for path in storage.list(f"{folder}/")])
    last: dict[bytes, bytes] = {}
    for said in await asyncio.gather(*(said_in(path) for path in paths)):
        last |= said
    return last
