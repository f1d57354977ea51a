"""`catwalk run` killed around its paid work, while it plans, publishes and closes, and the next run setting it right."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator
from pathlib import Path
from typing import cast

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from blocks.storage import ObjectStorage
from tests.chaos.death import Death
from tests.chaos.gate import Gate, Moment, Passage
from tests.chaos.prefect_that_dies import MortalServer, running_mortal_server
from tests.chaos.scene import PATIENT, Scene, accounts
from tests.chaos.test_publication_kills import asking
from tests.deployments.conftest import Catwalk
from tests.prefect_server import REPOSITORY
from tests.s3_servers import S3Server

pytestmark = [pytest.mark.server, pytest.mark.slow]

ITEMS = 4
STEP_SECONDS = 200.0

States = dict[str, str]
BEFORE: States = {f"SKU-{number}": "done" for number in range(ITEMS - 1)}
# The first SKU has left the catalog by the second night, and one more has come.
AFTER: States = {f"SKU-{number}": "done" if number else "retired" for number in range(ITEMS)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[MortalServer]:
    """A Prefect server for all commands."""
    with running_mortal_server(tmp_path_factory.mktemp("prefect")) as server:
        yield server


@pytest.fixture
def mortal(tmp_path: Path) -> Callable[[Death], dict[str, str]]:
    """The environment in which a command dies so: Python imports `sitecustomize` first of all."""
    folder = tmp_path / "site"
    folder.mkdir()
    text = (
        f"import sys; sys.path.append({str(REPOSITORY)!r})\nfrom tests.chaos.death import await_death; await_death()\n"
    )
    (folder / "sitecustomize.py").write_text(text)
    return lambda death: {"PYTHONPATH": str(folder), **death.environment()}


class Nights:
    """Two nights of a catalog."""

    def __init__(self, scene: Scene, command: Catwalk, manifest: Callable[[], bytes]) -> None:
        self.scene = scene
        self.command = command
        self._manifest = manifest
        self._table = pq.read_table(scene.catalog)
        recipe = scene.folder / "recipe.yaml"
        recipe.write_text(scene.recipe)
        self.arguments = ["run", scene.catalog, "--output", scene.storage.root, "--recipe", recipe, "--retire"]

    def first(self) -> None:
        """All but the last SKU."""
        pq.write_table(self._table.slice(0, ITEMS - 1), self.scene.catalog)
        ended = self.command(*self.arguments)
        assert 0 == ended.code, ended.out + ended.err
        assert self.state() == BEFORE
        pq.write_table(self._table.slice(1), self.scene.catalog)

    def second(self) -> None:
        """Run again after a kill: the manifest was whole, and is right now; nothing is paid twice."""
        between = self.state()
        ended = self.command(*self.arguments)
        again = self.command(*self.arguments)

        assert 0 == ended.code, ended.out + ended.err
        assert between in (BEFORE, AFTER)
        assert self.state() == AFTER
        assert ITEMS == len(self.scene.charges())
        assert [] == self.scene.audit().faults
        assert "nothing spent" in again.out

    def state(self) -> States:
        """What the manifest says, to pandas and to DuckDB."""
        data = self._manifest()
        file = self.scene.folder / "read.parquet"
        file.write_bytes(data)
        with duckdb.connect() as sql:
            told = sql.read_parquet(str(file)).project("sku, status").fetchall()
        assert told == list(pd.read_parquet(io.BytesIO(data))[["sku", "status"]].itertuples(index=False, name=None))
        return dict(told)


DEATHS = (
    Death("/plans/", 1, "os.rename"),
    Death("rejects.parquet", 1, "os.rename"),
    Death("/shard-", 1, "os.rename"),
    Death("manifest.csv", 1, "os.rename"),
    Death("output/manifest.parquet", 1, "os.rename"),
    Death("gallery.html", 1, "os.rename"),
    Death("/runs/open/", 1, "os.remove"),
)


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: f"{death.operation} {death.part}")
def test_killed_on_a_disk(
    scene_on_disk: Callable[..., Scene],
    server: MortalServer,
    vendors: Gate,
    mortal: Callable[[Death], dict[str, str]],
    death: Death,
) -> None:
    """Before the file is there under its name, or gone."""
    scene = scene_on_disk(items=ITEMS)
    command = Catwalk(server.client.environment | accounts(vendors.url, PATIENT))
    output = Path(scene.storage.root.removeprefix("file://"))
    nights = Nights(scene, command, (output / "manifest.parquet").read_bytes)
    nights.first()

    killed = command(*nights.arguments, **mortal(death))

    assert -9 == killed.code, killed.out + killed.err
    nights.second()


STEPS: tuple[tuple[str, Callable[[Passage], bool], Moment], ...] = (
    ("the plan is stored", lambda passage: passage.method == "PUT" and "/plans/" in passage.path, "before"),
    ("the plan is stored, not yet known of", lambda p: p.method == "PUT" and "/plans/" in p.path, "after"),
    ("a shard's rows are stored", lambda passage: passage.method == "PUT" and "/shard-" in passage.path, "after"),
    ("the manifest is replaced", asking("PUT", "manifest.parquet"), "before"),
    ("the manifest is replaced, not yet known of", asking("PUT", "manifest.parquet"), "after"),
    ("the gallery is written", asking("PUT", "gallery.html"), "before"),
    ("the run is closed", lambda passage: passage.method == "DELETE" and "/runs/open/" in passage.path, "before"),
)


@pytest.mark.parametrize(("fits", "moment"), [pytest.param(*step[1:], id=step[0]) for step in STEPS])
def test_killed_on_s3(
    scene_on_s3: Callable[..., Scene],
    server: MortalServer,
    vendors: Gate,
    moto: S3Server,
    fits: Callable[[Passage], bool],
    moment: Moment,
) -> None:
    """While the request is on its way, or once it is carried out."""
    scene = scene_on_s3(items=ITEMS)
    keys = scene.storage_keys
    command = Catwalk(server.client.environment | accounts(vendors.url, PATIENT) | keys)
    direct = ObjectStorage.model_validate({"root": scene.storage.root, **moto.credentials})

    def manifest() -> bytes:
        filesystem, root = direct.filesystem()
        with filesystem.open(f"{root}/manifest.parquet", "rb") as file:
            return cast("bytes", file.read())

    nights = Nights(scene, command, manifest)
    nights.first()

    with vendors.turnstile.stopping(fits, moment) as stop:
        process = command.started(*nights.arguments)
        assert stop.reached.wait(STEP_SECONDS)
        process.kill()
        process.communicate()

    nights.second()
