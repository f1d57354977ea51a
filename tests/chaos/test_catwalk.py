"""The `catwalk` command killed as a whole, and its Prefect server killed under it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from pathlib import Path
from subprocess import Popen

import pytest

from catalogs.ledger import AttemptState
from catalogs.manifest import read_rows
from tests.chaos.gate import Gate, Moment, Passage
from tests.chaos.prefect_that_dies import MortalServer, running_mortal_server
from tests.chaos.scene import MOURNER, ON_MODEL, PATIENT, Scene, accounts
from tests.chaos.steps import downloading, paying, polling
from tests.deployments.conftest import Catwalk

# tests/deployments/test_cli_prefect.py has a server that is gone, and one that is away, behind a gate.
pytestmark = [pytest.mark.server, pytest.mark.slow]

ITEMS = 4
STAGES = 3
STEP_SECONDS = 200.0
AWAY_SECONDS = 3.0
TAIL_SECONDS = 200.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[MortalServer]:
    """A Prefect server that can be killed."""
    with running_mortal_server(tmp_path_factory.mktemp("prefect")) as server:
        yield server


@pytest.fixture
def command(server: MortalServer, vendors: Gate) -> Callable[..., Catwalk]:
    """The command, with such timeouts."""

    def with_timeouts(**timeouts: float) -> Catwalk:
        return Catwalk(server.client.environment | accounts(vendors.url, PATIENT | timeouts))

    return with_timeouts


def arguments(scene: Scene) -> list[str | Path]:
    """The scene's catalog, recipe and output for `catwalk run`."""
    recipe = scene.folder / "recipe.yaml"
    recipe.write_text(scene.recipe)
    return ["run", scene.catalog, "--output", scene.storage.root, "--recipe", recipe]


def test_killed_command_goes_on_where_it_was(
    scene_on_disk: Callable[..., Scene], vendors: Gate, command: Callable[..., Catwalk]
) -> None:
    """Killed while it pays, asks and downloads: the next run delivers what is known and names what is not."""
    scene = scene_on_disk(items=ITEMS, recipe=ON_MODEL)
    steps: list[tuple[Callable[[Passage], bool], Moment]]
    steps = [(paying, "before"), (polling, "before"), (downloading, "half")]
    for fits, moment in steps:
        with vendors.turnstile.stopping(fits, moment) as stop:
            process = command().started(*arguments(scene))
            assert stop.reached.wait(STEP_SECONDS)
            process.kill()
            process.communicate()
    unasked = command(**MOURNER)(*arguments(scene))
    before = scene.books().states()
    charged = len(scene.charges())
    asked = command(**MOURNER)(*arguments(scene), "--retry", "unknown")
    rows = list(read_rows(scene.folder / "output" / "manifest.parquet"))

    assert {"done", "unknown"} >= before.keys()
    assert (0 if "unknown" not in before else 3) == unasked.code, unasked.err
    assert charged <= sum(before.values())
    assert 0 == asked.code, asked.err
    assert {"done": ITEMS * STAGES} == scene.books().states()
    assert [] == scene.audit(killed_alone=False).faults
    assert {row["unit_key"] for row in rows} == scene.books().by_unit.keys()


def started_and_deserted(scene: Scene, vendors: Gate, server: MortalServer, catwalk: Catwalk) -> Popen[str]:
    """A run amid its work, whose Prefect server has just been killed."""
    passed = vendors.turnstile.passed
    process = catwalk.started(*arguments(scene))
    while vendors.turnstile.passed < passed + ITEMS and process.poll() is None:
        time.sleep(0.01)
    server.kill()
    return process


def test_prefect_server_killed_amid_a_run(
    scene_on_disk: Callable[..., Scene], vendors: Gate, server: MortalServer, command: Callable[..., Catwalk]
) -> None:
    """The run goes on without it, and ends well when the server is back in time."""
    scene = scene_on_disk(items=ITEMS, recipe=ON_MODEL)

    process = started_and_deserted(scene, vendors, server, command())
    time.sleep(AWAY_SECONDS)
    server.start()
    out, err = process.communicate(timeout=STEP_SECONDS)
    audit = scene.audit()

    assert 0 == process.returncode, out + err
    assert {str(AttemptState.DONE): ITEMS * STAGES} == scene.books().states()
    assert ([], ITEMS * STAGES) == (audit.faults, audit.charges)


def test_prefect_server_killed_for_good(
    scene_on_disk: Callable[..., Scene], vendors: Gate, server: MortalServer, command: Callable[..., Catwalk]
) -> None:
    """The run pays, stores and publishes all; it waits for the server within bounds, and says that it is gone."""
    scene = scene_on_disk(items=ITEMS, recipe=ON_MODEL)

    process = started_and_deserted(scene, vendors, server, command())
    killed = time.monotonic()
    out, err = process.communicate(timeout=2 * TAIL_SECONDS)
    took = time.monotonic() - killed
    rows = list(read_rows(scene.folder / "output" / "manifest.parquet"))

    assert 0 == process.returncode, out + err
    assert f"{ITEMS} of {ITEMS} items delivered" in out
    assert "does not answer: its record of this run stays incomplete." in err
    assert [] == [word for word in ("Traceback", "EventsWorker", "Error logging") if word in err]
    assert took < TAIL_SECONDS
    assert {"done"} == {row["status"] for row in rows}
    assert ITEMS * STAGES == len(rows) == len(scene.charges())
    assert (scene.folder / "output" / "gallery.html").exists()
