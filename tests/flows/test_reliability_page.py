"""docs/reliability.md says what the code does: classes, states, statuses and deadlines are read against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks import errors
from blocks.account import Timeouts
from blocks.errors import CatwalkError, VendorError
from blocks.storage import ObjectStorage
from blocks.storage.store import CALL_SECONDS
from flows import unit
from flows.artifacts import ARTIFACT_SECONDS
from flows.ending import END_SECONDS
from flows.outcome import interrupted
from flows.screens import ANSWER_SECONDS
from flows.unit import FRESH_SECONDS
from tests.catalogs.made import a_unit, an_attempt

PAGE = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text("utf-8")
KINDS = {name: getattr(errors, name) for name in errors.__all__ if issubclass(getattr(errors, name), VendorError)}

# By how much the clocks of machines that share an output may differ.
CLOCKS_SECONDS = 30.0


def section(title: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    text = PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row] for row in rows[2:]]


CALLS = [row for row in section("What became of a paid call") if row[1]]
JOBS = [row for row in section("What became of an accepted job") if row[1]]


def test_every_error_of_a_vendor_is_on_the_page() -> None:
    """A new class has to say what it means for the ledger, the manifest and the bill."""
    told = {row[1] for row in CALLS + JOBS}

    assert set(KINDS) - {"VendorError"} == told


@pytest.mark.parametrize("row", CALLS, ids=lambda row: row[0])
def test_the_ledger_keeps_what_the_page_says(row: list[str]) -> None:
    """The state of an attempt whose paid call brought this error, and the status of its row."""
    wire, kind, ledger, manifest, *_ = row
    error: VendorError = KINDS[kind]("it happened", vendor="Claid")
    error.outcome_unknown = error.outcome_unknown or wire.startswith("a success")

    judged = unit._judged(an_attempt(a_unit()), error)

    assert ledger == str(judged.state)
    # A refused attempt is raised; any other is the unit's end.
    assert manifest == (interrupted(a_unit(), error, "run-1").status if ledger == "refused" else ledger)


@pytest.mark.parametrize("row", [row for row in JOBS if row[2] == "submitted"], ids=lambda row: row[0])
def test_what_leaves_a_job_submitted_has_the_status_that_the_page_says(row: list[str]) -> None:
    """Such an error is raised, and the ledger stays as it was."""
    assert row[3] == interrupted(a_unit(), KINDS[row[1]]("it happened", vendor="Claid"), "run-1").status


def test_what_closes_a_lane_is_said_to() -> None:
    """In the table, and in the words below it."""
    closing = {name for name, kind in KINDS.items() if kind.closes_lane}

    assert closing == {row[1] for row in CALLS if "closes the lane" in row[5]}
    assert all(f"`{name}`" in PAGE.split("## Lanes", 1)[1].split("\n## ", 1)[0] for name in closing)


def test_deadlines_are_the_defaults() -> None:
    """Every timeout of an account is in the table, with the seconds that it has."""
    told = {row[2].strip("`"): row[1] for row in section("Waits and their deadlines") if row[2].startswith("timeouts.")}

    assert {f"timeouts.{name}": f"{field.default:g} s" for name, field in Timeouts.model_fields.items()} == told
    assert f"| {ObjectStorage.model_fields['patience'].default:g} s | `patience` of the storage block |" in PAGE


def test_a_claim_outlives_all_that_its_holder_may_wait_for() -> None:
    """The sum that the page explains, of the defaults that it names."""
    timeouts, patience = Timeouts(), ObjectStorage.model_fields["patience"].default
    lasts = timeouts.connect + timeouts.reply + timeouts.claim_grace

    assert lasts >= FRESH_SECONDS + timeouts.connect + timeouts.reply + patience + 2 * CALL_SECONDS + CLOCKS_SECONDS
    assert f"{lasts:g} s by default: a call is sent under a claim of at most {FRESH_SECONDS:g} s" in PAGE
    assert f"`patience` of {patience:g} s" in PAGE
    assert f"{CALL_SECONDS:g} s each, have had their time; {CLOCKS_SECONDS:g} s are for clocks" in " ".join(
        PAGE.split()
    )


def test_the_waits_for_prefects_server_are_told() -> None:
    """They are constants, and people wait for them."""
    assert f"| for Prefect's server to show progress, each time | {ANSWER_SECONDS:g} s |" in PAGE
    assert f"| for Prefect's server to take the report | {ARTIFACT_SECONDS:g} s |" in PAGE
    assert f"| for Prefect's server to take note of a flow run's end | {END_SECONDS:g} s |" in PAGE
    assert f"The server has {END_SECONDS:g} s" in PAGE


def test_error_kinds_exist() -> None:
    """The names in the manifest's words are those of classes."""
    waiting, kinds = [CatwalkError], set[str]()
    while waiting:
        kind = waiting.pop()
        kinds.add(kind.kind())
        waiting += kind.__subclasses__()
    named = {word.strip("` ") for row in section("What kept a unit from being sent") for word in row[2].split(",")}

    assert kinds >= {name for name in named if "_" in name}
