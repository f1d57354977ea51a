"""Cells of a Parquet column as plain Python values, texts, numbers and picture references."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa

__all__ = ["CellError", "cell_values", "number", "phrase", "references", "text"]

# What spreadsheets and data frames leave where there is nothing.
_NOTHING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null", "none"})
_LONGEST_NOTHING = 4
_ADDRESS_FIELDS = ("url", "src", "href", "uri")
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
    column = _plain(column)
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return [None if value is None else _whole(value) for value in column.to_pylist()]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return [None if value is None else _decoded(value) for value in column.to_pylist()]
    try:
        return column.to_pylist()
    except (ValueError, OverflowError):  # invalid UTF-8, or a date that Python's calendar does not have
        return [_cell(scalar) for scalar in column]


def text(value: object) -> str | None:
    """
    A cell as text, stripped; None where there is nothing, or a word for it such as 'N/A'.

    Raises `CellError` for bytes, lists and records.
    """
    if isinstance(value, str):
        value = value.strip()
        return None if len(value) <= _LONGEST_NOTHING and value.casefold() in _NOTHING else value
    if value is None:
        return None
    if isinstance(value, bytes | list | tuple | dict):
        raise CellError(f"it holds {_named(cast(object, value))}, not text")
    return str(value).lower() if isinstance(value, bool) else str(value)


def phrase(value: object) -> str | None:
    """A cell as words for people: a list's entries in a row; None where there is nothing to read."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(phrase, cast("list[Any]", value)))) or None
    try:
        return text(value)
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


def _plain(column: pa.Array[Any]) -> pa.Array[Any]:
    if isinstance(column, pa.DictionaryArray):
        return _plain(cast("pa.Array[Any]", column.dictionary_decode()))
    kind = column.type
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us"), safe=False)
    if pa.types.is_time64(kind):
        return column.cast(pa.time64("us"), safe=False)
    if pa.types.is_duration(kind):
        return column.cast(pa.duration("us"), safe=False)
    # By way of its shortest text: float32 0.1 is 0.1, not 0.10000000149011612.
    return column.cast(pa.string()).cast(pa.float64()) if pa.types.is_float32(kind) else column


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
    for name in _ADDRESS_FIELDS:
        if name in record and (record[name] is None or isinstance(record[name], str)):
            return record[name]
    raise CellError(f"it holds {_named(record)}, not the address of a picture")


def _named(value: object) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, dict):
        return f"a record with {', '.join(map(str, cast('dict[Any, Any]', value)))}"
    return "a list" if isinstance(value, list | tuple) else f"{value!r}"
