"""Items through their stages, many at a time, each moving on the moment it can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TypeVar

from prefect.logging import get_run_logger
from pydantic import ValidationError

from blocks.errors import CatwalkError, StorageError
from blocks.refusals import masked
from catalogs.ledger import Attempt, StoredPicture
from catalogs.manifest import ManifestRow
from catalogs.masking import masked_text
from catalogs.plan import PlannedItem, Unit
from flows.budget import BudgetReached
from flows.desk import Desk
from flows.export import count_unit
from flows.finish_by import FinishByReached
from flows.lane import LaneClosed
from flows.outcome import blocked, ended, interrupted
from flows.unit import finish_unit

__all__ = ["StageWork", "do_stage", "each_of", "rows_of", "take_through"]

UnitWork = Callable[[Unit, StoredPicture | None], Awaitable[ManifestRow]]
StageWork = Callable[[Desk, Unit, StoredPicture | None], Awaitable[ManifestRow]]
WorkT = TypeVar("WorkT")

MOST_SAID = 300


async def take_through(desk: Desk, item: PlannedItem, work: StageWork) -> list[ManifestRow]:
    """One item through its stages in order."""
    rows: list[ManifestRow] = []
    async for row in rows_of(item, desk.run_id, lambda unit, upstream: work(desk, unit, upstream)):
        rows.append(row)
        desk.progress.count(row)
        count_unit(row, desk.run_id)
    return rows


async def rows_of(item: PlannedItem, run_id: str, work: UnitWork) -> AsyncIterator[ManifestRow]:
    """An item's rows, stage by stage; what follows a stage without a picture is blocked."""
    upstream: StoredPicture | None = None
    halted: ManifestRow | None = None
    for unit in item.units:
        if halted is not None:
            row = blocked(unit, halted, run_id)
        else:
            row = await work(unit, upstream)
            upstream = row.picked()
            halted = row if row.status != "done" else None
        yield row


async def do_stage(desk: Desk, unit: Unit, upstream: StoredPicture | None) -> ManifestRow:
    """One unit to its end, whatever that is: its row says what happened, and nothing is raised."""
    try:
        attempt = await desk.shared.once(unit, lambda first: finish_unit(desk, first, upstream))
        return ended(unit, attempt, desk.run_id)
    except (LaneClosed, BudgetReached, FinishByReached) as error:
        return interrupted(unit, error, desk.run_id)
    except CatwalkError as error:
        return interrupted(unit, error, desk.run_id, await _recorded(desk, unit))
    except Exception as error:  # noqa: BLE001 - a defect met by one row must not cost the others their night
        get_run_logger().exception("%s, stage %r met a defect in Catwalk", unit.item, unit.stage)
        return interrupted(unit, _defect(desk, error), desk.run_id, await _recorded(desk, unit))


async def each_of(things: Iterable[WorkT], work: Callable[[WorkT], Awaitable[None]], *, at_once: int) -> None:
    """Work on a stream of things, at most `at_once` begun and not ended."""
    places = asyncio.Semaphore(at_once)

    async def keep_place(thing: WorkT) -> None:
        try:
            await work(thing)
        finally:
            places.release()

    async with asyncio.TaskGroup() as group:
        for thing in things:
            await places.acquire()
            group.create_task(keep_place(thing))


async def _recorded(desk: Desk, unit: Unit) -> Attempt | None:
    """What the ledger says of a unit, if it can be asked: the trouble may be the storage's."""
    with suppress(StorageError):
        return await desk.ledger.latest(unit.unit_key)
    return None


def _defect(desk: Desk, error: Exception) -> CatwalkError:
    said = masked_text(" ".join(_words(error).split()))
    for lane in desk.lanes.values():
        said = masked(lane.account, said) or said
    return CatwalkError(
        f"a defect in Catwalk: {type(error).__name__}: {said[:MOST_SAID]}",
        next_step="The run's log has the trace; please report it.",
    )


def _words(error: Exception) -> str:
    """What the exception says; Pydantic's without the values that it was given."""
    if isinstance(error, ValidationError):
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems)
    return str(error)
