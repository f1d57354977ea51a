"""docs/tutorial.md, typed in by a reader who has read nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sandbox.server import RunningSandbox
from tests.deployments.conftest import Catwalk
from tests.pages import REPOSITORY, Page

pytestmark = [pytest.mark.server, pytest.mark.slow]

SECONDS = 500.0
TUTORIAL = Page(REPOSITORY / "docs" / "tutorial.md")
SANDBOX_ADDRESS = "http://127.0.0.1:8765"
# What a test stands in for: a simulator and a demo that have tests of their own.
OTHERS = ("make demo", "catwalk sandbox")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader's clone looks like after `make install`, as far as the tutorial sees it."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / ".venv").symlink_to(Path(sys.prefix))
    return folder


@pytest.fixture(scope="module")
def session(folder: Path, catwalk: Catwalk, sandbox: RunningSandbox) -> str:
    """Everything that the tutorial's commands print, in one shell that stops at the first that fails."""
    blocks = [block.text for block in TUTORIAL.blocks("sh") if block.text.strip() not in OTHERS]
    script = "set -eux\n" + "\n".join(blocks).replace(SANDBOX_ADDRESS, sandbox.url)
    environment = {name: text for name, text in catwalk.environment.items() if not name.endswith("_API_KEY")}
    done = subprocess.run(
        [str(shutil.which("bash")), "-c", script],
        cwd=folder,
        env=environment | {"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert 0 == done.returncode, done.stdout
    return done.stdout


def test_every_command_of_the_tutorial_works(session: str) -> None:
    """One after the other, as they stand there."""
    assert "Traceback" not in session
    assert all(SANDBOX_ADDRESS not in line for line in session.splitlines() if line.startswith("+ export"))


def test_what_a_test_stands_in_for_is_printed_too() -> None:
    """Else the reader would be left without it."""
    assert set(OTHERS) <= {block.text.strip() for block in TUTORIAL.blocks("sh")}


def test_the_reader_has_a_gallery_and_a_picture_for_every_sku_and_stage(session: str, folder: Path) -> None:
    """Three SKUs in three stages, and the dress in its new colour."""
    rows = pq.read_table(folder / "shop" / "pictures" / "manifest.parquet").to_pylist()

    assert {("done", "model"): 3, ("done", "refine"): 3, ("done", "scene"): 3} == Counter(
        (row["status"], row["stage"]) for row in rows
    )
    assert ["petrol" in row["options"] for row in rows if row["sku"] == "CW-D301"] == [False, False, True]
    assert (folder / "shop" / "pictures" / "gallery.html").exists()
    assert session


def test_the_changed_row_costs_its_scene_alone(session: str) -> None:
    """As the tutorial says: the third run pays one credit."""
    quotes = [line for line in session.splitlines() if "items to do" in line]

    assert quotes[-1].startswith("1 items to do, 2 unchanged")
