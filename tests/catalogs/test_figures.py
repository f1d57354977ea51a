"""A run in figures, added up from the manifest rows that it has written."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from catalogs.figures import MOST_FAILURES_PER_KIND, Figures, figures_of
from catalogs.manifest import ManifestRow
from catalogs.reasons import SHARED_WITH
from tests.catalogs.made import MOMENT, a_row, key_of, manifest_of


def figures(folder: Path, *parts: Iterable[ManifestRow]) -> Figures:
    """The figures of run-1."""
    paths = [manifest_of(part, folder / f"part-{number}.parquet") for number, part in enumerate(parts)]
    return figures_of(paths, "run-1", failures_csv=folder / "failures.csv")


def failed(row: int = 1, **fields: object) -> ManifestRow:
    """A unit that failed at its vendor."""
    usual: dict[str, object] = {"status": "failed", "pictures": (), "credits": 0.0, "error_kind": "job_failed"}
    return a_row(**{"row": row, "sku": f"SKU-{row}", "error_message": "Too dark.", **usual, **fields})


def test_each_stage_has_its_units_and_its_credits(tmp_path: Path) -> None:
    """In the recipe's order; what an earlier run has made and paid is told apart."""
    scene = {"stage": "scene", "position": 1, "operation": "claid.scene"}
    first = [a_row(), a_row(**scene, credits=1.0)]
    second = [
        a_row(sku="B", row=2, run_id="run-0", unit_key=key_of("B")),
        failed(2, **scene, credits_at_risk=1.0),
    ]
    model, last = figures(tmp_path, first, second).stages

    assert ("model", 2, {"done": 2}, 1, 2.0) == (model.stage, model.units, model.by_status, model.found, model.credits)
    assert ("scene", {"done": 1, "failed": 1}, 1.0, 1.0) == (
        last.stage,
        last.by_status,
        last.credits,
        last.credits_at_risk,
    )


def test_durations_are_of_the_pictures_that_this_run_made(tmp_path: Path) -> None:
    """Median, 95th percentile and the longest, by operation."""
    rows = [a_row(row=n, sku=f"{n}", finished_at=MOMENT + timedelta(seconds=n)) for n in range(1, 102)]
    old = a_row(row=200, sku="old", run_id="run-0", finished_at=MOMENT + timedelta(hours=1))
    (each,) = figures(tmp_path, [*rows, old]).durations

    assert ("claid.fashion_models", 101, 51.0, 96.0, 101.0) == (
        each.operation,
        each.pictures,
        each.median,
        each.p95,
        each.longest,
    )


def test_throughput_counts_calls_in_equal_stretches(tmp_path: Path) -> None:
    """Few enough to draw, over the whole run, by vendor; a stretch without a call is there too."""
    times = [0, 1, 2, 600, 3000]
    rows = [a_row(row=n, sku=f"{n}", submitted_at=MOMENT + timedelta(seconds=at)) for n, at in enumerate(times)]
    (each,) = figures(tmp_path, rows).throughput

    assert ("Claid", 5, 5) == (each.vendor, each.total, sum(each.calls))
    assert 60 == each.bin_seconds
    assert 51 == len(each.calls)
    assert 3.0 == max(each.per_minute)


def test_what_looks_share_is_one_call_and_one_picture(tmp_path: Path) -> None:
    """Both have a row of it, and only one of them was sent."""
    sent = a_row(look="studio")
    shared = a_row(look="beach", credits=0.0, reason=f"new, {SHARED_WITH} A (studio) of on-model")
    found = figures(tmp_path, [sent, shared])

    assert (1, 1, 1) == (found.durations[0].pictures, found.throughput[0].total, len(found.pictures))
    assert (2, 2.0) == (found.stages[0].units, found.stages[0].credits)


def test_failures_come_by_kind_what_may_have_been_charged_first(tmp_path: Path) -> None:
    """What follows from another stage is none of its own, and a row that can't be used is told once."""
    rows = [
        failed(1),
        a_row(row=1, sku="SKU-1", stage="scene", position=1, status="blocked", pictures=()),
        failed(2, status="quarantined", error_kind="catalog_error"),
        failed(2, status="quarantined", error_kind="catalog_error", stage="scene", position=1),
        failed(3, status="unknown", error_kind="outcome_unknown", credits_at_risk=2.0),
    ]
    found = figures(tmp_path, rows)

    assert [("unknown", 1, 2.0), ("failed", 1, 0.0), ("quarantined", 1, 0.0)] == [
        (kind.status, kind.count, kind.credits_at_risk) for kind in found.failures
    ]
    assert 3 == found.failed


def test_the_page_has_some_failures_and_the_list_has_all(tmp_path: Path) -> None:
    """A night on which all fails makes no page of a hundred thousand rows."""
    found = figures(tmp_path, [failed(row) for row in range(1, 101)])
    with (tmp_path / "failures.csv").open(newline="") as table:
        listed = [row["sku"] for row in csv.DictReader(table)]

    assert MOST_FAILURES_PER_KIND == len(found.failures[0].first)
    assert [f"SKU-{row}" for row in range(1, 101)] == listed


def test_a_night_without_work_has_no_figures(tmp_path: Path) -> None:
    """And is no error."""
    found = figures(tmp_path)

    assert ([], [], [], []) == (found.stages, found.durations, found.throughput, found.failures)
