"""Cells of every Parquet type as text, numbers and picture references."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogs.cells import CellError, cell_values, is_blank, number, phrase, plain_texts, references, text

EPOCH = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([1.0, 2.5, None, float("nan"), float("inf")]), [1, 2.5, None, None, None]),
        (pa.array([0.1, 3.0], pa.float32()), [0.1, 3]),
        (pa.array([Decimal("12.00"), Decimal("0.50")], pa.decimal128(10, 2)), [12, 0.5]),
        (pa.array([2**63], pa.uint64()), [2**63]),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        (pa.array(["a"], pa.large_string()), ["a"]),
        (
            pa.array([b"ros\xc3\xa9", b"\xff\xd8\xff", b"\0\0", None], pa.binary()),
            ["rosé", b"\xff\xd8\xff", b"\0\0", None],
        ),
        (pa.array([b"ab"], pa.binary(2)), ["ab"]),
        (pa.array([date(2026, 11, 20)]), [date(2026, 11, 20)]),
        (pa.array([1_000_000_001], pa.timestamp("ns", "Europe/Paris")), [EPOCH + timedelta(seconds=1)]),
        (pa.array([datetime(2026, 1, 1, tzinfo=UTC)]), [datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)]),
        (pa.array([1_001], pa.duration("ns")), [timedelta(microseconds=1)]),
        (pa.array([[1, None], None]), [[1, None], None]),
        (pa.nulls(2), [None, None]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_values_do_not_depend_on_how_a_file_stores_them(column: pa.Array[Any], values: list[Any]) -> None:
    """The same catalog written by another program asks for the same pictures."""
    assert cell_values(column) == values


def test_broken_text_is_kept_as_far_as_it_can_be_read() -> None:
    """One byte of Latin-1 does not lose a batch."""
    raw = pa.array([b"Ros\xe9", b"tea"])
    column = pa.Array.from_buffers(pa.string(), 2, raw.buffers())

    assert cell_values(column) == ["Ros\N{REPLACEMENT CHARACTER}", "tea"]


def test_a_date_that_python_does_not_have_is_blank() -> None:
    """A year of 10,000 or more is a slip of the pen, not a reason to stop."""
    column = pa.array([2**62, 0], pa.timestamp("us"))

    assert cell_values(column) == [None, EPOCH]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("  A-1\t", "A-1"),
        ("0012", "0012"),
        (12345, "12345"),
        (12.5, "12.5"),
        (True, "true"),
        (date(2026, 11, 20), "2026-11-20"),
        *[(nothing, None) for nothing in (None, "", "   ", "NA", "n/a", "N/A", "null", "None", "nan", "#N/A", "<NA>")],
    ],
)
def test_text_is_stripped_and_nothing_is_none(value: Any, expected: str | None) -> None:
    """What spreadsheets leave in blank cells is blank."""
    assert text(value) == expected


@pytest.mark.parametrize("word", ["NA", "na", "-", "\N{EN DASH}", "--"])
def test_words_that_may_be_meant_are_nothing_only_where_they_cannot_be(word: str) -> None:
    """A product called NA does not vanish; a SKU or a picture can't be called so."""
    assert (phrase(word), text(word), references(word)) == (word, None, [])


BLANK_COLUMNS = [
    pa.array(["a", "", " ", "N/A", "#n/a", "NaN", "null", "None", "<NA>", None, "NA", "-", " " * 900, "x" * 19_000]),
    pa.array(["", "a"]).dictionary_encode(),
    pa.array(["", "a"], pa.large_string()),
    pa.array(["", "a"], pa.string_view()),
    pa.array([0.0, None, float("nan"), float("inf"), 1.5]),
    pa.array([0, None, 7]),
    pa.array([Decimal("0.00"), None], pa.decimal128(10, 2)),
    pa.array([[], None, ["a"]]),
    pa.array([[], None, ["a"]], pa.large_list(pa.string())),
    pa.array([False, None]),
    pa.array([None, EPOCH]),
    pa.nulls(2),
]


@pytest.mark.parametrize("column", BLANK_COLUMNS, ids=lambda column: str(column.type))
def test_whole_columns_are_blank_where_their_cells_are(column: pa.Array[Any]) -> None:
    """Columns at once and cells one by one are read alike."""
    singly = [phrase(value) for value in cell_values(column)]

    assert is_blank(column).to_pylist() == [value is None for value in singly]
    assert plain_texts(column).to_pylist() == singly


def test_more_words_may_be_nothing() -> None:
    """A mapping may name its own."""
    assert is_blank(pa.array(["NA", " - ", "a"]), {"na", "-"}).to_pylist() == [True, True, False]


@given(st.lists(st.none() | st.text(max_size=6) | st.sampled_from(["NA", "n/a", " NULL ", "\xa0", "\u3000"])))
def test_any_text_column_is_blank_where_its_cells_are(values: list[str | None]) -> None:
    """Whatever people and programs leave there."""
    column = pa.array(values, pa.string())

    assert plain_texts(column).to_pylist() == [phrase(value) for value in values]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"\xff\xd8", "it holds 2 bytes, not text"),
        (["a"], "it holds a list, not text"),
        ({"bytes": b"", "path": ""}, "it holds a record with bytes, path, not text"),
    ],
)
def test_what_is_no_text_says_what_it_is(value: Any, why: str) -> None:
    """A reason names what the cell holds."""
    with pytest.raises(CellError) as caught:
        text(value)

    assert str(caught.value) == why


def test_a_phrase_joins_a_list() -> None:
    """A category path may be a list; what can't be read is left out."""
    assert phrase(["Women", None, "Dresses", b"\xff"]) == "Women, Dresses"
    assert phrase([]) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [("3", 3), (" 2.5 ", 2.5), ("1e3", 1000), (4, 4), ("high", None), ("nan", None), (None, None), ([1], None)],
)
def test_numbers_are_read_from_text(value: Any, expected: float | None) -> None:
    """What is no number is none."""
    assert number(value) == expected


URL = "https://cdn.example.com/a.jpg"
URL_2 = "https://cdn.example.com/b.jpg"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ("N/A", []),
        (f" {URL} ", [URL]),
        ([URL, None, " ", "N/A", URL_2], [URL, URL_2]),
        ([{"url": URL, "width": 10}, {"src": URL_2}, {"url": None}], [URL, URL_2]),
        ({"href": URL}, [URL]),
        (f'["{URL}", "{URL_2}", null]', [URL, URL_2]),
        (f'[{{"url": "{URL}"}}]', [URL]),
        (f'{{"src": "{URL}"}}', [URL]),
        (f"['{URL}', '{URL_2}']", [URL, URL_2]),
        ("[]", []),
        (f"{URL}, {URL_2}", [URL, URL_2]),
        (f"{URL}|{URL_2}|", [URL, URL_2]),
        (f"{URL}\n{URL_2}", [URL, URL_2]),
        ("s3://b/1.jpg;s3://b/2.jpg", ["s3://b/1.jpg", "s3://b/2.jpg"]),
        ("front.jpg, back.PNG", ["front.jpg", "back.PNG"]),
    ],
)
def test_several_pictures_in_a_cell_are_told_apart(value: Any, expected: list[str]) -> None:
    """Lists come as lists, records, JSON, Python's spelling, or text with separators."""
    assert references(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "https://res.cloudinary.com/demo/image/upload/w_300,h_400/a.jpg",
        "https://cdn.example.com/a.jpg?ids=1,2,3",
        "https://cdn.example.com/w_300,h_300/https://other.example.com/b.jpg",
        "https://cdn.example.com/a.jpg, second.jpg",
        "dress, red.jpg",
        "[1] front.jpg",
        "{draft} front.jpg",
        "[" * 100_000,
    ],
)
def test_one_picture_is_not_torn_apart(value: str) -> None:
    """Addresses and file names may hold commas and brackets."""
    assert references(value) == [value]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"\xff\xd8\xff", "it holds 3 bytes, not the address of a picture"),
        ({"bytes": b"", "path": "a"}, "it holds a record with bytes, path, not the address of a picture"),
        (17, "it holds 17, not the address of a picture"),
        ([URL, 17], "it holds 17, not the address of a picture"),
        ("[1, 2]", "it holds 1, not the address of a picture"),
        ({"url": 3}, "it holds a record with url, not the address of a picture"),
    ],
)
def test_what_is_no_reference_says_what_it_is(value: Any, why: str) -> None:
    """Embedded pictures and numbers are not addresses."""
    with pytest.raises(CellError) as caught:
        references(value)

    assert str(caught.value) == why


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_like)
def test_any_value_is_read_or_refused(value: Any) -> None:
    """Nothing that a cell can hold leads to another error."""
    for read in (text, references):
        with suppress(CellError):
            read(value)

    assert isinstance(phrase(value), str | None)
    assert isinstance(number(value), int | float | None)
