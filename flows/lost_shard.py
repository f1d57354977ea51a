"""What the manifest says of a shard that came to no end: of each unit what the ledger knows; nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from catalogs.ledger import AttemptState, Ledger
from catalogs.manifest import ManifestRow
from catalogs.plan import PlannedItem, Unit
from catalogs.plan_file import read_shard
from catalogs.set_aside import SetAside
from flows.accounts import open_storage
from flows.deployed_shard import ShardLost
from flows.items import each_of, rows_of
from flows.outcome import ended, interrupted
from flows.parameters import ShardRun
from flows.process_shard import fetch_plan, publish_rows

__all__ = ["tell_lost"]

LOOKS_AT_ONCE = 32
ITEMS_IN_HAND = 500
ENDED = frozenset({AttemptState.DONE, AttemptState.FAILED, AttemptState.UNKNOWN})


async def tell_lost(shard: ShardRun, why: ShardLost) -> str:
    """Write the shard's manifest from the ledger; its path."""
    ledger = Ledger(await open_storage(shard.output, shard.accounts))
    with TemporaryDirectory(prefix="catwalk-") as folder:
        items = read_shard(await fetch_plan(shard, Path(folder)), shard.shard)
        with SetAside(Path(folder) / "rows.arrow") as aside:
            place = 0
            while some := list(islice(items, ITEMS_IN_HAND)):
                aside.put(place, await _rows(some, shard, ledger, why))
                place += len(some)
        return await publish_rows(shard, aside.in_order(), Path(folder))


async def _rows(items: Sequence[PlannedItem], shard: ShardRun, ledger: Ledger, why: ShardLost) -> list[ManifestRow]:
    rows: list[list[ManifestRow]] = [[] for _ in items]

    async def one(numbered: tuple[int, PlannedItem]) -> None:
        number, item = numbered
        told = rows_of(item, shard.run_id, lambda unit, _: _row(ledger, unit, why, shard.run_id))
        rows[number] = [row async for row in told]

    await each_of(enumerate(items), one, at_once=LOOKS_AT_ONCE)
    return list(chain.from_iterable(rows))


async def _row(ledger: Ledger, unit: Unit, why: ShardLost, run_id: str) -> ManifestRow:
    attempt = await ledger.latest(unit.unit_key)
    if attempt is not None and attempt.state in ENDED:
        return ended(unit, attempt, run_id)
    return interrupted(unit, ShardLost(why.what, next_step=why.next_step), run_id, attempt)
