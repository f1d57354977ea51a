"""What every kind of object storage promises, on each of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from blocks.errors import StorageError
from blocks.storage import MissingObject, ObjectStorage

BACKENDS = ["memory", "local", "moto", pytest.param("ceph", marks=pytest.mark.ceph)]

# SKUs come in every shape.
ODD_PATHS = [
    "a b/c d.json",
    "100%/%20/%2F.png",
    "a#b?c=d&e",
    "x?versionId=3",
    "Größe XL/ドレス/👗.png",
    "a+b,c;d=e@f:g$h'i(j)!k*l~m[n]{o}|p^q`r<s>t\"u\\v",
    "a::b/-/_/.hidden/..twice../...",
]


@pytest.fixture(params=BACKENDS)
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[ObjectStorage]:
    """Empty storage of each kind."""
    match request.param:
        case "memory":
            storage = ObjectStorage(root=f"memory://{uuid4().hex}/inner")
        case "local":
            storage = ObjectStorage(root=str(tmp_path / "the store"))
        case server:
            storage = request.getfixturevalue(server).storage("a prefix/inner")
    yield storage
    await storage.close()


async def listed(storage: ObjectStorage, prefix: str = "") -> list[str]:
    """All paths that begin with `prefix`, sorted."""
    return sorted([path async for path in storage.list(prefix)])


async def test_it_passes_its_own_check_and_leaves_nothing(storage: ObjectStorage) -> None:
    """A good store is accepted at start-up, and the probe is gone afterwards."""
    await storage.check()

    assert await listed(storage) == []


async def test_an_object_is_extended(storage: ObjectStorage) -> None:
    """By adding or by writing it anew, as the store can."""
    held = b""
    for more in (b"first\n", b"second\n", b"third\n"):
        await storage.extend("lines", held, more, content_type="text/plain")
        held += more

        assert await storage.read("lines") == held


@pytest.mark.parametrize("path", ODD_PATHS)
async def test_an_object_comes_back_as_it_was_written(storage: ObjectStorage, path: str) -> None:
    """Whatever its name, an object is read, found, listed and removed by it."""
    data = os.urandom(1000)
    await storage.write(path, data, content_type="image/png")

    assert await storage.read(path) == data
    assert storage.path_of(storage.uri(path)) == path
    assert await listed(storage) == [path]
    await storage.remove(path)
    assert await storage.exists(path) is False


async def test_an_empty_object_is_an_object(storage: ObjectStorage) -> None:
    """No bytes are bytes too."""
    await storage.write("empty", b"", content_type="text/plain")

    assert await storage.read("empty") == b""
    assert await storage.create("empty", b"x", content_type="text/plain") is False


async def test_what_is_missing_is_said_to_be_missing(storage: ObjectStorage, tmp_path: Path) -> None:
    """Reading and downloading raise `MissingObject`, looking up gives None, removing is done."""
    with pytest.raises(MissingObject, match=r"there is no object at .*/none"):
        await storage.read("none")
    with pytest.raises(MissingObject):
        await storage.download("none", tmp_path / "out")

    assert await storage.stat("none") is None
    assert await storage.exists("none") is False
    assert await listed(storage, "none") == []
    assert not (tmp_path / "out").exists()
    await storage.remove("none")


async def test_a_stat_tells_size_time_and_change(storage: ObjectStorage) -> None:
    """The version changes with the content."""
    await storage.write("object", b"one", content_type="text/plain")
    before = await storage.stat("object")
    await storage.write("object", b"three", content_type="text/plain")
    after = await storage.stat("object")

    assert before is not None
    assert after is not None
    assert (before.size, after.size) == (3, 5)
    assert before.version != after.version
    assert abs(datetime.now(UTC) - after.modified) < timedelta(minutes=1)


async def test_an_object_too_large_is_refused_unread(storage: ObjectStorage) -> None:
    """`max_bytes` keeps a film out of the memory that was meant for a picture."""
    await storage.write("film", b"x" * 1001, content_type="image/png")

    with pytest.raises(StorageError, match=r"has 1,001 bytes, more than the 1,000"):
        await storage.read("film", max_bytes=1000)
    assert len(await storage.read("film", max_bytes=1001)) == 1001


async def test_one_of_fifty_creators_wins(storage: ObjectStorage) -> None:
    """However many create the same object at once, one is told so, and its bytes are there."""
    names = [f"runner {number}".encode() for number in range(50)]
    won = await asyncio.gather(*(storage.create("claim", name, content_type="text/plain") for name in names))

    assert won.count(True) == 1
    assert await storage.read("claim") == names[won.index(True)]


async def test_one_of_fifty_alike_creators_wins(storage: ObjectStorage) -> None:
    """The same holds when all of them bring the same bytes."""
    won = await asyncio.gather(*(storage.create("claim", b"same", content_type="text/plain") for _ in range(50)))

    assert won.count(True) == 1


async def test_a_created_object_is_never_overwritten_by_create(storage: ObjectStorage) -> None:
    """The second creator changes nothing."""
    first = await storage.create("claims/1", b"first", content_type="text/plain")
    second = await storage.create("claims/1", b"second", content_type="text/plain")

    assert (first, second) == (True, False)
    assert await storage.read("claims/1") == b"first"


async def test_readers_never_see_half_an_overwrite(storage: ObjectStorage) -> None:
    """While an object is overwritten, a reader gets the one or the other, whole."""
    contents = [bytes([65 + number]) * (200_000 + number) for number in range(20)]
    await storage.write("picture", contents[0], content_type="image/png")
    writing = asyncio.create_task(_write_in_turn(storage, contents))
    seen: set[bytes] = set()
    while not writing.done():
        seen.add(await storage.read("picture"))
        # Memory answers at once, and would never let the writer run.
        await asyncio.sleep(0)
    await writing

    assert seen - set(contents) == set()
    assert await storage.read("picture") == contents[-1]


async def _write_in_turn(storage: ObjectStorage, contents: list[bytes]) -> None:
    for content in contents:
        await storage.write("picture", content, content_type="image/png")


async def test_a_listing_has_what_begins_with_the_prefix(storage: ObjectStorage) -> None:
    """A prefix may end within a name or at a slash."""
    paths = ["ledger/aa/1.json", "ledger/ab/2.json", "ledger/b/3.json", "ledger-old/4.json", "plans/5.json"]
    for path in paths:
        await storage.write(path, b"{}", content_type="application/json")

    assert await listed(storage) == sorted(paths)
    assert await listed(storage, "ledger/") == ["ledger/aa/1.json", "ledger/ab/2.json", "ledger/b/3.json"]
    assert await listed(storage, "ledger/a") == ["ledger/aa/1.json", "ledger/ab/2.json"]
    assert await listed(storage, "ledger") == sorted(paths[:4])
    assert await listed(storage, "ledger/ab/2.json") == ["ledger/ab/2.json"]
    assert await listed(storage, "nothing/at/all") == []


async def test_a_listing_goes_on_past_its_first_page(storage: ObjectStorage) -> None:
    """More than the 1,000 keys of an S3 page are listed once each."""
    paths = [f"many/{number:04}" for number in range(1005)]
    await asyncio.gather(*(storage.write(path, b"", content_type="text/plain") for path in paths))

    assert await listed(storage, "many/") == paths


async def test_a_large_file_goes_up_and_down_whole(storage: ObjectStorage, tmp_path: Path) -> None:
    """A file larger than a part of a multipart upload arrives as it was."""
    source, target = tmp_path / "source", tmp_path / "new folder" / "target"
    source.write_bytes(os.urandom(33 * 2**20 + 7))
    await storage.upload("large?versionId=1", source, content_type="application/octet-stream")
    await storage.download("large?versionId=1", target)

    assert target.read_bytes() == source.read_bytes()
    assert [file.name for file in target.parent.iterdir()] == ["target"]


async def version_of(storage: ObjectStorage, path: str) -> str | None:
    """The version of an object, None if there is none."""
    found = await storage.stat(path)
    return found and found.version


async def test_an_object_is_replaced_by_who_has_seen_it(storage: ObjectStorage, tmp_path: Path) -> None:
    """Whoever has seen an older one, or none, or one that has gone, changes nothing."""
    file = tmp_path / "file"

    async def replaced(text: str, version: str | None) -> bool:
        file.write_text(text)
        return await storage.replace("a/table.parquet", file, version=version, content_type="text/plain")

    assert not await replaced("unseen", "no version of it")
    assert await replaced("first", None)
    first = await version_of(storage, "a/table.parquet")
    assert not await replaced("again", None)
    assert await replaced("the second", first)
    second = await version_of(storage, "a/table.parquet")
    assert not await replaced("the third", first)
    assert await storage.read("a/table.parquet") == b"the second"
    assert ["a/table.parquet"] == await listed(storage)

    await storage.remove("a/table.parquet")

    assert not await replaced("gone", second)
    assert await version_of(storage, "a/table.parquet") is None


async def test_no_update_of_many_is_lost(storage: ObjectStorage, tmp_path: Path) -> None:
    """Each of twenty adds a line to what it has read, and does it again if another was quicker."""

    async def add(number: int) -> None:
        file = tmp_path / f"file-{number}"
        while True:
            version = await version_of(storage, "lines")
            lines = await storage.read("lines") if version else b""
            file.write_bytes(lines + f"{number}\n".encode())
            if await storage.replace("lines", file, version=version, content_type="text/plain"):
                return

    await asyncio.gather(*(add(number) for number in range(20)))

    assert sorted(map(str, range(20))) == sorted((await storage.read("lines")).decode().split())


async def test_a_missing_file_is_not_uploaded(storage: ObjectStorage, tmp_path: Path) -> None:
    """The error names the file, not the object."""
    with pytest.raises(StorageError, match=r"No such file or directory.*/absent") as caught:
        await storage.upload("object", tmp_path / "absent", content_type="text/plain")

    assert not isinstance(caught.value, MissingObject)


async def test_pyarrow_reads_what_was_written(storage: ObjectStorage) -> None:
    """The filesystem for readers leads to the same objects, and forgets no change."""
    filesystem, root = storage.filesystem()
    for rows in (1, 3):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"sku": [f"S-{row}" for row in range(rows)]}), sink)
        await storage.write("catalog.parquet", sink.getvalue().to_pybytes(), content_type="application/octet-stream")
        dataset = ds.dataset(f"{root}/catalog.parquet", filesystem=filesystem, format="parquet")

        assert await asyncio.to_thread(dataset.count_rows) == rows


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a\nb", "a\x00b", "\ud800"])
async def test_paths_that_lead_elsewhere_are_refused(storage: ObjectStorage, path: str) -> None:
    """No path escapes the root or means different objects on different stores."""
    with pytest.raises(StorageError, match="can't be the path of an object"):
        await storage.write(path, b"", content_type="text/plain")


async def test_addresses_outside_the_root_are_nobodys_path(storage: ObjectStorage) -> None:
    """A neighbour whose name begins alike is outside."""
    inside = storage.uri("x")

    assert storage.path_of(inside) == "x"
    assert storage.path_of(inside[: -len("/x")] + "-old/x") is None
    assert storage.path_of("https://example.com/x") is None
    assert storage.path_of(inside[:-1] + "../x") is None


async def test_another_address_has_the_same_credentials(storage: ObjectStorage) -> None:
    """`at` moves within what the credentials reach."""
    await storage.write("deep/object", b"data", content_type="text/plain")
    deeper = storage.at(storage.uri("deep"))

    assert await deeper.read("object") == b"data"
    assert deeper.model_dump(exclude={"root"}) == storage.model_dump(exclude={"root"})


async def test_a_download_to_where_no_file_can_be_names_the_file(storage: ObjectStorage, tmp_path: Path) -> None:
    """A local disk's failure is not blamed on the store."""
    (tmp_path / "file").write_bytes(b"")
    await storage.write("object", b"data", content_type="text/plain")

    with pytest.raises(StorageError, match=r"could not be downloaded: Not a directory \(.*/file/"):
        await storage.download("object", tmp_path / "file" / "out")
