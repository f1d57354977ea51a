"""Request bodies that wait for their turn: bounded in bytes, never stuck."""

from __future__ import annotations

import asyncio

import pytest

from blocks.exchange import Call
from flows.payload import PayloadBudget


def upload(size: int) -> Call:
    """A call with a picture of so many bytes."""
    return Call("POST", "/refine", files={"picture": ("picture.png", b"x" * size, "image/png")})


async def held_at_once(budget: PayloadBudget, calls: list[Call]) -> int:
    """The most bytes that were held at one time while all the calls passed."""
    held = most = 0

    async def pass_through(call: Call) -> None:
        nonlocal held, most
        size = sum(len(data) for _, data, _ in (call.files or {}).values())
        async with budget.hold(call):
            held += size
            most = max(most, held)
            await asyncio.sleep(0)
            held -= size

    async with asyncio.timeout(5):
        await asyncio.gather(*(pass_through(call) for call in calls))
    return most


async def test_the_bytes_in_hand_stay_under_the_limit() -> None:
    """Of thirty calls no more are let in than fit, and all get their turn."""
    most = await held_at_once(PayloadBudget(100), [upload(30) for _ in range(30)])

    assert 90 == most


async def test_a_call_larger_than_the_limit_passes_alone() -> None:
    """Nothing is refused for its size: it waits until nobody else is in."""
    most = await held_at_once(PayloadBudget(100), [upload(60), upload(500), upload(40)])

    assert 500 == most


async def test_a_picture_in_the_body_counts_as_one_in_a_file() -> None:
    """Base64 in JSON takes as much memory as it has letters; options and addresses next to nothing."""
    budget = PayloadBudget(100)
    encoded = Call("POST", "/tasks", json={"image": "A" * 80, "batchSize": 4, "nested": {"prompt": "x"}})

    async with budget.hold(encoded):
        waiting = asyncio.create_task(held_at_once(budget, [upload(50)]))
        await asyncio.sleep(0.01)
        early = waiting.done()

    assert not early
    assert 50 == await waiting


async def test_a_failed_call_gives_its_bytes_back() -> None:
    """An error between preparing and sending holds nobody up."""
    budget = PayloadBudget(100)
    with pytest.raises(RuntimeError):
        async with budget.hold(upload(100)):
            raise RuntimeError

    assert 100 == await held_at_once(budget, [upload(100)])


async def test_a_cancelled_wait_holds_nothing() -> None:
    """A unit that is cancelled in the queue leaves no bytes behind."""
    budget = PayloadBudget(100)
    async with budget.hold(upload(100)):
        waiting = asyncio.create_task(held_at_once(budget, [upload(60)]))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    assert 100 == await held_at_once(budget, [upload(100)])
