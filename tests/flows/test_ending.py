"""A flow's work counts, whatever Prefect's server makes of its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from prefect.client.schemas.objects import State
from prefect.states import Completed

from blocks.errors import CatalogError
from flows import ending
from flows.ending import FlowAtWork, fell_silent, is_silent, noted

GONE = httpx.ConnectError("All connection attempts failed")


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "END_SECONDS", 0.05)
    monkeypatch.setattr(ending, "SILENT_SECONDS", 0.0)


async def work() -> State[str]:
    """What a flow does."""
    return Completed(data="the picture")


def flow(
    *, does: Callable[[], Awaitable[State[str]]] = work, begins: BaseException | None = None, ends: object = None
) -> Callable[[], Awaitable[State[str]]]:
    """A flow as Prefect runs it: its server may fail it before the work and after it, or never answer (`...`)."""

    async def run() -> State[str]:
        if begins is not None:
            raise begins
        state = await noted(does())
        if ends is ...:
            await asyncio.Event().wait()
        if isinstance(ends, BaseException):
            raise ends
        return state

    return run


async def test_a_flow_whose_end_is_told_has_its_result() -> None:
    """The usual case."""
    run = FlowAtWork(flow())

    assert "the picture" == await run.result()
    assert (True, True, False) == (run.begun, run.told, run.silent)


@pytest.mark.parametrize("ends", [..., GONE], ids=["no answer", "an error"])
async def test_work_that_is_done_counts_though_nobody_can_be_told(ends: object) -> None:
    """The server gets its time, and the work's result stands."""
    run = FlowAtWork(flow(ends=ends))

    assert "the picture" == await run.result()
    assert not run.told


async def test_work_that_the_server_keeps_from_beginning_has_not_begun() -> None:
    """Its caller learns why, and that nothing was done."""
    run = FlowAtWork(flow(begins=GONE))

    with pytest.raises(httpx.ConnectError):
        await run.result()

    assert (False, False) == (run.begun, run.told)


@pytest.mark.parametrize("ends", [None, ..., GONE], ids=["told", "no answer", "an error"])
async def test_the_works_own_error_is_raised(ends: object) -> None:
    """What went wrong with the catalog is said, not what went wrong with the server over it."""

    async def fails() -> State[str]:
        raise CatalogError("it has no rows")

    with pytest.raises(CatalogError, match="no rows"):
        await FlowAtWork(flow(does=fails, ends=ends)).result()


async def test_what_is_done_to_a_flow_run_is_not_taken_for_silence() -> None:
    """A run that was cancelled on the server is cancelled here."""

    class Abort(BaseException): ...

    with pytest.raises(Abort):
        await FlowAtWork(flow(ends=Abort())).result()


async def test_a_flow_within_a_flow_tells_it_of_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outer one then waits for moments only, and says so to whoever asks."""
    heard: list[bool] = []

    async def outer() -> State[str]:
        picture = await FlowAtWork(flow(ends=...)).result()
        heard.append(is_silent())
        monkeypatch.setattr(ending, "END_SECONDS", 1000.0)
        return Completed(data=picture)

    run = FlowAtWork(flow(does=outer, ends=...))
    async with asyncio.timeout(5):
        result = await run.result()

    assert ("the picture", [True], False) == (result, heard, run.told)


async def test_silence_can_be_noted_by_the_work_itself() -> None:
    """Outside of any flow it is nobody's."""
    fell_silent()
    assert not is_silent()

    async def work_that_asks() -> State[str]:
        fell_silent()
        return Completed(data=str(is_silent()))

    assert "True" == await FlowAtWork(flow(does=work_that_asks)).result()


async def test_whoever_is_cancelled_cancels_the_flow() -> None:
    """Ctrl-C reaches the paid work first."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless() -> State[str]:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError("unreachable")

    waiting = asyncio.create_task(FlowAtWork(flow(does=endless)).result())
    await begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert ended.is_set()
