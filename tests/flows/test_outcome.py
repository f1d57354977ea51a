"""What the manifest says of each end that a unit can come to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blocks.errors import (
    AuthFailed,
    CatalogError,
    ContractDrift,
    OutcomeUnknown,
    QuotaExhausted,
    Rejected,
    StorageError,
    Unavailable,
    VendorError,
)
from catalogs.ledger import Attempt, AttemptState
from catalogs.recipe import parse_recipe
from catalogs.rows import Reject
from flows.lane import LaneClosed
from flows.outcome import blocked, ended, interrupted, quarantined
from tests.catalogs.made import MOMENT, a_picture, a_row, a_unit, an_attempt
from tests.flows.bench import ON_MODEL

UNIT = a_unit()


def attempt(state: AttemptState, **fields: Any) -> Attempt:
    """A second attempt at the unit, which the vendor has answered."""
    told: dict[str, Any] = {"number": 2, "submitted_at": MOMENT, "job_id": "job-7", "request_id": "request-9"}
    return an_attempt(UNIT, state=state, **told | fields)


def test_a_done_unit_has_its_picture_its_job_and_its_price() -> None:
    """All that is needed to trust the picture, and to ask the vendor about it."""
    row = ended(UNIT, attempt(AttemptState.DONE, pictures=(a_picture(),)), "run-1")

    assert ("done", 2.0, 2) == (row.status, row.credits, row.attempt)
    assert ("job-7", "request-9", "Claid") == (row.job_id, row.request_id, row.vendor)
    assert a_picture() == row.picked()
    assert (UNIT.unit_key, UNIT.options, "new") == (row.unit_key, row.options, row.reason)


@pytest.mark.parametrize("state", [AttemptState.FAILED, AttemptState.UNKNOWN])
def test_what_brought_no_picture_has_its_cause(state: AttemptState) -> None:
    """The vendor's words stay, and no credits are booked for a picture that is not there."""
    row = ended(UNIT, attempt(state, error_kind="job_failed", error_message="Too dark."), "run-1")

    assert (str(state), "job_failed", "Too dark.", 0.0) == (row.status, row.error_kind, row.error_message, row.credits)
    assert row.picked() is None


def test_what_an_earlier_run_paid_is_booked_to_that_run() -> None:
    """So that a report adds up what its own run has spent."""
    row = ended(UNIT, attempt(AttemptState.DONE, pictures=(a_picture(),)), "run-2")

    assert ("run-1", "by run run-1", 2.0) == (row.run_id, row.reason, row.credits)


@pytest.mark.parametrize("state", [AttemptState.DONE, AttemptState.FAILED, AttemptState.UNKNOWN])
def test_a_unit_that_two_skus_share_is_charged_in_one_row(state: AttemptState) -> None:
    """The other has the picture too, names whose it is, and adds nothing to any sum."""
    shared = attempt(state, sku="B", pictures=(a_picture(),) if state is AttemptState.DONE else ())
    row, paid = ended(UNIT, shared, "run-1"), ended(a_unit(sku="B"), shared, "run-1")

    assert (0.0, 0.0) == (row.credits, row.credits_at_risk)
    assert 2.0 == paid.credits + paid.credits_at_risk
    assert "new, shared with B of on-model" == row.reason


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CatalogError("no picture there"), "failed"),
        (StorageError("the bucket is gone"), "failed"),
        (Unavailable("not answered", vendor="Claid"), "failed"),
        (Rejected("too many garments", vendor="Claid"), "failed"),
        (OutcomeUnknown("accepted, and not written down", vendor="Claid"), "unknown"),
        (LaneClosed("not sent"), "held"),
        (AuthFailed("wrong key", vendor="Claid"), "held"),
        (QuotaExhausted("no credits", vendor="Claid"), "held"),
        (ContractDrift("another field", vendor="Claid"), "held"),
    ],
)
def test_what_kept_a_unit_from_its_end_decides_its_status(error: CatalogError | VendorError, status: str) -> None:
    """The row's own trouble fails it, the account's holds it, and what may have been charged is unknown."""
    row = interrupted(UNIT, error, "run-1")

    assert (status, error.kind(), 0.0, "run-1") == (row.status, row.error_kind, row.credits, row.run_id)
    assert (row.error_message or "").startswith("SKU 'A' stage 'model': ")


def test_the_vendors_ids_are_kept_for_its_support() -> None:
    """Also where the unit came to no end."""
    row = interrupted(UNIT, Unavailable("gone", vendor="Claid", job_id="job-1", request_id="request-2"), "run-1")

    assert ("Claid", "job-1", "request-2") == (row.vendor, row.job_id, row.request_id)


def test_a_blocked_unit_says_what_it_waits_for() -> None:
    """The cause is in the row of the stage that it names."""
    row = blocked(a_unit(stage="scene", position=2), a_row(stage="refine", status="unknown"), "run-1")

    assert ("blocked", "scene", "stage 'refine' is unknown") == (row.status, row.stage, row.reason)


def test_a_catalog_row_that_can_not_be_used_has_a_row_for_every_stage() -> None:
    """Every row of the catalog leaves in the manifest, with its column, value and reason."""
    recipe = parse_recipe(ON_MODEL, source="test")

    rows = quarantined(Reject(4, None, "product_id", "None", "it is blank"), recipe, "run-1")

    assert [("model", 0), ("refine", 1), ("scene", 2)] == [(row.stage, row.position) for row in rows]
    assert {("quarantined", 4, None)} == {(row.status, row.row, row.sku) for row in rows}
    assert {"product_id": "None"} == json.loads(rows[0].inputs or "")
    assert "Row 4, column 'product_id': it is blank" == rows[0].error_message


def test_a_quarantined_rows_reason_opens_nothing() -> None:
    """Whoever made the reason, it is read by all who read the manifest."""
    reject = Reject(4, "A", "top_garment", "", "picture 'https://cdn.example/a.jpg?sig=KEEPSECRET' is no text")

    rows = quarantined(reject, parse_recipe(ON_MODEL, source="test"), "run-1")

    assert {"picture 'https://cdn.example/a.jpg?…' is no text"} == {row.reason for row in rows}
    assert not [row for row in rows if "KEEPSECRET" in (row.error_message or "")]


def test_the_manifest_names_signed_pictures_without_their_signature() -> None:
    """The address still says which picture it was, and opens nothing."""
    signed = "https://cdn.example/top.png?v=3&X-Amz-Expires=60&X-Amz-Signature=abc"
    unit = a_unit(inputs={"top_garment": [signed], "garments": ["s3://shop/a.png"]})

    row = blocked(unit, a_row(status="failed"), "run-1")

    expected = {"top_garment": ["https://cdn.example/top.png?v=3"], "garments": ["s3://shop/a.png"]}
    assert expected == json.loads(row.inputs or "")
