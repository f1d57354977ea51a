"""Vendors that do everything wrong at once, a little of each: where every item ends, and what is paid for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator

import pytest

from tests.chaos.gate import Gate
from tests.chaos.misbehaviour import EVERYTHING, add_fault, behave, misbehave, pass_a_day
from tests.chaos.scene import EDIT_ONLY, ON_MODEL, Scene

FEW, MANY = 8, 40
STAGES = 3
ENDS = {"done", "failed", "unknown", "blocked"}
SHORT = {"connect": 1.0, "reply": 1.5, "job": 1.0, "download": 1.5, "refusals": 20.0}


@pytest.fixture(autouse=True)
def _mended(vendors: Gate) -> Generator[None]:
    yield
    behave(vendors.url)


@pytest.mark.parametrize(("items", "rate"), [(FEW, 0.02), pytest.param(MANY, 0.05, marks=pytest.mark.slow)])
def test_everything_at_once(scene_on_disk: Callable[..., Scene], vendors: Gate, items: int, rate: float) -> None:
    """Every item ends with a picture or a reason; later runs deliver the rest and repeat only what they were asked to."""
    scene = scene_on_disk(items=items, recipe=ON_MODEL)

    misbehave(vendors.url, rate)
    rows = scene.run(**SHORT)
    met = behave(vendors.url)
    first = scene.audit(killed_alone=False)
    plain = scene.run(**SHORT)
    unasked = scene.audit(killed_alone=False)
    pass_a_day(vendors.url)
    last = scene.run(retry=["failed", "unknown"])
    asked = scene.audit(killed_alone=False)

    assert {rule["fault"] for rule in EVERYTHING} >= met.keys()
    assert items * STAGES == len(rows)
    assert ENDS >= {row["status"] for row in rows}
    assert [] == [row for row in rows if row["status"] in {"failed", "unknown"} and not row["error_message"]]
    assert [] == [*first.faults, *unasked.faults, *asked.faults]
    assert (0, 0) == (first.asked, unasked.asked)
    assert {"done"} == {row["status"] for row in last}, Counter(row["error_message"] for row in last)
    assert Counter(row["status"] for row in rows)["done"] <= Counter(row["status"] for row in plain)["done"]


def test_a_drifted_reply_closes_the_lane(scene_on_disk: Callable[..., Scene], vendors: Gate) -> None:
    """The one whose job id can't be read is unknown, what was not sent is held, and the next run does it."""
    scene = scene_on_disk(items=FEW, recipe=EDIT_ONLY)

    add_fault(vendors.url, fault="drifted_schema", phase="submit", skip=3, times=1)
    rows = Counter(row["status"] for row in scene.run())
    next_run = scene.finish().states()
    audit = scene.audit(killed_alone=False)

    assert 1 == rows["unknown"]
    assert FEW == rows.total()
    assert {"unknown", "done", "held"} >= rows.keys()
    assert {"done": FEW - 1, "unknown": 1} == next_run
    assert [] == audit.faults
    assert (FEW, FEW, 1) == (audit.charges, audit.units, audit.lost)
