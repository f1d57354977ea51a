"""Picture paths: any SKU has one, on any storage, and no two share it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.storage import ObjectStorage
from catalogs.names import item_name, picture_path
from tests.catalogs.made import key_of

KEY = key_of("A")
ODD = st.sampled_from(
    [".", "..", "...", "/", "../..", "a/../b", "%2E%2E", "CON", "a\\b", "~", "-rf", "a\nb", "é", "👗"]
)
SKUS = st.text(alphabet=st.characters(exclude_categories=("Cs",)), min_size=1, max_size=200) | ODD


def path_of(sku: str) -> str:
    """Where a SKU's picture is put."""
    return picture_path(sku, "model", KEY, 1, "png")


def names_in(folder: Path) -> set[str]:
    """What lies in a folder."""
    return {path.name for path in folder.iterdir()}


def test_a_plain_sku_can_be_read_in_the_path() -> None:
    """Letters, digits, dots, dashes and underscores stay as they are."""
    assert path_of("CW-T101_b.2") == f"pictures/CW-T101_b.2/model-{KEY[:12]}-1.png"


@given(st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,60}", fullmatch=True))
def test_plain_skus_read_back(sku: str) -> None:
    """What a person sees in the bucket is the SKU."""
    assert path_of(sku).split("/")[1] == sku


@given(SKUS)
@settings(deadline=None)
def test_any_sku_has_a_path_that_stays_in_its_place(sku: str) -> None:
    """Three parts, none of them special, plain ASCII, and no name longer than a file system takes."""
    path = path_of(sku)
    room, name, file = path.split("/")

    assert (room, file) == ("pictures", f"model-{KEY[:12]}-1.png")
    assert path.isascii()
    assert path.isprintable()
    assert name.strip(".")
    assert "\\" not in name
    assert 1 <= len(name) <= 120


@given(SKUS)
@settings(deadline=None)
def test_a_short_sku_can_be_told_from_its_path(sku: str) -> None:
    """Encoding is percent-encoding, which anything can undo."""
    name = path_of(sku).split("/")[1]

    assert unquote(name) == sku or len(name) == 120


@given(st.lists(SKUS, min_size=2, max_size=6, unique=True))
@settings(deadline=None)
def test_distinct_skus_have_distinct_paths(skus: list[str]) -> None:
    """However alike or long they are."""
    assert len({path_of(sku) for sku in skus}) == len(skus)


def test_long_skus_that_differ_at_their_end_have_distinct_paths() -> None:
    """The end of a long one is told by its hash."""
    skus = ["Ä" * 60 + str(number) for number in range(50)]

    assert len({path_of(sku) for sku in skus}) == 50


def test_stage_unit_number_and_format_are_in_the_name() -> None:
    """Another unit of the same SKU, or another candidate, overwrites nothing."""
    paths = {
        picture_path("A", stage, key, number, extension)
        for stage in ("model", "scene")
        for key in (key_of("A"), key_of("B"))
        for number in (1, 2)
        for extension in ("png", "jpg")
    }

    assert len(paths) == 16


@pytest.mark.parametrize("sku", ["..", "a/../../b", "100%", "a b#c?d", "Größe XL", "👗" * 30, ".hidden", "a\nb"])
@pytest.mark.parametrize("spelling", ["plain", "url", "memory"])
async def test_a_picture_of_any_sku_comes_back_from_storage(sku: str, spelling: str, tmp_path: Path) -> None:
    """By its path and by its address alike, and on a disk nothing lands beside the pictures."""
    root = {"plain": str(tmp_path), "url": tmp_path.as_uri(), "memory": f"memory://{uuid4().hex}"}[spelling]
    storage = ObjectStorage(root=root)
    await storage.write(path_of(sku), b"picture", content_type="image/png")
    await storage.close()

    assert await storage.read(path_of(sku)) == b"picture"
    assert storage.path_of(storage.uri(path_of(sku))) == path_of(sku)
    assert names_in(tmp_path) <= {"pictures"}


def test_a_look_stands_before_its_stage() -> None:
    """Beside the other looks of its SKU; messages name it after the SKU."""
    assert "pictures/A/beach-model-" in picture_path("A", "model", "0" * 64, 1, "png", look="beach")
    assert ["A", "A (beach)", "(no SKU)"] == [item_name("A", None), item_name("A", "beach"), item_name(None, None)]
