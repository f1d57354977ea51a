"""Cells of a Parquet column as plain Python values, texts, numbers and picture references."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute

__all__ = [
    "ADDRESS_FIELDS",
    "NOTHING",
    "NO_VALUE",
    "CellError",
    "cell_values",
    "is_blank",
    "is_text",
    "number",
    "phrase",
    "plain_column",
    "plain_texts",
    "references",
    "sound_texts",
    "text",
]

# Typed stubs take arrays and scalars for one another.
pc: Any = pyarrow.compute

# What programs leave where there is nothing; nobody calls a product or a colour so.
NOTHING = frozenset({"", "n/a", "#n/a", "<na>", "nan", "null", "none"})
# What else people write there. As a title or a brand it may be meant, as a SKU or an address it can't be.
NO_VALUE = NOTHING | {"na", "-", "--", "\N{EN DASH}", "\N{EM DASH}"}
_LONGEST_NOTHING = 4
# Longer texts are not looked into for being blank, as trimming a catalog's HTML would copy all of it.
_LONGEST_BLANK_BYTES = 1024
# What a record calls the address of its picture.
ADDRESS_FIELDS = ("url", "src", "href", "uri")
_PLAINER: tuple[tuple[Callable[[pa.DataType], bool], Any], ...] = (
    (pa.types.is_string_view, pa.large_string()),
    (pa.types.is_timestamp, pa.timestamp("us")),
    (pa.types.is_time64, pa.time64("us")),
    (pa.types.is_duration, pa.duration("us")),
)
_QUOTED = re.compile(r"""(['"])(.*?)\1""")
_SEPARATORS = re.compile(r"[\n|,;]")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S", re.IGNORECASE)
_PICTURE_FILE = re.compile(r"\.(jpe?g|png|webp|avif|heic|heif|gif|bmp|tiff?)$", re.IGNORECASE)


class CellError(Exception):
    """A cell that can't be read as what its column is for; the message says why."""


def cell_values(column: pa.Array[Any]) -> list[Any]:
    """
    One column of a batch as Python values that do not depend on how the file happens to store them.

    A whole number is an int in a float or decimal column too (one blank cell makes pandas write floats), NaN is
    None, bytes are text where they are UTF-8, and times are UTC without a zone.
    """
    column = plain_column(column)
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return [None if value is None else _whole(value) for value in column.to_pylist()]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return [None if value is None else _decoded(value) for value in column.to_pylist()]
    try:
        return column.to_pylist()
    except (ValueError, OverflowError):  # invalid UTF-8, or a date that Python's calendar does not have
        return [_cell(scalar) for scalar in column]


def is_blank(column: pa.Array[Any], words: Collection[str] = NOTHING) -> pa.BooleanArray:
    """For each cell whether there is nothing in it, or one of the words (in lower case) for that; never null."""
    cells: Any = plain_column(column)
    kind = cast("pa.DataType", cells.type)
    if pa.types.is_floating(kind):
        return pc.invert(_or_false(pc.is_finite(cells)))
    if _is_list(kind):
        return pc.invert(_or_false(pc.greater(pc.list_value_length(cells), pa.scalar(0))))
    if not is_text(kind):
        return pc.is_null(cells)
    short = _or_false(pc.less_equal(pc.binary_length(cells), pa.scalar(_LONGEST_BLANK_BYTES)))
    trimmed = pc.utf8_lower(pc.utf8_trim_whitespace(sound_texts(pc.if_else(short, cells, None))))
    nothing = pc.and_(short, pc.is_in(trimmed, value_set=pa.array(sorted({"", *words}), pa.string())))
    return pc.or_(pc.is_null(cells), nothing)


def plain_texts(column: pa.Array[Any]) -> pa.StringArray:
    """A column as `phrase` reads each cell: text, stripped, and null where there is nothing."""
    column = plain_column(column)
    if not is_text(column.type):
        return pa.array([phrase(value) for value in cell_values(column)], pa.string())
    trimmed = pc.utf8_trim_whitespace(sound_texts(column))
    return pc.if_else(is_blank(trimmed), pa.scalar(None, pa.string()), trimmed)


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds texts."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def text(value: object) -> str | None:
    """
    A cell as text, stripped; None where there is nothing, or a word for it such as 'N/A' or '-'.

    Raises `CellError` for bytes, lists and records.
    """
    return _text(value, NO_VALUE)


def _text(value: object, nothing: Collection[str]) -> str | None:
    if isinstance(value, str):
        value = value.strip()
        return None if len(value) <= _LONGEST_NOTHING and value.casefold() in nothing else value
    if value is None:
        return None
    if isinstance(value, bytes | list | tuple | dict):
        raise CellError(f"it holds {_named(cast(object, value))}, not text")
    return str(value).lower() if isinstance(value, bool) else str(value)


def phrase(value: object) -> str | None:
    """
    A cell as words for people: a list's entries in a row; None where there is nothing to read.

    Unlike in a SKU or an address, 'NA' and '-' are words here: a brand may be called so.
    """
    if isinstance(value, list):
        return ", ".join(filter(None, map(phrase, cast("list[Any]", value)))) or None
    try:
        return _text(value, NOTHING)
    except CellError:
        return None


def number(value: object) -> int | float | None:
    """A cell as a number; None where it is not one."""
    if isinstance(value, int | float):
        return value
    try:
        return _whole(float(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def references(value: object) -> list[str]:
    """
    The picture references in a cell: one, a list, records with a `url`, JSON, or several in one text.

    Raises `CellError` for anything that is not an address or a path.
    """
    if isinstance(value, str):
        return _in_text(value)
    if value is None:
        return []
    if isinstance(value, list):
        return [reference for entry in cast("list[Any]", value) for reference in references(entry)]
    if isinstance(value, dict):
        return references(_address(cast("dict[str, Any]", value)))
    raise CellError(f"it holds {_named(value)}, not the address of a picture")


def plain_column(column: pa.Array[Any]) -> pa.Array[Any]:
    """The same cells without a dictionary, a text view, or a precision that Python does not have."""
    if isinstance(column, pa.DictionaryArray):
        return plain_column(cast("pa.Array[Any]", column.dictionary_decode()))
    if isinstance(column, pa.ExtensionArray):
        stored = cast("pa.Array[Any]", column.storage)
        return plain_column(stored) if is_text(stored.type) else cast("pa.Array[Any]", column)
    kind = column.type
    for is_kind, plain in _PLAINER:
        if is_kind(kind):
            return column.cast(plain, safe=False)
    # By way of its shortest text: float32 0.1 is 0.1, not 0.10000000149011612.
    return column.cast(pa.string()).cast(pa.float64()) if pa.types.is_float32(kind) else column


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _or_false(mask: Any) -> pa.BooleanArray:
    return pc.coalesce(mask, pa.scalar(False))


def sound_texts(column: pa.Array[Any]) -> pa.StringArray:
    """Text as `pa.string()`; what is no UTF-8 gets replacement characters, as Arrow's functions refuse it."""
    texts = cast("pa.StringArray", column.cast(pa.string()))
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return pa.array(cell_values(texts), pa.string())
    return texts


def _whole(value: float | Decimal) -> int | float | None:
    if not math.isfinite(value):
        return None
    whole = int(value)
    return whole if whole == value else float(value)


def _decoded(value: bytes) -> str | bytes:
    try:
        words = value.decode()
    except UnicodeDecodeError:
        return value
    return value if "\0" in words else words


def _cell(scalar: pa.Scalar[Any]) -> object:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        if isinstance(scalar, pa.StringScalar | pa.LargeStringScalar):
            return scalar.as_buffer().to_pybytes().decode(errors="replace")
        return None


def _in_text(value: str) -> list[str]:
    words = text(value)
    if words is None:
        return []
    if words.startswith(("[", "{")):
        return _in_literal(words)
    if not _SEPARATORS.search(words):
        return [words]
    pieces = [piece.strip() for piece in _SEPARATORS.split(words) if piece.strip()]
    # Addresses and file names may hold commas too, so a text is split only where every piece stands by itself.
    if len(pieces) > 1 and (_all_match(_ADDRESS, pieces) or _all_files(pieces)):
        return pieces
    return [words]


def _in_literal(words: str) -> list[str]:
    try:
        return references(json.loads(words))
    except (ValueError, RecursionError):  # not JSON: a Python list as pandas writes it to CSV, or an odd file name
        return [quoted for _, quoted in _QUOTED.findall(words) if quoted] or [words]


def _all_match(pattern: re.Pattern[str], pieces: Iterable[str]) -> bool:
    return all(pattern.match(piece) for piece in pieces)


def _all_files(pieces: Sequence[str]) -> bool:
    return all(_PICTURE_FILE.search(piece) and "://" not in piece for piece in pieces)


def _address(record: dict[str, Any]) -> str | None:
    for name in ADDRESS_FIELDS:
        if name in record and (record[name] is None or isinstance(record[name], str)):
            return record[name]
    raise CellError(f"it holds {_named(record)}, not the address of a picture")


def _named(value: object) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, dict):
        return f"a record with {', '.join(map(str, cast('dict[Any, Any]', value)))}"
    return "a list" if isinstance(value, list | tuple) else f"{value!r}"
