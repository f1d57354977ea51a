"""Journals: every line that was promised is there, in order, however writes fail and readers look on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from uuid import uuid4

import pytest

from blocks.errors import StorageError
from blocks.storage import ObjectStorage
from catalogs import journal
from catalogs.journal import Journal, read_journal, read_lines

FOLDER = "ledger/journals/one"


@pytest.fixture(params=["memory", "local", "moto"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[ObjectStorage]:
    """Empty storage of each kind."""
    match request.param:
        case "memory":
            storage = ObjectStorage(root=f"memory://{uuid4().hex}")
        case "local":
            storage = ObjectStorage(root=str(tmp_path))
        case server:
            storage = request.getfixturevalue(server).storage()
    yield storage
    await storage.close()


async def parts_of(storage: ObjectStorage, since: str = "") -> list[list[bytes]]:
    """The lines of each part."""
    return [lines.split(b"\n") async for _, lines in read_journal(storage, FOLDER, since=since)]


async def test_a_journal_that_nobody_began_is_empty(storage: ObjectStorage) -> None:
    """A claimer may die before its first line."""
    assert await parts_of(storage) == []


async def test_lines_are_there_once_they_were_added(storage: ObjectStorage) -> None:
    """In order, one by one."""
    writer = Journal(storage, FOLDER)
    for number in range(5):
        await writer.add(b"line %d" % number)

        assert await parts_of(storage) == [[b"line %d" % n for n in range(number + 1)]]


async def test_lines_that_come_together_are_written_together(storage: ObjectStorage) -> None:
    """A hundred lines make a few writes, and all are there at the end."""
    writer = Journal(storage, FOLDER)
    await asyncio.gather(*(writer.add(b"%03d" % number) for number in range(100)))

    assert await parts_of(storage) == [[b"%03d" % number for number in range(100)]]


async def test_a_full_part_is_followed_by_the_next(storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is written anew with each line, so it may not grow for ever; a look goes on from where one ended."""
    monkeypatch.setattr(journal, "PART_BYTES", 20)
    monkeypatch.setattr(journal, "SPACING_SECONDS", 0.0)
    writer = Journal(storage, FOLDER)
    for number in range(5):
        await writer.add(b"ten bytes%d" % number)
    second = sorted([path async for path in storage.list(FOLDER)])[1]

    assert await parts_of(storage) == [
        [b"ten bytes0", b"ten bytes1"],
        [b"ten bytes2", b"ten bytes3"],
        [b"ten bytes4"],
    ]
    assert await parts_of(storage, second) == [[b"ten bytes2", b"ten bytes3"], [b"ten bytes4"]]


async def test_a_line_being_written_is_not_there_yet(tmp_path: Path) -> None:
    """Neither is one that a power cut tore."""
    storage = ObjectStorage(root=str(tmp_path))
    await Journal(storage, FOLDER).add(b"whole")
    part = tmp_path / FOLDER / "000000.jsonl"
    part.write_bytes(part.read_bytes() + b"hal")

    assert await parts_of(storage) == [[b"whole"]]


async def test_no_part_is_touched_again_after_a_failure(tmp_path: Path) -> None:
    """What failed may have been done all the same, so what comes next goes to a part of its own."""
    storage = ObjectStorage(root=str(tmp_path))
    writer = Journal(storage, FOLDER)
    await writer.add(b"first")
    part = tmp_path / FOLDER / "000000.jsonl"
    part.rename(tmp_path / "away")
    await writer.add(b"second")
    (tmp_path / "away").rename(part)
    await writer.add(b"third")

    assert await parts_of(storage) == [[b"first"], [b"second"], [b"third"]]


async def test_whoever_waits_for_a_line_learns_that_it_failed(tmp_path: Path) -> None:
    """And the journal goes on once the disk does."""
    storage = ObjectStorage(root=str(tmp_path))
    writer = Journal(storage, FOLDER)
    (tmp_path / "ledger").write_bytes(b"in the way")
    failed = await asyncio.gather(*(writer.add(b"lost") for _ in range(3)), return_exceptions=True)
    (tmp_path / "ledger").unlink()
    await writer.add(b"kept")

    assert [StorageError] * 3 == [type(error) for error in failed]
    assert await parts_of(storage) == [[b"kept"]]


async def test_a_line_is_written_though_nobody_waits_for_it_any_more(storage: ObjectStorage) -> None:
    """A run that is cancelled knows its jobs' ids, and they are there once its journal is closed."""
    writer = Journal(storage, FOLDER)
    await writer.add(b"first")
    adding = [asyncio.create_task(writer.add(line)) for line in (b"second", b"third")]
    await asyncio.sleep(0)
    for task in adding:
        task.cancel()
    await writer.close()

    assert await parts_of(storage) == [[b"first", b"second", b"third"]]


async def test_the_last_word_under_a_name_is_found(storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever part it stands, and whole lines only; other names are left out."""
    monkeypatch.setattr(journal, "PART_BYTES", 10)
    writer = Journal(storage, FOLDER)
    for line in (b"a first", b"b first", b"a second", b"c first", b"b second"):
        await writer.add(line)
    await storage.write(f"{FOLDER}/999999.jsonl", b"a torn", content_type="application/x-ndjson")

    assert {b"a": b"second", b"b": b"second"} == await read_lines(storage, FOLDER, {b"a", b"b", b"z"})
