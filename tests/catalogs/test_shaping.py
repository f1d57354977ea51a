"""Rows of an export as products: blanks, groups, filters and constants, wherever the batches end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs import grouping
from catalogs.cells import cell_values, phrase, references
from catalogs.mapping import CatalogSource, constant_column
from catalogs.parquet import Batch, Unread
from catalogs.shaping import shaped

SHOPIFY = [
    {"Handle": "tee", "Title": "Tee", "Image Src": "https://x/1.jpg", "Size": "S", "Status": "active"},
    {"Handle": "tee", "Title": None, "Image Src": "https://x/2.jpg", "Size": "M", "Status": ""},
    {"Handle": None, "Title": "", "Image Src": "https://x/1.jpg", "Size": "L", "Status": None},
    {"Handle": "skirt", "Title": " ", "Image Src": None, "Size": None, "Status": "draft"},
    {"Handle": "skirt", "Title": "Skirt", "Image Src": "https://x/3.jpg", "Size": "36", "Status": None},
    {"Handle": "belt", "Title": "Belt", "Image Src": "", "Size": None, "Status": "active"},
]
GROUPED = [
    (0, "tee", "Tee", ["https://x/1.jpg", "https://x/2.jpg"], "S"),
    (3, "skirt", "Skirt", ["https://x/3.jpg"], "36"),
    (5, "belt", "Belt", [], None),
]


def source(**fields: Any) -> CatalogSource:
    """A mapping, but for its address."""
    return CatalogSource(uri="catalog.parquet", **fields)


def batches_of(rows: list[dict[str, Any]], size: int, types: pa.Schema | None = None) -> Iterator[Batch]:
    """The rows as a file's batches of at most `size`."""
    table = pa.Table.from_pylist(rows, schema=types)
    for start in range(0, len(rows), size):
        [part] = table.slice(start, size).combine_chunks().to_batches()
        yield Batch(start, part.num_rows, dict(zip(part.schema.names, part.columns, strict=True)))


def rows_of(parts: Iterable[Batch | Unread], *columns: str) -> list[tuple[Any, ...]]:
    """Each row's number and cells."""
    rows: list[tuple[Any, ...]] = []
    for part in parts:
        assert isinstance(part, Batch)
        assert all(len(column) == part.rows for column in part.cells.values())
        numbers = part.numbers or range(part.start, part.start + part.rows)
        assert len(numbers) == part.rows
        rows += zip(numbers, *(cell_values(part.cells[name]) for name in columns), strict=True)
    return rows


def test_nothing_to_do_passes_the_batches_untouched() -> None:
    """A plain catalog costs nothing."""
    batches = list(batches_of(SHOPIFY, 2))
    same = list(shaped(batches, source(columns={"sku": "Handle"})))

    assert all(part is given for part, given in zip(same, batches, strict=True))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
def test_rows_of_one_handle_are_one_product_wherever_batches_end(size: int) -> None:
    """The first filled cell of each column, all pictures once and in order, the number of the first row."""
    mapping = source(columns={"sku": "Handle", "garments": "Image Src"}, group_by="Handle")

    assert GROUPED == rows_of(shaped(batches_of(SHOPIFY, size), mapping), "Handle", "Title", "Image Src", "Size")


@pytest.mark.parametrize("size", [1, 4, 6])
def test_a_filter_sees_whole_products(size: int) -> None:
    """The status stands in a product's first row only, and is that of all its rows."""
    mapping = source(columns={"sku": "Handle"}, group_by="Handle", where=[{"column": "Status", "is": "Active"}])

    assert [(0, "tee"), (5, "belt")] == rows_of(shaped(batches_of(SHOPIFY, size), mapping), "Handle")


def test_filters_keep_the_rows_numbers() -> None:
    """A reject names the row that the merchandiser finds in the export."""
    mapping = source(
        where=[{"column": "Size", "filled": True}, {"column": "Image Src", "contains": "X/"}],
        constants={"gender": "man"},
    )

    assert [(0, "man"), (1, "man"), (2, "man"), (4, "man")] == rows_of(
        shaped(batches_of(SHOPIFY, 4), mapping), constant_column("gender")
    )


def test_a_filter_on_a_column_that_a_file_lacks_finds_it_blank() -> None:
    """Files drift apart."""
    batches = [Batch(0, 2, {"sku": pa.array(["A", "B"])})]

    assert [] == list(shaped(batches, source(where=[{"column": "Status", "is": "active"}])))
    assert batches == list(shaped(batches, source(where=[{"column": "Status", "is_not": "sold out"}])))


def test_a_constant_list_is_for_every_row() -> None:
    """Garments may be several."""
    parts = shaped(batches_of(SHOPIFY, 6), source(constants={"garments": ["a.jpg", "b.jpg"]}))

    assert [(number, ["a.jpg", "b.jpg"]) for number in range(6)] == rows_of(parts, constant_column("garments"))


def test_words_for_nothing_are_blank_in_texts() -> None:
    """The team says which; a longer text that holds one stays."""
    batches = [Batch(0, 4, {"color": pa.array([" NA ", "-", "n/a", "Navy - NA"]), "n": pa.array([1, 2, 3, 4])})]

    assert [(0, None, 1), (1, None, 2), (2, None, 3), (3, "Navy - NA", 4)] == rows_of(
        shaped(batches, source(blanks=["na", "-"])), "color", "n"
    )
    assert [(0, " NA "), (1, "-"), (2, "n/a"), (3, "Navy - NA")] == rows_of(batches, "color")


def test_rows_that_cannot_be_read_end_a_product() -> None:
    """What is between two parts of a file is not known."""
    first, second = batches_of(SHOPIFY, 3)
    gap = Unread(3, 4, "damaged")
    mapping = source(group_by="Handle")
    parts = list(shaped([first, gap, Batch(7, second.rows, second.cells)], mapping))

    assert [gap] == [part for part in parts if isinstance(part, Unread)]
    assert [(0, "tee"), (7, "skirt"), (9, "belt")] == rows_of(
        (part for part in parts if isinstance(part, Batch)), "Handle"
    )


def test_a_handle_that_comes_again_later_is_another_product() -> None:
    """It is never known that no more will come; its SKU then comes twice, which is told."""
    rows = [{"h": "a"}, {"h": "b"}, {"h": "a"}]

    assert [(0, "a"), (1, "b"), (2, "a")] == rows_of(shaped(batches_of(rows, 3), source(group_by="h")), "h")


def test_a_file_without_the_handle_has_a_product_a_row() -> None:
    """It may be another team's part of the catalog."""
    batches = [Batch(0, 2, {"sku": pa.array(["A", "B"]), "garments": pa.array(["a.jpg", None])})]
    parts = shaped(batches, source(group_by="Handle"))

    assert [(0, "A", ["a.jpg"]), (1, "B", [])] == rows_of(parts, "sku", "garments")


def test_a_column_that_tells_no_products_apart_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million rows of one brand are not held in memory to make one product."""
    monkeypatch.setattr(grouping, "MOST_ROWS", 4)
    rows = [{"brand": "Acme"}] * 7 + [{"brand": "Bolt"}] * 2
    parts = list(shaped(batches_of(rows, 2), source(group_by="brand")))

    assert parts[0] == Unread(
        0, 7, "they all have the brand 'Acme', which is too many for one product; choose another column for group_by"
    )
    assert [(7, "Bolt")] == rows_of(parts[1:], "brand")


URL, URL_2 = "https://x/a.jpg", "https://x/b.jpg"


@pytest.mark.parametrize(
    "column",
    [
        pa.array([URL, f"{URL_2}|{URL}", None]),
        pa.array([URL, URL_2, "N/A"]).dictionary_encode(),
        pa.array([URL, f" {URL_2} ", "-"], pa.large_string()),
        pa.array([[URL, URL_2], None, []]),
        pa.array([[URL, None], [URL_2, ""], [URL]]),
        pa.array([[URL], [URL_2], None], pa.large_list(pa.large_string())),
        pa.array([[{"url": URL}], [{"url": URL_2}, {"url": URL}], None]),
        pa.array([{"src": URL, "width": 1}, {"src": URL_2, "width": 2}, None]),
        pa.array([f'["{URL}"]', f'["{URL_2}"]', "[]"]),
    ],
    ids=lambda column: str(column.type),
)
def test_pictures_of_every_type_are_collected_once(column: pa.Array[Any]) -> None:
    """Whatever an export holds them in."""
    batch = Batch(0, 3, {"h": pa.array(["x", "x", "x"]), "garments": column})
    [(_, pictures)] = rows_of(shaped([batch], source(group_by="h")), "garments")

    assert [URL, URL_2] == references(pictures)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([None, 2.5, 3.0]),
        pa.array([float("nan"), 2.5, None]),
        pa.array([None, "b", "c"]).dictionary_encode(),
        pa.array([None, b"b", b"c"]),
        pa.array([[], ["b"], None]),
        pa.array([None, {"a": 1}, None]),
        pa.array([None, True, False]),
        pa.nulls(3),
    ],
    ids=lambda column: str(column.type),
)
def test_the_first_filled_cell_of_every_type_counts(column: pa.Array[Any]) -> None:
    """Grouping is for all columns that an export may have."""
    expected = next((value for value in cell_values(column) if value not in (None, [])), None)
    for size in (1, 3):
        parts = [Batch(n, size, {"h": pa.repeat("x", size), "c": column.slice(n, size)}) for n in range(0, 3, size)]

        assert [(0, expected)] == rows_of(shaped(parts, source(group_by="h")), "c")


def test_broken_text_stops_no_grouping() -> None:
    """One byte of Latin-1 in a file name, or in a handle."""
    raw = pa.array([b"Ros\xe9", b"Ros\xe9"])
    broken = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    batch = Batch(0, 2, {"h": broken, "garments": broken, "title": broken})
    said = "Ros\N{REPLACEMENT CHARACTER}"

    assert [(0, [said], said)] == rows_of(shaped([batch], source(group_by="h")), "garments", "title")


def test_handles_may_be_numbers() -> None:
    """Pandas writes them as floats where continuation rows have none."""
    batch = Batch(0, 4, {"style": pa.array([1.0, None, 2.0, float("nan")]), "size": pa.array(["S", "M", "S", "M"])})

    assert [(0, 1, "S"), (2, 2, "S")] == rows_of(shaped([batch], source(group_by="style")), "style", "size")


cells = st.sampled_from([None, "", " ", "N/A", "a", "b", " a"])
tables = st.lists(st.fixed_dictionaries({"h": cells, "t": cells, "garments": cells}), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(tables, st.integers(1, 12))
def test_grouping_is_what_a_plain_loop_would_do(rows: list[dict[str, Any]], size: int) -> None:
    """Row by row: a new handle begins a product, anything else adds to it."""
    products: list[dict[str, Any]] = []
    last: str | None = None
    for number, row in enumerate(rows):
        handle = phrase(row["h"]) or last
        if not products or handle != last:
            products.append({"number": number, "t": None, "garments": []})
        last = handle
        products[-1]["t"] = products[-1]["t"] or phrase(row["t"])
        products[-1]["garments"] += [
            each for each in references(row["garments"]) if each not in products[-1]["garments"]
        ]
    schema = pa.schema([(name, pa.string()) for name in ("h", "t", "garments")])
    found = rows_of(shaped(batches_of(rows, size, schema), source(group_by="h")), "t", "garments")

    assert [(each["number"], each["t"], each["garments"]) for each in products] == [
        (number, phrase(title), pictures) for number, title, pictures in found
    ]
