"""A SKU's history: what the output's manifest, open runs' plans and ledger say of each of its stages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, computed_field

from blocks.storage import ObjectStorage
from catalogs.layout import MANIFEST_PATH, left_out_path, plan_path, rejects_path
from catalogs.ledger import Attempt, AttemptState, Ledger, StoredPicture
from catalogs.lookup import rows_of_skus
from catalogs.names import item_name
from catalogs.next_steps import next_step
from catalogs.runs import Runs
from catalogs.unit_key import unsigned

__all__ = ["KeptPicture", "SkuHistory", "StageHistory", "histories_of"]

# Rows that the ledger can say nothing new of.
SETTLED = frozenset({"done", "retired"})


class InputPicture(BaseModel):
    """
    A picture that goes into a stage; `version` is what catalog or server say of the bytes behind the address.

    A picture of the stage before has its hash and the key of the unit that made it.
    """

    slot: str
    uri: str
    version: str | None = None
    sha256: str | None = None
    unit_key: str | None = None


class KeptPicture(StoredPicture):
    """A stored picture; `check` says what a second look at its bytes found, if there was one."""

    model_config = ConfigDict(frozen=False)

    check: str | None = None


class StageHistory(BaseModel):
    """One stage of a SKU; `attempts` are all that the ledger knows of its present unit, oldest first."""

    stage: str
    position: int
    operation: str
    status: str
    reason: str | None
    run_id: str
    unit_key: str | None
    options: JsonValue
    inputs: list[InputPicture]
    attempts: list[Attempt]
    pictures: list[KeptPicture]
    credits: float
    credits_at_risk: float
    error_kind: str | None
    error_message: str | None
    finished_at: datetime | None
    next_step: str


class SkuHistory(BaseModel):
    """
    A SKU, in one look, under one recipe. `open_run` names a run that has planned it and not ended, whose plan is then what is told.

    `credits` and `credits_at_risk` add up the attempts at its present units that were made for it, by vendor; another
    SKU of which all is the same may have paid for the others.
    """

    sku: str
    look: str | None
    title: str | None
    recipe: str
    row: int
    output: str
    open_run: str | None
    stages: list[StageHistory]

    @computed_field
    @property
    def next_step(self) -> str:
        """What happens next: to the first stage without a picture, or to none."""
        wanting = (stage for stage in self.stages if stage.status != "done")
        return next(wanting, self.stages[-1]).next_step

    @computed_field
    @property
    def credits(self) -> dict[str, float]:
        """What was charged for it."""
        return self._sums(_charged)

    @computed_field
    @property
    def credits_at_risk(self) -> dict[str, float]:
        """What may have been charged for it, for no picture."""
        return self._sums(Attempt.at_risk)

    @property
    def item(self) -> str:
        """What messages call it."""
        return item_name(self.sku, self.look)

    def is_own(self, attempt: Attempt) -> bool:
        """Whether an attempt at one of its units was made for it, and not for another item of which all is the same."""
        return (attempt.sku, attempt.look) == (self.sku, self.look)

    def _sums(self, price: Callable[[Attempt], float]) -> dict[str, float]:
        sums: dict[str, float] = {}
        for attempt in (attempt for stage in self.stages for attempt in stage.attempts):
            if self.is_own(attempt) and price(attempt):
                sums[attempt.vendor] = sums.get(attempt.vendor, 0.0) + price(attempt)
        return sums


def _charged(attempt: Attempt) -> float:
    return attempt.credits if attempt.state is AttemptState.DONE else 0.0


class _Row(BaseModel):
    """A row of a manifest or a plan, as far as a history needs it."""

    model_config = ConfigDict(extra="ignore")

    recipe: str
    row: int
    sku: str
    look: str | None = None
    stage: str
    position: int
    operation: str
    title: str | None = None
    status: str = "planned"
    reason: str | None = None
    run_id: str = ""
    unit_key: str | None = None
    attempt: int | None = None
    options: str | None = None
    inputs: str | None = None
    image_version: str | None = None
    pick: int | None = None
    picture: str | None = None
    pictures: list[StoredPicture] = Field(default_factory=list[StoredPicture])
    error_kind: str | None = None
    error_message: str | None = None
    finished_at: datetime | None = None
    open_run: str | None = None


async def histories_of(storage: ObjectStorage, skus: Sequence[str]) -> list[SkuHistory]:
    """
    The histories of these SKUs, one for each recipe that has planned them and each of its looks.

    Reads of the manifest what is theirs, and of the ledger their units' objects. Raises `StorageError`.
    """
    rows = await _rows(storage, skus)
    keys = dict.fromkeys(row.unit_key for row in rows if row.unit_key)
    attempts = await Ledger(storage).attempts(keys)
    order = {sku: place for place, sku in enumerate(skus)}
    rows.sort(key=lambda row: (order[row.sku], row.recipe, row.look or "", row.position))
    groups = groupby(rows, key=lambda row: (row.sku, row.recipe, row.look))
    return [_history(list(group), attempts, storage) for _, group in groups]


async def _rows(storage: ObjectStorage, skus: Sequence[str]) -> list[_Row]:
    """The manifest's rows, and in their stead those of runs that have not ended and planned the same."""
    found = await asyncio.to_thread(rows_of_skus, storage, MANIFEST_PATH, skus)
    rows = {(row.sku, row.look, row.recipe, row.stage): row for row in map(_Row.model_validate, found)}
    for run in await Runs(storage).unended():
        for path in (plan_path(run.run_id), left_out_path(run.run_id), rejects_path(run.run_id)):
            for planned in await asyncio.to_thread(rows_of_skus, storage, path, skus):
                row = _Row.model_validate(planned | {"open_run": run.run_id, "run_id": run.run_id})
                known = rows.get((row.sku, row.look, row.recipe, row.stage))
                if known is not None and known.unit_key == row.unit_key and known.status == "done":
                    row = known.model_copy(update={"open_run": run.run_id})
                rows[row.sku, row.look, row.recipe, row.stage] = row
    return list(rows.values())


def _history(rows: list[_Row], attempts: Mapping[str, list[Attempt]], storage: ObjectStorage) -> SkuHistory:
    first = rows[0]
    return SkuHistory(
        sku=first.sku,
        look=first.look,
        title=first.title,
        recipe=first.recipe,
        row=first.row,
        output=storage.root,
        open_run=next((row.open_run for row in rows if row.open_run), None),
        stages=list(_stages(rows, attempts, storage.root)),
    )


def _stages(rows: list[_Row], attempts: Mapping[str, list[Attempt]], output: str) -> Iterator[StageHistory]:
    upstream: StageHistory | None = None
    picked: KeptPicture | None = None
    for row in rows:
        stage = _stage(row, attempts.get(row.unit_key or "", []), output)
        if upstream is not None and upstream.unit_key is not None:
            stage.inputs.append(_result(upstream, picked))
        if stage.status == "blocked" and picked is not None:
            stage.next_step = "The stage before it has its picture by now: the next run goes on with it."
        yield stage
        upstream, picked = stage, _picked(row, stage.pictures)


def _stage(row: _Row, attempts: list[Attempt], output: str) -> StageHistory:
    latest = attempts[-1] if attempts else None
    row = _as_the_ledger_says(row, latest)
    return StageHistory(
        stage=row.stage,
        position=row.position,
        operation=row.operation,
        status=row.status,
        reason=row.reason,
        run_id=row.run_id,
        unit_key=row.unit_key,
        options=json.loads(row.options or "{}"),
        inputs=list(_inputs(row)),
        attempts=attempts,
        pictures=[KeptPicture(**picture.model_dump()) for picture in row.pictures],
        credits=sum(map(_charged, attempts)),
        credits_at_risk=sum(attempt.at_risk() for attempt in attempts),
        error_kind=row.error_kind,
        error_message=row.error_message,
        finished_at=row.finished_at,
        next_step=next_step(row.model_dump(), output),
    )


def _as_the_ledger_says(row: _Row, latest: Attempt | None) -> _Row:
    """The row brought up to date: a manifest's is written at a run's end, and the ledger may be further since then."""
    if latest is None or row.status in SETTLED:
        return row
    known = row.open_run is None and row.attempt in (None, latest.number)
    if known and latest.state is not AttemptState.DONE:
        return row
    return row.model_copy(
        update={
            "status": str(latest.state),
            "reason": row.reason
            if row.status == "planned"
            else f"so the ledger; {row.status} in the manifest: {row.reason}",
            "attempt": latest.number,
            "pictures": list(latest.pictures),
            "error_kind": latest.error_kind,
            "error_message": latest.error_message,
            "finished_at": latest.finished_at,
        }
    )


def _inputs(row: _Row) -> Iterator[InputPicture]:
    slots: dict[str, Any] = json.loads(row.inputs or "{}")
    if row.unit_key is None:
        # Of a row that can't be used it has the column and its value.
        yield from (InputPicture(slot=column, uri=str(value)) for column, value in slots.items())
        return
    for slot, uris in slots.items():
        yield from (InputPicture(slot=slot, uri=unsigned(uri), version=row.image_version) for uri in uris)


def _result(upstream: StageHistory, picked: KeptPicture | None) -> InputPicture:
    """The picture of the stage before, as it goes in."""
    return InputPicture(
        slot=f"result of {upstream.stage}",
        uri=picked.uri if picked else "(none yet)",
        sha256=picked.sha256 if picked else None,
        unit_key=upstream.unit_key,
    )


def _picked(row: _Row, pictures: Sequence[KeptPicture]) -> KeptPicture | None:
    """The picture that goes on: a manifest names its address, a plan its number."""
    numbered = enumerate(pictures, start=1)
    return next((each for number, each in numbered if row.picture == each.uri or row.pick == number), None)
