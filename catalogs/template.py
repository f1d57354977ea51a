"""Text options as templates over a row's columns: `{color} {title|garment}, marble countertop`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from pydantic import JsonValue, ValidationError

from blocks.errors import RecipeError
from blocks.operation import Options
from catalogs.cells import phrase
from catalogs.complaints import complaints

__all__ = ["Blank", "columns_in", "columns_of", "filled", "render_options", "unknown_columns", "wire_of"]

OptionsT = TypeVar("OptionsT", bound=Options)

# A brace that stands for itself, a placeholder, or a brace that is out of place.
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class Blank(RecipeError):
    """
    A row is blank in a column that a text option needs; `place` is the column and its value.

    Costs: nothing.
    Next: fill the cell, or write `{column|text}` in the recipe.
    """

    def __init__(self, what: str, *, place: tuple[str, str] = ("", ""), next_step: str | None = None) -> None:
        super().__init__(what, next_step=next_step)
        self.place = place


class _Piece(NamedTuple):
    """Literal text, then a column's value; `fallback` stands in where the row is blank."""

    text: str
    column: str | None = None
    fallback: str | None = None


@lru_cache(maxsize=1024)
def _parse(template: str) -> tuple[_Piece, ...]:
    return tuple(_pieces(template))


def _pieces(template: str) -> Iterator[_Piece]:
    end = 0
    for found in _BRACES.finditer(template):
        text, end = template[end : found.start()], found.end()
        if found[0] in ("{{", "}}"):
            yield _Piece(text + found[0][0])
        else:
            yield _placeholder(template, text, found[1])
    yield _Piece(template[end:])


def _placeholder(template: str, text: str, inside: str | None) -> _Piece:
    column, bar, fallback = (inside or "").partition("|")
    if not column.strip():
        raise RecipeError(
            f"the text {template!r} has a brace that is not part of a {{column}}",
            next_step="Write {column} or {column|text for blank rows}, and a brace itself as {{ or }}.",
        )
    return _Piece(text, column.strip(), fallback if bar else None)


def columns_of(options: Options) -> set[str]:
    """The columns that the text options name; raises `RecipeError` for a text that is no template."""
    return columns_in(wire_of(options))


def columns_in(value: JsonValue) -> set[str]:
    """The columns that the texts in a value name; raises as `columns_of` does."""
    return {piece.column for text in _texts(value) for piece in _parse(text) if piece.column}


def unknown_columns(value: JsonValue, known: Iterable[str]) -> list[str]:
    """For each column that is not in the catalog and has no text to stand in, its name with the nearest ones."""
    names = list(known)
    needed = {piece.column for text in _texts(value) for piece in _parse(text) if piece.fallback is None}
    missing = sorted(column for column in needed - {None, *names} if column)
    return [_suggest(column, names) for column in missing]


def render_options(options: OptionsT, columns: Mapping[str, Any]) -> OptionsT:
    """
    Fill the templates from one row, which has every column that they name without a fallback.

    Raises `Blank` for a blank column without a fallback, `RecipeError` when the filled text leaves the option's range.
    """
    wire = wire_of(options)
    if not any("{" in text or "}" in text for text in _texts(wire)):
        return options
    whole = _fill(wire, columns)
    try:
        return type(options).model_validate(whole)
    except ValidationError as error:
        raise RecipeError(
            f"once filled from the row, the options can't be used: {complaints(whole, error)}",
            next_step="Change the row's text or the recipe's template.",
        ) from error


def wire_of(options: Options) -> JsonValue:
    """The options as the vendor gets them, by its own names."""
    return options.model_dump(mode="json", by_alias=True, exclude_none=True)


def _texts(value: JsonValue) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def filled(template: str, columns: Mapping[str, Any]) -> str:
    """One text filled from a row; raises `Blank` for a blank column without a fallback."""
    pieces = _parse(template)
    return "".join([text + _value(column, other, columns) if column else text for text, column, other in pieces])


def _fill(value: JsonValue, columns: Mapping[str, Any]) -> JsonValue:
    if isinstance(value, str):
        return filled(value, columns)
    if isinstance(value, dict):
        return {name: _fill(inner, columns) for name, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, columns) for inner in value]
    return value


def _value(column: str, fallback: str | None, columns: Mapping[str, Any]) -> str:
    if words := phrase(columns.get(column)):
        return words
    if fallback is None:
        raise Blank(
            f"a text option needs column {column!r}, which is blank in this row",
            place=(column, ""),
            next_step=f"Fill the column, or give the recipe a text for blank rows: {{{column}|text}}.",
        )
    return fallback


def _suggest(column: str, known: list[str]) -> str:
    near = get_close_matches(column, known, n=2)
    return f"{column!r}" + (f" (did you mean {' or '.join(repr(name) for name in near)}?)" if near else "")
