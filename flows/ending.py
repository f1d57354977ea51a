"""Flows run in this process, whose work counts whether or not Prefect's server can be told of its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar, copy_context
from typing import Any, Generic, TypeVar, cast

import httpx
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound

__all__ = ["PREFECT_ERRORS", "SILENT_SECONDS", "FlowAtWork", "fell_silent", "is_silent", "noted"]

# What Prefect's client raises when its server does not answer, answers with an error, or has lost its records.
PREFECT_ERRORS = (httpx.TransportError, httpx.HTTPStatusError, ObjectNotFound)
# Prefect's client asks six times within 62 s, give or take a fifth.
END_SECONDS = 70.0
SILENT_SECONDS = 2.0
CANCEL_SECONDS = 10.0

ResultT = TypeVar("ResultT")


class FlowAtWork(Generic[ResultT]):
    """
    A flow run in this process; its function passes its work through `noted`.

    `begun`: the work has begun. `told`: Prefect's server knows how the flow run ended. `silent`: it did not answer
    when it was last told something, so it gets moments to take note, and not a minute.
    """

    def __init__(self, run: Callable[[], Awaitable[State[ResultT]]]) -> None:
        self.begun = False
        self.told = False
        self.silent = False
        self._run = run

    async def result(self) -> ResultT:
        """
        What the flow's work came to: its state's data, or the error that it raised.

        Prefect's server then has `END_SECONDS` to take note; after that the flow run is left as the server has it.
        Raises one of `PREFECT_ERRORS` if that kept the work from beginning.
        """
        self._outcome: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._outcome.add_done_callback(_looked_at)
        context = copy_context()
        context.run(_at_work.set, self)
        task = asyncio.create_task(self._call(), context=context)
        task.add_done_callback(_looked_at)
        try:
            await self._ended(task)
        finally:
            self.told = _is_known(task)
        if (outer := _at_work.get()) is not None:
            outer.silent = not self.told
        if not self._outcome.done():
            return await task.result().aresult()
        if self.told:
            # Raises what a person, not the server, did to the flow run.
            task.result()
        return self._outcome.result()

    def note(self, outcome: ResultT | Exception) -> None:
        """The work has ended."""
        if isinstance(outcome, Exception):
            self._outcome.set_exception(outcome)
        else:
            self._outcome.set_result(outcome)

    async def _call(self) -> State[ResultT]:
        return await self._run()

    async def _ended(self, task: asyncio.Task[State[ResultT]]) -> None:
        try:
            await asyncio.wait((task, self._outcome), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait((task,), timeout=SILENT_SECONDS if self.silent else END_SECONDS)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait((task,), timeout=CANCEL_SECONDS)
            raise


_at_work: ContextVar[FlowAtWork[Any] | None] = ContextVar("flow at work", default=None)


async def noted(work: Awaitable[State[ResultT]]) -> State[ResultT]:
    """Await all that a flow does, and note what it came to before Prefect's server is told."""
    at_work: FlowAtWork[ResultT] | None = _at_work.get()
    if at_work is None:
        return await work
    at_work.begun = True
    try:
        state = await work
    except Exception as error:
        at_work.note(error)
        raise
    at_work.note(cast("ResultT", state.data))
    return state


def fell_silent() -> None:
    """Prefect's server did not answer: the flow at work waits for it no more."""
    if (at_work := _at_work.get()) is not None:
        at_work.silent = True


def is_silent() -> bool:
    """Whether Prefect's server did not answer the flow at work."""
    at_work = _at_work.get()
    return at_work is not None and at_work.silent


def _is_known(task: asyncio.Task[Any]) -> bool:
    """Whether Prefect's server knows of a flow run's end."""
    return task.done() and (task.cancelled() or not isinstance(task.exception(), PREFECT_ERRORS))


def _looked_at(ended: asyncio.Future[Any]) -> None:
    """What nobody waits for any more ends without a word."""
    if not ended.cancelled():
        ended.exception()
