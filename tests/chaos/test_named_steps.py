"""A run killed at each step of a unit's way, and the next one going on: what is paid, lost and unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from catalogs.ledger import AttemptState
from tests.chaos.audit import audit
from tests.chaos.gate import Gate, Moment, Passage
from tests.chaos.scene import EDIT_ONLY, HEIR, SCENE_ONLY, Scene
from tests.chaos.steps import claiming, downloading, paying, polling, recording, storing

STEP_SECONDS = 200.0


@dataclass(frozen=True)
class Step:
    """Where a run is killed, how many jobs the vendor has accepted by then, and whether anybody can know."""

    name: str
    fits: Callable[[Passage], bool]
    moment: Moment
    accepted: int
    unknown: bool = False


STEPS = (
    Step("before the claim", claiming, "before", 0),
    Step("claim written, not yet known of", claiming, "after", 0, unknown=True),
    Step("claimed, not yet sent", paying, "before", 0, unknown=True),
    Step("accepted, reply on its way", paying, "after", 1, unknown=True),
    Step("half of the reply received", paying, "half", 1, unknown=True),
    Step("reply received, job id not yet written", recording(AttemptState.SUBMITTED), "before", 1, unknown=True),
    Step("job id written, not yet known of", recording(AttemptState.SUBMITTED), "after", 1),
    Step("asking for the job", polling, "before", 1),
    Step("told that the job is done", polling, "after", 1),
    Step("before the download", downloading, "before", 1),
    Step("half of the picture received", downloading, "half", 1),
    Step("before the picture is stored", storing, "before", 1),
    Step("picture stored, not yet known of", storing, "after", 1),
    Step("before done is written", recording(AttemptState.DONE), "before", 1),
    Step("done written, not yet known of", recording(AttemptState.DONE), "after", 1),
)
# A scene leaves no job to ask after: its picture's address is in the ledger, or nowhere.
SYNCHRONOUS = tuple(step for step in STEPS[3:11] if step.fits is not polling)


@pytest.mark.parametrize(
    ("recipe", "step"),
    [
        *(pytest.param(EDIT_ONLY, step, id=f"edit, {step.name}") for step in STEPS),
        *(pytest.param(SCENE_ONLY, step, id=f"scene, {step.name}") for step in SYNCHRONOUS),
    ],
)
def test_killed_at_a_step(scene_on_s3: Callable[..., Scene], vendors: Gate, recipe: str, step: Step) -> None:
    """The next run pays for nothing twice; only what nobody can know is left until a person asks for it."""
    scene = scene_on_s3(recipe=recipe)
    with vendors.turnstile.stopping(step.fits, step.moment) as stop:
        life, living = scene.begin()
        assert stop.reached.wait(STEP_SECONDS), scene.nursery.said()
        scene.kill(life, living)
    accepted_at_death = len(scene.charges())

    # Asked to repeat what is unknown, a run that finds nothing unknown repeats nothing.
    second = scene.finish(**HEIR) if step.unknown else scene.finish(retry=["unknown"])
    charged_without_a_word = len(scene.charges())
    last = scene.finish(retry=["unknown"]) if step.unknown else second
    found = audit(last, scene.charges(), scene.killed)

    assert step.accepted == accepted_at_death
    assert {"unknown" if step.unknown else "done": 1} == second.states()
    assert (step.accepted if step.unknown else 1) == charged_without_a_word
    assert {"done": 1} == last.states()
    assert 1 + (step.unknown and step.accepted) == len(scene.charges())
    assert [] == found.faults
    assert (1, int(step.unknown)) == (found.units, found.unknown)
