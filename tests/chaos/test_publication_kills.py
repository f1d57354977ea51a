"""Publications killed at each of their steps, and many at one time: readers see one whole manifest, and no row is lost."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import duckdb
import pandas as pd
import pytest

from blocks.storage import MissingObject, ObjectStorage
from catalogs.layout import CSV_PATH, MANIFEST_PATH
from catalogs.manifest import ManifestRow
from catalogs.manifest_merge import write_upkeep
from catalogs.picture_versions import PICTURE_VERSIONS_PATH, PictureVersions
from tests.catalogs.made import a_row, manifest_of
from tests.chaos.death import Death
from tests.chaos.gate import Gate, Moment, Passage
from tests.chaos.lives import Living, Nursery
from tests.chaos.scene import s3_keys
from tests.chaos.worker import Publication
from tests.s3_servers import S3Server

State = dict[str, tuple[str, str | None]]

STEP_SECONDS = 200.0
LIFE_SECONDS = 200.0
MOST_OPERATIONS = 200
TOGETHER = 6

# The night before: ten items, of which B-8 and B-9 leave the catalog, and B-7 gets another fingerprint.
BEFORE: State = {f"B-{number}": ("done", "old") for number in range(10)}
NIGHT = {"B-0": ("done", "new"), "B-1": ("failed", "new"), "N-0": ("done", "new")}
KEPT_UP = {"B-7": ("done", "new"), "B-8": ("retired", "old"), "B-9": ("retired", "old")}
AFTER: State = BEFORE | NIGHT | KEPT_UP


@dataclass
class Press:
    """An output with a manifest, and the publications of a night."""

    nursery: Nursery
    folder: Path
    storage: ObjectStorage
    direct: ObjectStorage
    keys: dict[str, str]
    parts: list[str] = field(default_factory=list[str])

    def publication(self, parts: list[str], *, run_id: str = "night", death: Death | None = None) -> Publication:
        """One that a process will carry out."""
        return Publication(
            run_id=run_id,
            output=self.storage.root,
            parts=parts,
            folder=str(self.folder),
            manifest=str(self.folder / f"published-{uuid4().hex}.parquet"),
            upkeep=str(self.folder / "upkeep.parquet"),
            versions=str(self.folder / "versions.parquet"),
            environment=self.keys | (death.environment() if death else {}),
        )

    def begin(self, publication: Publication) -> Living:
        """Begin it."""
        return self.nursery.begin(publication)

    def night(self, death: Death | None = None) -> Publication:
        """The night's."""
        return self.publication(["runs/night/part.parquet"], death=death)

    def part(self, path: str, rows: list[ManifestRow]) -> str:
        """Store what a shard has found out."""
        file = manifest_of(rows, self.folder / "part.parquet")
        asyncio.run(_upload(self.direct, path, file))
        return path

    def state(self) -> State:
        """What the manifest says, read by pandas and by DuckDB; both must read the same."""
        data = asyncio.run(_read(self.direct, MANIFEST_PATH))
        return _state(data, self.folder / f"read-{uuid4().hex}.parquet")

    def table(self) -> set[str]:
        """The SKUs of the CSV."""
        return set(pd.read_csv(io.BytesIO(asyncio.run(_read(self.direct, CSV_PATH))))["sku"])

    def pictures(self) -> dict[str, str]:
        """What is known of the pictures' versions."""
        file = self.folder / "versions-read.parquet"
        file.write_bytes(asyncio.run(_read(self.direct, PICTURE_VERSIONS_PATH)))
        return PictureVersions.read(file).latest


async def _upload(storage: ObjectStorage, path: str, file: Path) -> None:
    await storage.upload(path, file, content_type="application/vnd.apache.parquet")
    await storage.close()


async def _read(storage: ObjectStorage, path: str) -> bytes:
    data = await storage.read(path)
    await storage.close()
    return data


def _state(data: bytes, file: Path) -> State:
    file.write_bytes(data)
    with duckdb.connect() as sql:
        told = sql.read_parquet(str(file)).project("sku, status, fingerprint").fetchall()
    seen = pd.read_parquet(io.BytesIO(data))[["sku", "status", "fingerprint"]].itertuples(index=False, name=None)
    file.unlink()
    assert told == list(seen)
    state = {sku: (status, fingerprint) for sku, status, fingerprint in told}
    assert len(state) == len(told)
    return state


def rows_of(state: Mapping[str, tuple[str, str | None]], run_id: str) -> list[ManifestRow]:
    """Manifest rows that say this."""
    return [
        a_row(sku=sku, row=number, status=status, fingerprint=fingerprint, run_id=run_id)
        for number, (sku, (status, fingerprint)) in enumerate(state.items(), start=1)
    ]


@contextmanager
def watched(press: Press) -> Generator[list[State | str]]:
    """A reader that looks at the manifest again and again, and what it saw, told anew when it changed."""
    seen: list[State | str] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            try:
                state: State | str = press.state()
            except Exception as error:  # noqa: BLE001 - whatever a reader meets is what the test asks for
                state = repr(error)
            if not seen or seen[-1] != state:
                seen.append(state)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        yield seen
    finally:
        over.set()
        reader.join(STEP_SECONDS)


def set_press(press: Press) -> Press:
    """The night before, and what the night finds out."""
    write_upkeep(press.folder / "upkeep.parquet", "on-model")
    PictureVersions({"a": "1"}, {"a": "1"}).write(press.folder / "versions.parquet")
    press.nursery.live(press.publication([press.part("runs/before/part.parquet", rows_of(BEFORE, "before"))]))
    retired = [(sku, None) for sku, (status, _) in KEPT_UP.items() if status == "retired"]
    write_upkeep(press.folder / "upkeep.parquet", "on-model", refreshed=[("B-7", None, "new")], retired=retired)
    PictureVersions({"b": "2"}, {"b": "2"}).write(press.folder / "versions.parquet")
    press.part("runs/night/part.parquet", rows_of(NIGHT, "night"))
    assert press.state() == BEFORE
    return press


@pytest.fixture
def press_on_disk(nursery: Nursery, tmp_path: Path) -> Press:
    """An output in a folder."""
    storage = ObjectStorage.from_uri(str(tmp_path / "the-output"))
    return set_press(Press(nursery, tmp_path, storage, storage, {}))


@pytest.fixture
def press_on_s3(nursery: Nursery, bucket: Gate, moto: S3Server, tmp_path: Path) -> Press:
    """An output on S3, which publications reach through a gate, and readers do not."""
    behind = S3Server(bucket.url, moto.access_key_id, moto.secret_access_key)
    direct = moto.storage("out")
    storage = ObjectStorage.model_validate({"root": direct.root, **behind.credentials})
    return set_press(Press(nursery, tmp_path, storage, direct, s3_keys(behind)))


def assert_published(press: Press, seen: list[State | str]) -> None:
    """All is there, once, and no reader has ever seen anything but the manifest before and after."""
    assert AFTER == press.state()
    assert set(AFTER) == press.table()
    assert {"a": "1", "b": "2"} == press.pictures()
    assert [] == [state for state in seen if state not in (BEFORE, AFTER)]
    assert [BEFORE, AFTER][: len(seen)] == seen or [AFTER] == seen


def test_killed_at_every_file_operation(press_on_disk: Press) -> None:
    """In the order in which they come, one publication after the other, until one has no such operation any more."""
    press = press_on_disk
    before = {path: (press.folder / "the-output" / path).read_bytes() for path in (MANIFEST_PATH, CSV_PATH)}
    versions = (press.folder / "the-output" / PICTURE_VERSIONS_PATH).read_bytes()
    number = 0
    for number in range(1, MOST_OPERATIONS):
        with watched(press) as seen:
            death = Death("/the-output", number)
            dying = press.night(death)
            living = press.begin(dying)
            assert living.ended(LIFE_SECONDS), press.nursery.said()
            if Path(dying.manifest).exists():
                break
            assert press.state() in (BEFORE, AFTER)
            press.nursery.live(press.night())
            heir = press.state()
        assert AFTER == heir
        assert_published(press, seen)
        for path, data in before.items():
            (press.folder / "the-output" / path).write_bytes(data)
        (press.folder / "the-output" / PICTURE_VERSIONS_PATH).write_bytes(versions)

    assert 15 < number < MOST_OPERATIONS


def asking(method: str, path: str) -> Callable[[Passage], bool]:
    """A request for an object of the output."""
    return lambda passage: passage.method == method and passage.path.partition("?")[0].endswith(path)


STEPS: tuple[tuple[str, Callable[[Passage], bool], Moment], ...] = (
    ("before a part is fetched", asking("GET", "part.parquet"), "before"),
    ("before the mark", asking("PUT", "publishing.json"), "before"),
    ("marked, not yet known of", asking("PUT", "publishing.json"), "after"),
    ("before the pictures' versions", asking("PUT", PICTURE_VERSIONS_PATH), "before"),
    ("the pictures' versions written", asking("PUT", PICTURE_VERSIONS_PATH), "after"),
    ("before the manifest is fetched", asking("GET", MANIFEST_PATH), "before"),
    ("half of the manifest fetched", asking("GET", MANIFEST_PATH), "half"),
    ("merged, before the table", asking("PUT", CSV_PATH), "before"),
    ("the table written", asking("PUT", CSV_PATH), "after"),
    ("before the manifest is replaced", asking("PUT", MANIFEST_PATH), "before"),
    ("the manifest replaced, not yet known of", asking("PUT", MANIFEST_PATH), "after"),
    ("before the mark is taken away", asking("DELETE", "publishing.json"), "before"),
    ("the mark taken away", asking("DELETE", "publishing.json"), "after"),
)


@pytest.mark.slow
@pytest.mark.parametrize(("fits", "moment"), [pytest.param(*step[1:], id=step[0]) for step in STEPS])
def test_killed_at_a_request(
    press_on_s3: Press, vendors: Gate, fits: Callable[[Passage], bool], moment: Moment
) -> None:
    """The manifest is the one before or the one after, and whoever carries the run on publishes it all."""
    press = press_on_s3
    with watched(press) as seen:
        with vendors.turnstile.stopping(fits, moment) as stop:
            living = press.begin(press.night())
            assert stop.reached.wait(STEP_SECONDS), press.nursery.said()
            assert living.kill()
        assert press.state() in (BEFORE, AFTER)
        press.nursery.live(press.night())

    assert_published(press, seen)


@pytest.mark.parametrize("place", ["press_on_disk", pytest.param("press_on_s3", marks=pytest.mark.slow)])
def test_of_many_that_publish_at_one_time_none_loses_a_row(request: pytest.FixtureRequest, place: str) -> None:
    """Processes whose marks do not hold each other up, as those of one run: each finds and keeps the others' rows."""
    press: Press = request.getfixturevalue(place)
    said = [{f"P{number}-{item}": ("done", "new") for item in range(20)} for number in range(TOGETHER)]
    parts = [press.part(f"runs/{n}/part.parquet", rows_of(state, "one run")) for n, state in enumerate(said)]
    publications = [press.publication([part], run_id="one run") for part in parts]

    with watched(press) as seen:
        living = [press.begin(publication) for publication in publications]
        assert all(one.ended(LIFE_SECONDS) for one in living)

    expected = BEFORE | KEPT_UP
    for state in said:
        expected |= state
    assert all(Path(publication.manifest).exists() for publication in publications), press.nursery.said()
    assert expected == press.state()
    assert set(expected) == press.table()
    assert {"a": "1", "b": "2"} == press.pictures()
    assert all(isinstance(state, dict) for state in seen)
    sizes = [len(state) for state in seen]
    assert sorted(sizes) == sizes


def test_a_manifest_that_is_not_there_yet_is_created_once(nursery: Nursery, tmp_path: Path) -> None:
    """A first night of several runs: a reader finds none, or a whole one."""
    storage = ObjectStorage.from_uri(str(tmp_path / "the-output"))
    press = Press(nursery, tmp_path, storage, storage, {})
    write_upkeep(tmp_path / "upkeep.parquet", "on-model")
    PictureVersions({"a": "1"}, {"a": "1"}).write(tmp_path / "versions.parquet")
    said = [{f"P{number}": ("done", "new")} for number in range(TOGETHER)]
    parts = [press.part(f"runs/{n}/part.parquet", rows_of(dict(state), "one run")) for n, state in enumerate(said)]

    with watched(press) as seen:
        living = [press.begin(press.publication([part], run_id="one run")) for part in parts]
        assert all(one.ended(LIFE_SECONDS) for one in living)

    assert {f"P{number}" for number in range(TOGETHER)} == set(press.state())
    assert all(isinstance(state, dict) or MissingObject.__name__ in state for state in seen)
