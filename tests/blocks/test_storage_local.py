"""Object storage in a folder: several processes, kills, and disks that say no."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from blocks.errors import StorageError
from blocks.storage import ObjectStorage

RACE = """
import asyncio, sys
from blocks.storage import ObjectStorage

storage, me = ObjectStorage(root=sys.argv[1]), sys.argv[2].encode()

async def main():
    names = [f"claims/{number % 16:x}/{number}" for number in range(300)]
    return await asyncio.gather(*(storage.create(name, me, content_type="text/plain") for name in names))

print("ready", flush=True)
sys.stdin.readline()
print(sum(asyncio.run(main())))
"""

OVERWRITE_FOR_EVER = """
import asyncio, itertools, sys
from blocks.storage import ObjectStorage

storage = ObjectStorage(root=sys.argv[1])

async def main():
    for number in itertools.count():
        content = bytes([number % 256]) * 2_000_000
        await storage.write("picture", content, content_type="image/png")
        await storage.create(f"claim-{number}", content, content_type="image/png")
        print(number, flush=True)

asyncio.run(main())
"""


def started(program: str, *arguments: str) -> subprocess.Popen[str]:
    """A process of its own that runs `program`."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def test_of_two_processes_one_creates_each_object(tmp_path: Path) -> None:
    """The disk decides between processes as it does between threads."""
    racers = [started(RACE, str(tmp_path), name) for name in ("one", "other")]
    assert [racer.stdout.readline() for racer in racers if racer.stdout] == ["ready\n"] * 2
    won = [racer.communicate("go\n", timeout=60)[0] for racer in racers]
    storage = ObjectStorage(root=str(tmp_path))
    owners = [await storage.read(path) async for path in storage.list("claims/")]

    assert sum(map(int, won)) == 300
    assert [owners.count(b"one"), owners.count(b"other")] == list(map(int, won))


async def test_a_kill_leaves_only_whole_objects(tmp_path: Path) -> None:
    """After kill -9 at any instant every listed object is whole, and nothing else is listed."""
    storage = ObjectStorage(root=str(tmp_path))
    for writes in (1, 4):
        process = started(OVERWRITE_FOR_EVER, str(tmp_path))
        assert process.stdout is not None
        for _ in range(writes):
            process.stdout.readline()
        process.kill()
        process.communicate()
        contents = [await storage.read(path) async for path in storage.list()]

        assert {len(content) for content in contents} == {2_000_000}
        assert {len(set(content)) for content in contents} == {1}


async def test_what_a_kill_left_half_written_is_no_object(tmp_path: Path) -> None:
    """A file that never took its place is not listed."""
    storage = ObjectStorage(root=str(tmp_path))
    await storage.write("folder/object", b"data", content_type="text/plain")
    (tmp_path / "folder" / ".catwalk-part-0123456789abcdef").write_bytes(b"da")

    assert [path async for path in storage.list()] == ["folder/object"]


async def test_no_temporary_file_stays(tmp_path: Path) -> None:
    """Success and refusal both clean up."""
    storage = ObjectStorage(root=str(tmp_path))
    await storage.write("object", b"data", content_type="text/plain")
    await storage.create("object", b"data", content_type="text/plain")
    await storage.create("claim", b"data", content_type="text/plain")

    assert sorted(os.listdir(tmp_path)) == ["claim", "object"]  # noqa: PTH208 - names are what is compared


async def test_a_folder_that_can_not_be_is_refused_at_start_up(tmp_path: Path) -> None:
    """A file where the folder should be is named, with what to do."""
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StorageError, match=r"Not a directory.*A file stands where a folder is needed"):
        await ObjectStorage(root=str(tmp_path / "file" / "store")).check()


async def test_a_folder_that_takes_no_files_is_refused_at_start_up() -> None:
    """The kernel's own folder takes no files from anyone, whatever the user's rights."""
    with pytest.raises(StorageError, match=r"/proc/.*could not be created"):
        await ObjectStorage(root="/proc/self/store").check()


async def test_an_object_can_not_stand_where_a_folder_is(tmp_path: Path) -> None:
    """On a disk, unlike S3, `a` and `a/b` exclude each other, and the message says so."""
    storage = ObjectStorage(root=str(tmp_path))
    await storage.write("a/b", b"data", content_type="text/plain")

    with pytest.raises(StorageError, match="A folder stands where a file is needed"):
        await storage.create("a", b"data", content_type="text/plain")
    with pytest.raises(StorageError, match="A folder stands where a file is needed"):
        await storage.write("a", b"data", content_type="text/plain")
    with pytest.raises(StorageError, match="A file stands where a folder is needed"):
        await storage.write("a/b/c", b"data", content_type="text/plain")
    assert await storage.stat("a") is None


async def test_a_name_too_long_is_refused(tmp_path: Path) -> None:
    """The disk's limit is told."""
    with pytest.raises(StorageError, match="255 bytes per name"):
        await ObjectStorage(root=str(tmp_path)).write("x" * 256, b"", content_type="text/plain")


async def test_a_file_address_is_percent_encoded(tmp_path: Path) -> None:
    """`file:///` addresses are URLs, as `Path.as_uri` writes them; plain paths are left alone."""
    folder = tmp_path / "100% new"
    by_url, by_path = ObjectStorage(root=folder.as_uri()), ObjectStorage(root=str(folder))
    await by_url.write("a b#c", b"data", content_type="text/plain")

    assert await by_path.read("a b#c") == b"data"
    assert by_url.uri("a b#c") == (folder / "a b#c").as_uri()
    assert by_path.uri("a b#c") == str(folder / "a b#c")
    assert by_url.path_of(by_path.uri("a b#c")) == by_path.path_of(by_url.uri("a b#c")) == "a b#c"


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses in a manifest mean the same wherever it is read."""
    monkeypatch.chdir(tmp_path)

    assert ObjectStorage(root="out/../new/").uri("x") == str(tmp_path / "new" / "x")
