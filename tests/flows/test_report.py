"""What a run came to: sums that hold, and a state that says it at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prefect.client.schemas.objects import StateType

from catalogs.manifest import ManifestRow
from flows.report import RunReport, as_state
from flows.summary import MOST_HELD, MOST_TROUBLES, summarise
from tests.catalogs.made import MOMENT, a_row

FACTS: dict[str, Any] = {
    "started_at": MOMENT,
    "recipe": "on-model",
    "output": "s3://out",
    "manifest": "s3://out/manifest.parquet",
    "gallery": None,
    "unchanged": 0,
}


def item(row: int, *statuses: str, run_id: str = "run-1", **fields: Any) -> Iterator[ManifestRow]:
    """The manifest rows of one item, a status a stage."""
    for position, status in enumerate(statuses):
        done: dict[str, Any] = {} if status == "done" else {"credits": 0.0, "pictures": (), "error_kind": "job_failed"}
        usual: dict[str, Any] = {
            "row": row,
            "sku": f"SKU-{row}",
            "stage": ("model", "scene")[position],
            "position": position,
            "status": status,
            "run_id": run_id,
            "error_message": None if status == "done" else f"{status} it is",
        }
        yield a_row(**usual | done | fields)


def report(*items: Iterable[ManifestRow], **facts: Any) -> RunReport:
    """The report on these items by run-1."""
    rows = [row.record() for item_ in items for row in item_]
    return summarise(rows, run_id="run-1", **FACTS | facts)


def test_items_units_and_credits_add_up() -> None:
    """An item is delivered when every stage has its picture; what failed and what it blocks count by stage."""
    found = report(item(1, "done", "done"), item(2, "done", "failed"), item(3, "unknown", "blocked"))

    assert (3, 1, 0) == (found.items, found.delivered, found.quarantined)
    assert {"model": {"done": 2, "unknown": 1}, "scene": {"done": 1, "failed": 1, "blocked": 1}} == found.units
    assert {"Claid": 6.0} == found.credits


def test_only_what_this_run_has_spent_is_its_spending() -> None:
    """Pictures that an earlier run paid for are delivered, and cost this one nothing."""
    found = report(item(1, "done", "done", run_id="run-0"), item(2, "done", "done", vendor="Vmake"))

    assert {"Vmake": 4.0} == found.credits
    assert 2 == found.delivered


def test_each_item_has_one_trouble() -> None:
    """What is blocked follows from a trouble and is none of its own; a quarantined row is told once."""
    found = report(item(1, "failed", "blocked"), item(2, "quarantined", "quarantined"), item(3, "held", "blocked"))

    assert [("SKU-1", "failed"), ("SKU-2", "quarantined"), ("SKU-3", "held")] == [
        (trouble.sku, trouble.status) for trouble in found.troubles
    ]
    assert (2, 1) == (found.items, found.quarantined)


def test_looks_are_counted_one_by_one() -> None:
    """A row is an item in each of them; one that can't be used in any is one row, and one trouble."""
    looks = [item(1, "done", "done", look=look) for look in ("studio", "beach")]
    looks += [item(2, "done", "done", look="studio"), item(2, "failed", "blocked", look="beach")]
    unusable = {"error_message": "Row 3, column 'sku': it is blank", "error_kind": "catalog_error"}
    looks += [item(3, "quarantined", "quarantined", look=look, **unusable) for look in ("studio", "beach")]
    found = report(*looks)

    assert (4, 3, 1) == (found.items, found.delivered, found.quarantined)
    assert ["SKU-2 (beach)", "SKU-3"] == [trouble.item for trouble in found.troubles]
    assert found.headline().startswith(
        "3 of 4 items delivered; studio 2 of 2, beach 1 of 2; 1 catalog rows can't be used, or not in all looks; "
    )


def test_the_list_of_troubles_is_bounded() -> None:
    """A night on which all fails makes no artifact of a hundred thousand rows."""
    found = report(*(item(row, "failed", "blocked") for row in range(1, 2 * MOST_TROUBLES)))

    assert MOST_TROUBLES == len(found.troubles)
    assert 2 * MOST_TROUBLES - 1 == found.units["model"]["failed"]


def test_what_is_merely_held_does_not_hide_what_failed() -> None:
    """A budget that holds a hundred thousand items is one cause, and comes last."""
    held = (item(row, "held", "blocked") for row in range(1, 300))
    found = report(*held, item(300, "failed", "blocked"))

    assert ["failed", *["held"] * MOST_HELD] == [trouble.status for trouble in found.troubles]
    assert 300 == found.troubled


def test_the_headline_says_it_all() -> None:
    """Delivered, unchanged, unusable, spent."""
    found = report(item(1, "done", "done"), item(2, "quarantined", "quarantined"), unchanged=7)

    assert "1 of 1 items delivered; 7 unchanged; 1 catalog rows can't be used; credits: 4 Claid" == found.headline()
    assert report().headline().endswith("nothing spent")


def state_of(found: RunReport) -> tuple[StateType, str | None]:
    """Type and name of the flow run's end."""
    state = as_state(found)
    return state.type, state.name


def test_a_run_that_delivered_everything_is_completed() -> None:
    """So is one that had nothing to do."""
    assert (StateType.COMPLETED, "Completed") == state_of(report(item(1, "done", "done")))
    assert (StateType.COMPLETED, "Completed") == state_of(report(unchanged=3))


def test_a_run_that_delivered_some_is_partial() -> None:
    """A quarantined row is enough, as is one failed item among unchanged ones."""
    assert (StateType.COMPLETED, "Partial") == state_of(report(item(1, "done", "done"), item(2, "failed", "blocked")))
    assert (StateType.COMPLETED, "Partial") == state_of(report(item(1, "done", "done"), item(2, "quarantined")))
    assert (StateType.COMPLETED, "Partial") == state_of(report(item(1, "failed", "blocked"), unchanged=3))


def test_a_run_that_delivered_nothing_is_failed_and_says_why() -> None:
    """The first cause stands in the state, where a notification shows it."""
    state = as_state(report(item(1, "held", "blocked"), item(2, "held", "blocked")))

    assert StateType.FAILED == state.type
    assert "0 of 2 items delivered" in (state.message or "")
    assert "First: held it is" in (state.message or "")
