"""Turns at calling an account, on a clock that skips every wait."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.pace import Pace, Window


class _SkippingSelector(selectors.DefaultSelector):
    """Passes over a wait at once, and adds it to the clock."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # A clock that stood still could not get past a wait too short to be added to it.
        self.skipped += max(timeout or 0.0, 1e-6)
        return super().select(0)


class _SkippingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.skipped


def _run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=_SkippingLoop) as runner:
        runner.run(work())


def _now() -> float:
    return asyncio.get_running_loop().time()


@given(
    count=st.integers(1, 5),
    seconds=st.floats(0.5, 60),
    gaps=st.lists(st.floats(0, 20), min_size=1, max_size=40),
)
def test_a_window_never_lets_more_turns_through_than_it_counts(count: int, seconds: float, gaps: list[float]) -> None:
    """Whenever turns are asked for, no span of the window's length holds more than `count`."""
    window = Window(count, seconds)
    now, turns = 100.0, list[float]()
    for gap in gaps:
        now += gap
        while wait := window.wait(now):
            now += max(wait, 1e-6)
        window.take(now)
        turns.append(now)

    assert all(later - earlier > seconds for earlier, later in zip(turns, turns[count:], strict=False))


@given(gaps=st.lists(st.floats(1.1, 20), min_size=1, max_size=40))
def test_turns_slower_than_the_window_never_wait(gaps: list[float]) -> None:
    """The pace costs nothing to whoever stays below it."""
    window, now = Window(1, 1.0), 100.0
    waits = list[float]()
    for gap in gaps:
        now += gap
        waits.append(window.wait(now))
        window.take(now)

    assert [0.0] * len(gaps) == waits


def test_an_account_without_limits_never_waits() -> None:
    """No window, no wait, for either kind of call."""

    async def work() -> None:
        pace = Pace([], [])
        for _ in range(100):
            await pace.request()
            await pace.generation()

        assert _now() < 0.01

    _run(work)


def test_paid_calls_leave_a_second_apart_even_behind_a_queue_of_polls() -> None:
    """A paid call's turn is counted when it leaves, not when it began to wait for the requests' window."""

    async def work() -> None:
        pace = Pace([Window(2, 1.0)], [Window(1, 1.0)])
        left = list[float]()

        async def paid() -> None:
            await pace.generation()
            left.append(_now())

        await asyncio.gather(*(pace.request() for _ in range(9)), *(paid() for _ in range(4)))

        assert all(later - earlier > 1.0 for earlier, later in pairwise(left))

    _run(work)


def test_hundreds_of_waiting_polls_leave_every_other_turn_to_paid_calls() -> None:
    """Polls of jobs in flight must not keep new jobs from starting, nor the other way round."""

    async def work() -> None:
        pace = Pace([Window(1, 1.0)], [])
        left = list[str]()

        async def turn(kind: str, take: Callable[[], Coroutine[Any, Any, None]]) -> None:
            await take()
            left.append(kind)

        polls = [turn("free", pace.request) for _ in range(300)]
        await asyncio.gather(*polls, *(turn("paid", pace.generation) for _ in range(20)))

        assert 19 <= left[:40].count("paid") <= 20

    _run(work)


def test_slowing_down_holds_every_kind_of_call_back() -> None:
    """What the vendor says holds for the whole account, also for a call that waits already."""

    async def work() -> None:
        pace = Pace([Window(1, 1.0)], [])
        await pace.request()
        waiting = asyncio.create_task(pace.request())
        await asyncio.sleep(0)
        pace.slow_down(30.0)
        pace.slow_down(5.0)
        await asyncio.gather(waiting, pace.generation())

        assert _now() == pytest.approx(31.05, abs=0.01)

    _run(work)


def test_a_cancelled_wait_gives_its_place_up() -> None:
    """A cancelled run takes no turn with it."""

    async def work() -> None:
        pace = Pace([Window(1, 10.0)], [Window(1, 10.0)])
        await pace.generation()
        given_up = asyncio.create_task(pace.generation())
        await asyncio.sleep(1.0)
        given_up.cancel()
        await pace.generation()

        assert _now() == pytest.approx(10.05, abs=0.01)

    _run(work)
