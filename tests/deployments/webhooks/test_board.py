"""The board of ended jobs: what is kept, for how long, and who is told."""

from __future__ import annotations

import asyncio

import pytest

from deployments.webhooks import board as module
from deployments.webhooks.board import JOBS_A_PAGE, JOBS_KEPT, Board


async def test_whoever_begins_is_told_all_and_then_the_news() -> None:
    """In the order of the deliveries, each job once."""
    board = Board()
    assert [True, True, False] == [board.put(job_id) for job_id in ("1", "2", "1")]

    first = await board.since("", 0)
    nothing = await board.since(first.cursor, 0)
    board.put("3")
    news = await board.since(first.cursor, 0)

    assert [("1", "2"), (), ("3",)] == [first.jobs, nothing.jobs, news.jobs]
    assert first.cursor == nothing.cursor != news.cursor


async def test_all_who_wait_are_told_at_once() -> None:
    """However many runs there are."""
    board = Board()
    waiting = [asyncio.create_task(board.since("", 60)) for _ in range(3)]
    await asyncio.sleep(0)
    board.put("1")

    assert [("1",)] * 3 == [(await each).jobs for each in waiting]


async def test_a_closed_board_keeps_nobody_waiting() -> None:
    """So that a receiver can stop."""
    board = Board()
    waiting = asyncio.create_task(board.since("", 60))
    await asyncio.sleep(0)
    board.close()

    assert () == (await waiting).jobs


@pytest.mark.parametrize("cursor", ["elsewhere.1", "nonsense", ".", "-1", "²"])
async def test_a_cursor_of_another_board_begins_anew(cursor: str) -> None:
    """Such as one from before a restart: what is told twice harms nobody."""
    board = Board()
    board.put("1")

    assert ("1",) == (await board.since(cursor, 0)).jobs


async def test_a_cursor_from_the_future_is_of_no_harm() -> None:
    """Whoever makes one up is told what comes next."""
    board = Board()
    board.put("1")
    made_up = (await board.since("", 0)).cursor.replace(".1", ".99")
    nothing = await board.since(made_up, 0)
    board.put("2")

    assert [(), ("2",)] == [nothing.jobs, (await board.since(nothing.cursor, 0)).jobs]


async def test_only_so_many_jobs_are_kept() -> None:
    """The oldest go first, and whoever missed them polls."""
    board = Board()
    for number in range(JOBS_KEPT + 5):
        board.put(str(number))
    told: list[str] = []
    cursor = ""
    while (page := await board.since(cursor, 0)).jobs:
        assert len(page.jobs) <= JOBS_A_PAGE
        told += page.jobs
        cursor = page.cursor

    assert [str(number) for number in range(5, JOBS_KEPT + 5)] == told


async def test_jobs_are_kept_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs ask within seconds; what is an hour old is of no use."""
    board = Board()
    board.put("1")
    monkeypatch.setattr(module, "KEPT_SECONDS", -1.0)

    assert () == (await board.since("", 0)).jobs
    assert board.put("1")
