"""A run into a folder, killed at each file operation of a unit's way, journal parts among them, and the next one going on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from blocks.storage import ObjectStorage
from tests.chaos.death import Death
from tests.chaos.gate import Gate
from tests.chaos.lives import Nursery
from tests.chaos.scene import HEIR, Scene

LIFE_SECONDS = 200.0
MOST_OPERATIONS = 100


@pytest.mark.slow
def test_killed_at_every_file_operation(nursery: Nursery, vendors: Gate, tmp_path: Path) -> None:
    """Until a life has no such operation any more: nothing is paid twice unasked, and all is delivered when asked for."""
    operations = 0
    for number in range(1, MOST_OPERATIONS):
        folder = tmp_path / str(number)
        scene = Scene(nursery, folder, vendors.url, ObjectStorage.from_uri(str(folder / "the-output")), 1)
        life, living = scene.begin(death=Death("/the-output", number))
        assert living.ended(LIFE_SECONDS), nursery.said()
        if Path(life.manifest).exists():
            break
        operations += 1
        scene.killed.add(life.run_id)
        unasked = scene.finish(**HEIR) if scene.books().attempts else scene.finish()
        charged = len(scene.charges())
        last = scene.finish(retry=["unknown"])
        audit = scene.audit()

        assert charged <= 1, f"operation {number}"
        assert set(unasked.states()) <= {"done", "unknown"}, f"operation {number}: {unasked.states()}"
        assert {"done": 1} == last.states(), f"operation {number}"
        assert [] == audit.faults, f"operation {number}"

    assert 8 < operations < MOST_OPERATIONS - 1


def test_a_death_comes_when_it_is_told_to(scene_on_disk: Callable[..., Scene]) -> None:
    """Before the first line of the journal: the job is accepted, and nobody knows of it."""
    scene = scene_on_disk()
    life, living = scene.begin(death=Death("/journals/", 1))

    assert living.ended(LIFE_SECONDS)
    assert not Path(life.manifest).exists()
    assert 1 == len(scene.charges())
    assert {"submitting": 1} == scene.books().states()
    assert ["unknown"] == [row["status"] for row in scene.run(**HEIR)]
