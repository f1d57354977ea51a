"""What the manifest says of a unit: its attempt's end, or what kept it from one."""

from __future__ import annotations

import json
from typing import Any

from blocks.errors import CatwalkError, VendorError
from catalogs.ledger import Attempt, AttemptState
from catalogs.manifest import ManifestRow
from catalogs.plan import Unit
from catalogs.recipe import Recipe
from catalogs.rows import Reject
from catalogs.unit_key import unsigned
from flows.lane import LaneClosed

__all__ = ["blocked", "ended", "interrupted", "quarantined"]


def ended(unit: Unit, attempt: Attempt, run_id: str) -> ManifestRow:
    """The row of a unit whose attempt is done, failed or unknown; a charge that an earlier run made is named so."""
    done = attempt.state is AttemptState.DONE
    return _row(
        unit,
        status=str(attempt.state),
        reason=unit.reason if attempt.run_id == run_id else f"by run {attempt.run_id}",
        run_id=attempt.run_id,
        pictures=attempt.pictures,
        attempt=attempt.number,
        vendor=attempt.vendor,
        job_id=attempt.job_id,
        request_id=attempt.request_id,
        credits=attempt.credits if done else 0.0,
        error_kind=attempt.error_kind,
        error_message=attempt.error_message,
        submitted_at=attempt.submitted_at,
        finished_at=attempt.finished_at,
    )


def interrupted(unit: Unit, error: CatwalkError, run_id: str) -> ManifestRow:
    """The row of a unit that came to no end in this run."""
    error.at(sku=unit.sku, stage=unit.stage)
    fields: dict[str, Any] = {}
    if isinstance(error, VendorError):
        fields = {"vendor": error.vendor, "job_id": error.job_id, "request_id": error.request_id}
    return _row(
        unit,
        status="held" if isinstance(error, LaneClosed) or _closes_lane(error) else "failed",
        reason=error.what,
        run_id=run_id,
        error_kind=error.kind(),
        error_message=str(error),
        **fields,
    )


def blocked(unit: Unit, by: ManifestRow, run_id: str) -> ManifestRow:
    """The row of a unit that had no picture to work on."""
    return _row(unit, status="blocked", reason=f"stage {by.stage!r} is {by.status}", run_id=run_id)


def quarantined(reject: Reject, recipe: Recipe, run_id: str) -> list[ManifestRow]:
    """The rows, one a stage, of a catalog row that can't be used."""
    return [
        ManifestRow(
            recipe=recipe.name,
            row=reject.row,
            sku=reject.sku,
            stage=stage.name,
            position=position,
            operation=stage.operation,
            status="quarantined",
            reason=reject.reason,
            run_id=run_id,
            inputs=json.dumps({reject.column: reject.value}, ensure_ascii=False),
            error_kind="catalog_error",
            error_message=f"Row {reject.row}, column {reject.column!r}: {reject.reason}",
        )
        for position, stage in enumerate(recipe.stages)
    ]


def _closes_lane(error: CatwalkError) -> bool:
    return isinstance(error, VendorError) and error.closes_lane


def _row(unit: Unit, **fields: Any) -> ManifestRow:
    return ManifestRow(
        recipe=unit.recipe,
        row=unit.row,
        sku=unit.sku,
        title=unit.title,
        stage=unit.stage,
        position=unit.position,
        operation=unit.operation,
        unit_key=unit.unit_key,
        options=unit.options,
        # The plan keeps signatures, as a run needs them; the manifest outlives them, and more people read it.
        inputs=json.dumps(
            {slot: [unsigned(uri) for uri in uris] for slot, uris in unit.inputs.items()}, ensure_ascii=False
        ),
        pick=unit.pick,
        **fields,
    )
