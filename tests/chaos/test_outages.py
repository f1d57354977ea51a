"""Runs whose storage or vendors go away for seconds, and runs that meet each other on one output."""

from __future__ import annotations

import time
from collections.abc import Callable

from catalogs.ledger import AttemptState
from tests.chaos.gate import Gate, Passage
from tests.chaos.scene import MOURNER, ON_MODEL, Scene
from tests.chaos.steps import claiming, paying, recording
from tests.prefect_server import eventually

ITEMS = 4
STAGES = 3
OUTAGE_SECONDS = 1.0
RUN_SECONDS = 200.0


def outage(scene: Scene, gate: Gate, fits: Callable[[Passage], bool]) -> None:
    """Let a run end whose gate is shut for some seconds, from the moment that a fitting request has been served."""
    with gate.turnstile.stopping(fits, "after") as stop:
        _, living = scene.begin()
        assert stop.reached.wait(RUN_SECONDS), scene.nursery.said()
        gate.shut()
    time.sleep(OUTAGE_SECONDS)
    gate.open()
    assert living.ended(RUN_SECONDS)


def test_storage_away_after_a_claim(scene_on_s3: Callable[..., Scene], bucket: Gate) -> None:
    """The run waits for its storage; a claim whose answer was lost is known for its own, and sent once."""
    scene = scene_on_s3(items=ITEMS, recipe=ON_MODEL)

    outage(scene, bucket, claiming)
    audit = scene.audit()

    assert {"done": ITEMS * STAGES} == scene.books().states()
    assert [] == audit.faults
    assert (ITEMS * STAGES, ITEMS * STAGES, 0) == (audit.charges, audit.units, audit.unknown)


def test_storage_away_when_a_job_id_is_written(scene_on_s3: Callable[..., Scene], bucket: Gate) -> None:
    """The run holds on to the job id until its storage is back."""
    scene = scene_on_s3(items=ITEMS, recipe=ON_MODEL)

    outage(scene, bucket, recording(AttemptState.SUBMITTED))
    audit = scene.audit()

    assert {"done": ITEMS * STAGES} == scene.books().states()
    assert [] == audit.faults
    assert (ITEMS * STAGES, ITEMS * STAGES, 0) == (audit.charges, audit.units, audit.unknown)


def test_vendors_away_after_accepting(scene_on_s3: Callable[..., Scene], vendors: Gate) -> None:
    """The job whose reply was lost is unknown and left alone; all others go on when the vendors are back."""
    scene = scene_on_s3(items=ITEMS)

    outage(scene, vendors, paying)
    before, charged = scene.books(), len(scene.charges())
    unknown = before.states()["unknown"]
    asked = scene.finish(retry=["unknown"])

    assert {"done": ITEMS - unknown, "unknown": unknown} == before.states()
    assert unknown >= 1
    assert ITEMS == charged
    assert {"done": ITEMS} == asked.states()
    assert ITEMS + unknown == len(scene.charges())


def test_two_runs_at_once_and_one_is_killed(scene_on_s3: Callable[..., Scene], vendors: Gate) -> None:
    """They share the work; what the dead one held the living one or the next finishes, and nothing is paid twice."""
    scene = scene_on_s3(items=ITEMS, recipe=ON_MODEL)
    with vendors.turnstile.stopping(recording(AttemptState.DONE), "before") as stop:
        runs = [scene.begin(**MOURNER) for _ in range(2)]
        assert stop.reached.wait(RUN_SECONDS), scene.nursery.said()
        assert stop.held is not None
        sender = stop.held.headers["User-Agent"]
        doomed = next(run for run in runs if f"app/{run[0].run_id}" in sender)
        scene.kill(*doomed)
    eventually(lambda: all(run.ended(0) for _, run in runs) or None, "the other run's end", seconds=RUN_SECONDS)
    scene.finish(**MOURNER)
    audit = scene.audit()

    assert [] == audit.faults
    assert audit.units == audit.charges
    assert {"done", "unknown"} >= set(scene.books().states())


def test_ten_runs_at_once_pay_once(scene_on_disk: Callable[..., Scene]) -> None:
    """Ten processes on one folder make each picture once."""
    scene = scene_on_disk(items=ITEMS, recipe=ON_MODEL)

    runs = [scene.begin()[1] for _ in range(10)]
    eventually(lambda: all(run.ended(0) for run in runs) or None, "the end of ten runs", seconds=RUN_SECONDS)
    audit = scene.audit()

    assert {"done": ITEMS * STAGES} == scene.books().states()
    assert [] == audit.faults
    assert (ITEMS * STAGES, 0) == (audit.charges, audit.unknown)
