"""What the manifest says of a unit: its attempt's end, or what kept it from one."""

from __future__ import annotations

import json
from typing import Any

from blocks.errors import CatwalkError, VendorError
from catalogs.ledger import Attempt, AttemptState
from catalogs.manifest import ManifestRow
from catalogs.masking import masked_text
from catalogs.names import item_name
from catalogs.plan import Unit
from catalogs.reasons import SHARED_WITH
from catalogs.recipe import Recipe
from catalogs.rows import Reject
from catalogs.unit_key import unsigned
from flows.budget import BudgetReached
from flows.deployed_shard import ShardLost
from flows.finish_by import FinishByOverrun, FinishByReached
from flows.lane import LaneClosed

__all__ = ["blocked", "ended", "interrupted", "quarantined"]

FORGETTING = (
    "Vendors forget jobs after 24 hours: the next run then marks the unit as failed, and --retry failed repeats it."
)


def ended(unit: Unit, attempt: Attempt, run_id: str) -> ManifestRow:
    """
    The row of a unit whose attempt is done, failed or unknown.

    A charge that an earlier run made is named so. Where the attempt was sent for another item, whose unit is the same,
    that one's row has the charge.
    """
    done, own = attempt.state is AttemptState.DONE, _is_own(unit, attempt)
    return _row(
        unit,
        status=str(attempt.state),
        reason=_reason(unit, attempt, run_id),
        run_id=attempt.run_id,
        pictures=attempt.pictures,
        attempt=attempt.number,
        vendor=attempt.vendor,
        job_id=attempt.job_id,
        request_id=attempt.request_id,
        credits=attempt.credits if done and own else 0.0,
        credits_at_risk=attempt.at_risk() if own else 0.0,
        error_kind=attempt.error_kind,
        error_message=attempt.error_message,
        submitted_at=attempt.submitted_at or attempt.claimed_at,
        finished_at=attempt.finished_at,
    )


def _is_own(unit: Unit, attempt: Attempt) -> bool:
    """Whether the attempt was sent for this very item; its stage may have had another name then."""
    return (attempt.recipe, attempt.sku, attempt.look) == (unit.recipe, unit.sku, unit.look)


def _reason(unit: Unit, attempt: Attempt, run_id: str) -> str:
    paid_by = "" if attempt.run_id == run_id else f"by run {attempt.run_id}"
    if _is_own(unit, attempt):
        return paid_by or unit.reason
    return f"{paid_by or unit.reason}, {SHARED_WITH} {item_name(attempt.sku, attempt.look)} of {attempt.recipe}"


def interrupted(unit: Unit, error: CatwalkError, run_id: str, attempt: Attempt | None = None) -> ManifestRow:
    """The row of a unit that came to no end in this run; `attempt` is what the ledger says of it."""
    error.at(sku=unit.sku, look=unit.look, stage=unit.stage)
    facts: dict[str, Any] = {"run_id": run_id}
    if attempt is not None and attempt.at_risk():
        facts |= _risked(unit, attempt)
    if isinstance(error, VendorError):
        said = {"vendor": error.vendor, "job_id": error.job_id, "request_id": error.request_id}
        facts |= {name: word for name, word in said.items() if word}
    waits = attempt is not None and attempt.state is AttemptState.SUBMITTED
    return _row(
        unit,
        status=_status(error),
        reason=error.what,
        error_kind=error.kind(),
        error_message=f"{error} {FORGETTING}" if waits else str(error),
        **facts,
    )


def _risked(unit: Unit, attempt: Attempt) -> dict[str, Any]:
    """An attempt that the vendor may have charged, under the run that made it."""
    return {
        "run_id": attempt.run_id,
        "attempt": attempt.number,
        "vendor": attempt.vendor,
        "job_id": attempt.job_id,
        "request_id": attempt.request_id,
        "submitted_at": attempt.submitted_at,
        "credits_at_risk": attempt.at_risk() if _is_own(unit, attempt) else 0.0,
    }


def blocked(unit: Unit, by: ManifestRow, run_id: str) -> ManifestRow:
    """The row of a unit that had no picture to work on."""
    return _row(unit, status="blocked", reason=f"stage {by.stage!r} is {by.status}", run_id=run_id)


def quarantined(reject: Reject, recipe: Recipe, run_id: str) -> list[ManifestRow]:
    """The rows, one a stage, of a catalog row that can't be used: in one look, or in all."""
    reason = masked_text(reject.reason)
    row = f"Row {reject.row}, look {reject.look!r}" if reject.look else f"Row {reject.row}"
    return [
        ManifestRow(
            recipe=recipe.name,
            row=reject.row,
            sku=reject.sku,
            look=look,
            stage=stage.name,
            position=position,
            operation=stage.operation,
            status="quarantined",
            reason=reason,
            run_id=run_id,
            inputs=json.dumps({reject.column: reject.value}, ensure_ascii=False),
            error_kind="catalog_error",
            error_message=f"{row}, column {reject.column!r}: {reason}",
        )
        for look in ([reject.look] if reject.look else [look.name for look in recipe.looks] or [None])
        for position, stage in enumerate(recipe.stages)
    ]


def _status(error: CatwalkError) -> str:
    if isinstance(error, VendorError) and error.outcome_unknown:
        return "unknown"
    held = isinstance(error, LaneClosed | BudgetReached | FinishByReached | FinishByOverrun | ShardLost)
    return "held" if held or (isinstance(error, VendorError) and error.closes_lane) else "failed"


def _row(unit: Unit, **fields: Any) -> ManifestRow:
    return ManifestRow(
        recipe=unit.recipe,
        row=unit.row,
        sku=unit.sku,
        look=unit.look,
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
        image_version=unit.image_version,
        fingerprint=unit.fingerprint,
        **fields,
    )
