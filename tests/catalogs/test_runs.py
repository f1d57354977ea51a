"""Run records: a run asked for again is the one that died, and its window is where a rescue looks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from blocks.storage import ObjectStorage
from catalogs.ledger import now
from catalogs.runs import CARRIED_ON, SIGN_OF_LIFE, OpenRun, Runs, Window


def runs_in(folder: Path) -> Runs:
    """The run records of a folder."""
    return Runs(ObjectStorage.from_uri(str(folder)))


async def test_a_run_asked_for_again_is_carried_on_under_its_name(tmp_path: Path) -> None:
    """The second to ask for the same gets the first one's run; another request gets its own."""
    runs = runs_in(tmp_path)
    first = await runs.begin("run-1", "the same")

    again = await runs_in(tmp_path).begin("run-2", "the same")
    other = await runs.begin("run-3", "something else")

    assert first == again
    assert "run-3" == other.run_id
    assert ["run-1", "run-3"] == [run.run_id for run in await runs.unended()]


async def test_an_ended_run_is_not_carried_on(tmp_path: Path) -> None:
    """Tomorrow's run is a new one."""
    runs = runs_in(tmp_path)
    await runs.end(await runs.begin("run-1", "the same"))

    assert "run-2" == (await runs.begin("run-2", "the same")).run_id
    assert 1 == len(await runs.unended())


async def test_a_run_older_than_a_day_is_not_carried_on(tmp_path: Path) -> None:
    """What it left can't be fetched any more, and its budget was yesterday's."""
    storage = ObjectStorage.from_uri(str(tmp_path))
    runs = Runs(storage)
    first = await runs.begin("run-1", "the same")
    old = OpenRun(run_id="run-1", fingerprint=first.fingerprint, started_at=now() - CARRIED_ON - timedelta(minutes=1))
    await storage.write(
        f"runs/open/{first.fingerprint}.json", old.model_dump_json().encode(), content_type="application/json"
    )

    assert "run-2" == (await runs.begin("run-2", "the same")).run_id


async def test_a_window_is_kept_by_run_and_shard(tmp_path: Path) -> None:
    """A shard that was never written down is at its beginning."""
    runs = runs_in(tmp_path)
    await runs.keep_window("run-1", 2, Window(first_open=10, begun=60))

    assert Window(first_open=10, begun=60) == await runs.window("run-1", 2)
    assert Window() == await runs.window("run-1", 3)


async def test_a_run_at_work_is_told_from_one_that_died(tmp_path: Path) -> None:
    """By what it wrote down last: a minute without a sign is long for one that lives."""
    runs = runs_in(tmp_path)
    run = await runs.begin("run-1", "this")
    written = now()
    await runs.keep_window("run-1", 3, Window(begun=2))

    assert [run] == [found for found, _ in await runs.at_work(written + SIGN_OF_LIFE / 2)]
    assert [] == await runs.at_work(now() + SIGN_OF_LIFE)
