"""
What an exclusive create on S3 costs the client: the storage block's, and s3fs's beside it.

    python -m benchmarks.creates [--objects 1500]

Objects of 600 bytes, 32 at a time, in turn three times; the S3 server is moto, in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from s3fs import S3FileSystem

from blocks.storage import ObjectStorage
from tests.s3_servers import running_moto

__all__: list[str] = []

AT_ONCE = 32
WARM_UP = 100
ROUNDS = 3
RECORD = os.urandom(600)

Create = Callable[[str], Awaitable[object]]


def main() -> None:
    """Measure both in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1500)
    given = parser.parse_args()
    print(f"{given.objects} creates; {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| through | main thread's CPU ms | process's CPU ms | wall ms |\n|---|---|---|---|", flush=True)
    with running_moto() as moto:
        asyncio.run(_measure_both(moto.storage(), given.objects))


async def _measure_both(storage: ObjectStorage, objects: int) -> None:
    filesystem, root = storage.filesystem()
    options = filesystem.storage_options
    s3fs = cast("Any", S3FileSystem(**options, asynchronous=True, skip_instance_cache=True))
    client = await s3fs.set_session()

    async def through_block(name: str) -> None:
        assert await storage.create(name, RECORD, content_type="application/json")

    async def through_s3fs(name: str) -> None:
        await s3fs._pipe_file(f"{root}/{name}", RECORD, mode="create")  # noqa: SLF001 - its coroutines have no other name

    for turn in range(ROUNDS):
        await _measure("the storage block", through_block, f"block/{turn}", objects)
        await _measure("s3fs", through_s3fs, f"s3fs/{turn}", objects)
    await client.close()


async def _measure(through: str, create: Create, folder: str, objects: int) -> None:
    await _create_all(create, f"{folder}/warm-up", WARM_UP)
    clocks = (time.thread_time, time.process_time, time.perf_counter)
    began = [clock() for clock in clocks]
    await _create_all(create, folder, objects)
    taken = [(clock() - then) * 1000 / objects for clock, then in zip(clocks, began, strict=True)]
    print(f"| {through} | " + " | ".join(f"{milliseconds:.2f}" for milliseconds in taken) + " |", flush=True)


async def _create_all(create: Create, folder: str, objects: int) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with turns:
            await create(f"{folder}/{number}.json")

    await asyncio.gather(*(one(number) for number in range(objects)))


if __name__ == "__main__":
    main()
