"""Messy exports as a person meets them: `inspect`, the mapping that it proposes, then a dry run by it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from blocks.errors import CatwalkError
from deployments.cli.app import app

HTML = "<div class='rte'><p>Falls straight from the shoulder, öäü. {not a column}</p></div>"
LONG_HTML = (HTML * 300)[:19_000]
RECIPE = """
name: edit
stages:
  - {name: style, operation: claid.edit, options: {prompt: "a {title|plain piece} on a marble floor"}}
"""


@dataclass(frozen=True)
class Said:
    """What the two commands said; an error in place of a dry run's summary is one sentence too."""

    inspected: str
    planned: str

    @property
    def counts(self) -> tuple[int, int]:
        """Items to do, and rows that can't run."""
        found = re.match(r"(\d+) items to do(?:, (\d+) rows can't run)?: ", self.planned)
        assert found, self.planned
        return int(found[1]), int(found[2] or 0)


def commanded(*arguments: str | Path) -> str:
    """What a command says; anything but an expected error is raised."""
    ended = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(ended.exception, CatwalkError):
        return str(ended.exception)
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    assert "Traceback" not in ended.output
    return ended.output


def said_of(folder: Path) -> Said:
    """Inspect the export in a folder, then plan it by the mapping proposed."""
    mapping, recipe = folder.parent / "mapping.yaml", folder.parent / "recipe.yaml"
    recipe.write_text(RECIPE)
    inspected = commanded("inspect", folder, "--output", mapping)
    config = ("--config", mapping) if mapping.exists() else ()
    output = folder.parent / "output"
    return Said(inspected, commanded("run", folder, *config, "--recipe", recipe, "--output", output, "--dry-run"))


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An empty folder for an export."""
    folder = tmp_path / "export"
    folder.mkdir()
    return folder


def usual(count: int = 6, **columns: Any) -> dict[str, Any]:
    """The columns of an export without trouble, with some otherwise."""
    return {
        "sku": [f"A-{number}" for number in range(count)],
        "title": [f"Shirt {number}" for number in range(count)],
        "product_image": [f"https://shop.example/{number}.jpg" for number in range(count)],
    } | columns


def written(folder: Path, columns: dict[str, Any], name: str = "export.parquet", **options: Any) -> Path:
    """A file of an export."""
    pq.write_table(pa.table(columns), folder / name, **options)
    return folder / name


def renamed(folder: Path, columns: dict[str, Any], names: list[str]) -> None:
    """A file whose columns are called so, whatever a dict would allow."""
    pq.write_table(pa.table(list(columns.values()), names=names), folder / "export.parquet")


def test_columns_without_a_name_and_with_the_same(export: Path) -> None:
    """Each can be told from the others, and ours are found among them."""
    columns = usual() | {"a": ["x"] * 6, "b": ["y"] * 6, "c": [None] * 6, "d": ["z"] * 6}
    renamed(export, columns, ["sku", "title", "product_image", "", "title", "", " "])

    said = said_of(export)

    assert (6, 0) == said.counts
    assert "title (2)" in said.inspected


def test_blanks_and_words_for_nothing(export: Path) -> None:
    """A SKU that is none is named, a title that may be one stays."""
    nothing = [None, "", "  ", "NA", "N/A", "nan", "null", "-"]
    titles = [f"Shirt {number}" for number in range(8)]
    written(export, usual(10, sku=[*nothing, "A", " B "], title=[*titles, "NA", " "]))

    said = said_of(export)

    assert (2, 8) == said.counts
    assert "it is blank, and every row needs a SKU" in said.planned


def test_pictures_that_are_words_for_nothing(export: Path) -> None:
    """A row without a picture is named with its column."""
    pictures = ["NA", "-", "n/a", "", None, " https://shop.example/5.jpg "]
    written(export, usual(product_image=pictures))

    said = said_of(export)

    assert (1, 5) == said.counts
    assert "'product_image'" in said.planned


@pytest.mark.parametrize(
    "skus",
    [
        pa.array([1001, 1002, None, 1004, 1005, 1006], pa.int64()).cast(pa.float64()),
        pa.array([Decimal("1001.00"), Decimal("1002.00"), None, *map(Decimal, ("1004", "1005", "1006"))]),
        pa.array(["0001", "0002", None, "0004", "0005", "0006"]),
        pa.array(["0001", "0002", None, "0004", "0005", "0006"]).dictionary_encode(),
        pa.array(["  0001", "0002\t", None, " 0004 ", "\n0005", "0006\u00a0"], pa.large_string()),
        pa.array([b"0001", b"0002", None, b"0004", b"0005", b"0006"], pa.binary()),
    ],
    ids=["float", "decimal", "text", "dictionary", "padded", "bytes"],
)
def test_skus_of_any_type(export: Path, skus: pa.Array[Any]) -> None:
    """Digits, with their leading zeros where they had any; the blank one is named."""
    written(export, usual(sku=skus))

    said = said_of(export)

    assert (5, 1) == said.counts
    assert "row 3 (no SKU), column 'sku': it is blank" in said.planned


def test_numbers_as_text_and_text_as_numbers(export: Path) -> None:
    """A title that is a number is text in a prompt; a priority that is a word costs no row."""
    written(export, usual(title=[501, 502, 503, 504, 505, None], priority=["1", "2,0", " 3 ", "high", None, "1e3"]))

    assert (6, 0) == said_of(export).counts


def test_bodies_of_19000_characters(export: Path) -> None:
    """Read, measured, and not taken for anything of ours."""
    written(export, usual() | {"Body (HTML)": pa.array([LONG_HTML] * 6, pa.large_string())})

    said = said_of(export)

    assert (6, 0) == said.counts
    assert "19000" in said.inspected
    assert max(map(len, said.inspected.splitlines())) < 1_000


def test_a_title_of_19000_characters_is_a_rows_trouble(export: Path) -> None:
    """A prompt that no vendor takes costs its row alone, and the message stays short."""
    written(export, usual(title=["Shirt", LONG_HTML, "Skirt", "Coat", "Hat", "Scarf"]))

    said = said_of(export)

    assert (5, 1) == said.counts
    assert max(map(len, said.planned.splitlines())) < 1_000


def test_skus_that_are_no_text(export: Path) -> None:
    """A list or a record can't name a product, and its row says so."""
    skus = pa.array([{"id": number} for number in range(3)])
    written(export, usual(3, sku=skus))

    said = said_of(export)

    assert (0, 3) == said.counts
    assert "row 1 (no SKU), column 'sku': it holds a record with id, not text" in said.planned


def test_skus_that_look_like_paths_or_are_too_long(export: Path) -> None:
    """None leads out of its folder; what no disk can name is refused."""
    written(export, usual(sku=["a/../b", "..", "a\x00b", "é" * 150, "A\nB", "con"]))

    said = said_of(export)

    assert (5, 1) == said.counts
    assert "it is longer than a SKU's 200 bytes" in said.planned


def test_addresses_of_kinds_that_can_not_be_fetched(export: Path) -> None:
    """Each is named with its row; nothing is asked of any server."""
    pictures = ["ftp://x/y.jpg", "C:\\pics\\a.jpg", "http://", "https://shop.example/a.jpg", "{}", "[]"]
    written(export, usual(product_image=pictures))

    said = said_of(export)

    assert (1, 5) == said.counts
    assert "'ftp://x/y.jpg' is of a kind that can't be fetched" in said.planned


def test_one_sku_for_every_size(export: Path) -> None:
    """One item a style, not one a size."""
    sizes = {
        "sku": ["A", "A", "A", "B", "B", "B"],
        "size": ["S", "M", "L"] * 2,
        "product_image": ["https://shop.example/a.jpg"] * 3 + ["https://shop.example/b.jpg"] * 3,
    }
    written(export, usual() | sizes)

    said = said_of(export)

    assert (2, 0) == said.counts


def test_continuation_rows_without_a_sku(export: Path) -> None:
    """Further pictures of the product above them."""
    rows = {
        "sku": ["A", None, None, "B", "", "C"],
        "title": ["Shirt", None, None, "Skirt", None, "Coat"],
        "product_image": [f"https://shop.example/{number}.jpg" for number in range(6)],
    }
    written(export, rows)

    said = said_of(export)

    assert (3, 0) == said.counts
    assert "group_by: sku" in (export.parent / "mapping.yaml").read_text()


def test_nested_types_and_null_lists(export: Path) -> None:
    """Lists of addresses, of nulls, none at all, records with an address, maps and empty structs."""
    pictures = pa.array(
        [["https://shop.example/0.jpg"], [None, "https://shop.example/1.jpg"], [], None, [None], [""]],
        pa.list_(pa.string()),
    )
    extra: dict[str, Any] = {
        "media": [[{"src": "https://shop.example/0.jpg", "width": 10}], *[None] * 5],
        "attributes": pa.array(
            [[("fit", "slim")], [], None, [("fit", None)], [], []], pa.map_(pa.string(), pa.string())
        ),
        "deep": pa.array([[[1, None]], [[]], [None], None, [[2]], []], pa.list_(pa.list_(pa.int8()))),
        "fixed": pa.array([[1, 2]] * 5 + [None], pa.list_(pa.int32(), 2)),
        "price": pa.array([Decimal("19.90")] * 6, pa.decimal256(50, 2)),
        "nulls": pa.nulls(6),
        "when": pa.array([0, None, 2**62, -(2**62), 1, 2], pa.timestamp("ns")),
        "flag": pa.array([True, None, False, True, True, False]),
    }
    written(export, usual(product_image=pictures, **extra))

    said = said_of(export)

    assert (2, 4) == said.counts


def test_files_whose_columns_drift(export: Path) -> None:
    """Types change, columns come, go and change places; rows are numbered through."""
    written(export, usual(2), "1.parquet")
    written(
        export, {"title": [7, 8], "sku": [10.0, 11.0], "product_image": ["https://shop.example/x.jpg"] * 2}, "2.parquet"
    )
    written(export, {"sku": ["C"], "product_image": [["https://shop.example/c.jpg"]], "new": [1]}, "3.parquet")
    written(export, {"sku": ["D"], "title": ["no picture here"]}, "4.parquet")
    written(export, {"SKU": ["E"], "product_image": ["https://shop.example/e.jpg"]}, "5.parquet")

    said = said_of(export)

    assert (5, 2) == said.counts
    assert "row 6 D, column 'product_image'" in said.planned
    assert "row 7 (no SKU), column 'sku'" in said.planned


@pytest.mark.parametrize("group", [1, 1_000_000])
def test_thousands_of_row_groups_or_one(export: Path, group: int) -> None:
    """The same plan."""
    written(export, usual(5_000), row_group_size=group)

    assert (5000, 0) == said_of(export).counts


def test_no_rows_and_no_files(export: Path) -> None:
    """Said in a sentence, by both commands."""
    nothing = said_of(export)
    written(export, usual(0, sku=pa.array([], pa.string()), title=pa.array([], pa.string())))
    empty = said_of(export)

    assert "holds no Parquet files" in nothing.inspected
    assert "holds no Parquet files" in nothing.planned
    assert "has no rows" in empty.planned


def cut(file: Path) -> None:
    """As an upload leaves it that broke off."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])


def corrupt_footer(file: Path) -> None:
    """The magic bytes stand, what is before them is noise."""
    data = bytearray(file.read_bytes())
    data[-200:-8] = bytes(range(192))
    file.write_bytes(data)


def lying_footer(file: Path) -> None:
    """A footer that says it is longer than its file."""
    data = file.read_bytes()
    file.write_bytes(data[:-8] + (2**31 - 1).to_bytes(4, "little") + data[-4:])


def corrupt_pages(file: Path) -> None:
    """A whole footer, and noise where the rows are."""
    data = bytearray(file.read_bytes())
    data[4 : len(data) // 3] = b"\xff" * (len(data) // 3 - 4)
    file.write_bytes(data)


def emptied(file: Path) -> None:
    """No byte at all."""
    file.write_bytes(b"")


def as_csv(file: Path) -> None:
    """Another program's idea of an export."""
    file.write_text("sku,title,product_image\nA,Shirt,https://shop.example/a.jpg\n")


def as_html(file: Path) -> None:
    """A sign-in page in place of the download."""
    file.write_text("<!doctype html><html><title>Sign in</title></html>")


DAMAGES = (cut, corrupt_footer, lying_footer, corrupt_pages, emptied, as_csv, as_html)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file_among_good_ones(export: Path, damage: Callable[[Path], None]) -> None:
    """It is named once, and all others are read."""
    for number in range(3):
        skus = [f"{number}-{item}" for item in range(500)]
        written(export, usual(500, sku=skus), f"part-{number}.parquet")
    damage(export / "part-1.parquet")

    said = said_of(export)

    assert (1000, 1) == said.counts
    assert "part-1.parquet" in said.planned
    assert "part-1.parquet" in said.inspected


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file_alone(export: Path, damage: Callable[[Path], None]) -> None:
    """There is nothing to plan, and the file is named with what is wrong with it."""
    damage(written(export, usual(500)))

    said = said_of(export)

    assert "export.parquet" in said.planned
    assert "can't be read" in said.planned or "is " in said.planned
    assert max(map(len, said.planned.splitlines())) < 1_000
