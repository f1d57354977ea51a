"""How the work shows in Prefect: a task run per (item, stage) while that stays readable, else one per chunk of items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import cast

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from catalogs.ledger import StoredPicture
from catalogs.manifest import ManifestRow
from catalogs.plan import PlannedItem, Unit
from flows.desk import Desk
from flows.items import StageWork, do_stage, each_of, take_through

__all__ = ["work_through"]

# Prefect's server loses the records of some task runs when many more begin at one time.
MOST_TASK_RUNS = 1000
CHUNK_ITEMS = 50
MOST_FAILURES_SHOWN = 100
# What is held is held for one cause, and a few of a hundred thousand show it.
MOST_HELD_SHOWN = 3

# Takes the rows of consecutive items, with the place of the first.
Keep = Callable[[int, Sequence[ManifestRow]], None]


class Ended:
    """A unit's row, once it has one: Prefect's log writes out what a state holds, and a row is long."""

    row: ManifestRow | None = None


@task(name="stage", task_run_name="{unit.stage} {unit.item}", cache_policy=NO_CACHE, persist_result=False)
async def run_stage(desk: Desk, unit: Unit, upstream: StoredPicture | None, ended: Ended) -> State[None]:
    """One unit as a task run: red when the row has no picture, with the reason as its message."""
    ended.row = await do_stage(desk, unit, upstream)
    return _shown(ended.row)


class Chunk:
    """Consecutive items and, once worked through, their rows; a plain class, which Prefect does not look into."""

    def __init__(self, place: int, items: Sequence[PlannedItem]) -> None:
        self.place = place
        self.name = f"items {place + 1} to {place + len(items)}"
        self.items = items
        self.rows: list[ManifestRow] = []

    def troubles(self) -> Iterator[ManifestRow]:
        """The rows without a picture that are not merely blocked by another."""
        return (row for row in self.rows if row.status not in {"done", "blocked"})


@task(name="chunk", task_run_name="{chunk.name}", cache_policy=NO_CACHE, persist_result=False)
async def run_chunk(desk: Desk, chunk: Chunk) -> None:
    """A chunk of items as one task run; its failed items get task runs of their own."""
    chunk.rows = await _all_through(desk, chunk.items, do_stage, at_once=len(chunk.items), place=chunk.place)


@task(name="failed item", task_run_name="{row.stage} {row.item}", cache_policy=NO_CACHE, persist_result=False)
async def show_failure(row: ManifestRow) -> State[None]:
    """A failed unit of a chunk, shown red with its reason."""
    return _shown(row)


def _shown(row: ManifestRow) -> State[None]:
    if row.status == "done":
        return Completed(message="done")
    return Failed(message=row.error_message or row.reason or row.status)


async def _stage_as_task(desk: Desk, unit: Unit, upstream: StoredPicture | None) -> ManifestRow:
    # Prefect's stubs take a task's states for awaited already.
    ended = Ended()
    state = await cast("Awaitable[State[None]]", run_stage(desk, unit, upstream, ended, return_state=True))
    if ended.row is None:
        await state.aresult()
        raise RuntimeError(f"the task run of SKU {unit.sku!r}, stage {unit.stage!r}, ended before its work")
    return ended.row


async def work_through(desk: Desk, items: Iterable[PlannedItem], keep: Keep, *, units: int, at_once: int) -> None:
    """
    All items through their stages; `keep` gets their rows, a few items' at a time, as these end.

    Of the items, which have so many units, no more are held than are worked on.
    """
    if units <= MOST_TASK_RUNS:
        keep(0, await _all_through(desk, list(items), _stage_as_task, at_once=at_once))
    else:
        await _with_chunk_tasks(desk, items, keep, at_once=at_once)


async def _with_chunk_tasks(desk: Desk, items: Iterable[PlannedItem], keep: Keep, *, at_once: int) -> None:
    shown = Counter[bool]()

    async def one(chunk: Chunk) -> None:
        await run_chunk(desk, chunk)
        keep(chunk.place, chunk.rows)
        for row in chunk.troubles():
            held = row.status == "held"
            if shown[held] == (MOST_HELD_SHOWN if held else MOST_FAILURES_SHOWN):
                continue
            shown[held] += 1
            await cast("Awaitable[State[None]]", show_failure(row, return_state=True))

    await each_of(_chunks(items), one, at_once=max(1, at_once // CHUNK_ITEMS))


def _chunks(items: Iterable[PlannedItem]) -> Iterator[Chunk]:
    remaining, place = iter(items), 0
    while some := list(islice(remaining, CHUNK_ITEMS)):
        yield Chunk(place, some)
        place += len(some)


async def _all_through(
    desk: Desk, items: Sequence[PlannedItem], work: StageWork, *, at_once: int, place: int = 0
) -> list[ManifestRow]:
    """The rows of consecutive items, in their order; the first of them has this place in the shard."""
    rows: list[list[ManifestRow]] = [[] for _ in items]

    async def one(numbered: tuple[int, PlannedItem]) -> None:
        number, item = numbered
        desk.open_items.begin(place + number)
        rows[number] = await take_through(desk, item, work)
        desk.open_items.end(place + number, item.name)

    await each_of(enumerate(items), one, at_once=at_once)
    return list(chain.from_iterable(rows))
