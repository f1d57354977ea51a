"""How a team's own catalog reads as ours: which of its columns is which, and what its values mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast, get_args

from pydantic import BaseModel, ConfigDict, Field

from blocks.errors import CatalogError
from blocks.operation import Gender

__all__ = [
    "LOGICAL_COLUMNS",
    "PICTURE_COLUMNS",
    "CatalogSource",
    "as_gender",
    "map_columns",
    "translated",
    "vocabulary",
]

PICTURE_COLUMNS = ("top_garment", "bottom_garment", "person_image", "product_image")
LOGICAL_COLUMNS = (
    "sku",
    *PICTURE_COLUMNS,
    "garments",
    "gender",
    "title",
    "category",
    "color",
    "priority",
    "image_version",
)

_GENDER_WORDS: dict[Gender, str] = {
    "woman": "woman women womens women's womenswear female females f w lady ladies",  # codespell:ignore womens
    "man": "man men mens men's menswear male males m gentleman gentlemen",
}
_GENDERS: dict[str, Gender] = {word: gender for gender, words in _GENDER_WORDS.items() for word in words.split()}


class CatalogSource(BaseModel):
    """A catalog, and how its columns and values read as ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str = Field(
        min_length=1,
        title="Catalog",
        description="A Parquet file or a folder of them, as a local path or an s3:// address.",
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="The catalog's own name for a column, where it is not ours: {sku: product_id}. "
        f"Ours are {', '.join(LOGICAL_COLUMNS)}.",
    )
    values: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="What the catalog's own values mean, by our column: {gender: {Damen: woman, Herren: man}}.",
    )


def map_columns(source: CatalogSource, available: Sequence[str]) -> dict[str, str]:
    """
    Find the catalog's own column for each of ours that it has.

    A column that is not mapped is found by our name, in any case. Raises `CatalogError` for a name of ours that
    does not exist, a column that the catalog does not have, and a catalog without a `sku`.
    """
    _check_ours(source)
    mapped = {ours: _existing(ours, theirs, available) for ours, theirs in source.columns.items()}
    for ours in LOGICAL_COLUMNS:
        if ours not in mapped and (namesake := _namesake(ours, available)):
            mapped[ours] = namesake
    if "sku" not in mapped:
        raise CatalogError(
            f"the catalog has no column 'sku' (it has {_listed(available)})",
            next_step="Name the column that identifies a product, as in columns: {sku: product_id}.",
        )
    return mapped


def vocabulary(source: CatalogSource) -> dict[str, dict[str, str]]:
    """What the team's values mean, by our column; their words are in lower case."""
    words = {ours: {_word(theirs): value for theirs, value in table.items()} for ours, table in source.values.items()}
    genders = words["gender"].items() if "gender" in words else ()
    for theirs, value in genders:
        if value not in get_args(Gender):
            raise CatalogError(
                f"values: gender maps {theirs!r} to {value!r}, which is neither woman nor man",
                next_step="Leave out the words that are neither.",
            )
    return words


def as_gender(text: str | None) -> Gender | None:
    """The gender that a usual English word or letter stands for; None for unisex, children's and all others."""
    word = _word(text or "")
    return _GENDERS.get(word)


def translated(cells: Iterable[Any], words: Mapping[str, str]) -> list[Any]:
    """Put our value where the team's own has one; everything else stays."""
    return [words.get(_word(str(cell)), cell) if isinstance(cell, str | int | float) else cell for cell in cells]


def _word(text: str) -> str:
    return text.strip().casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def _check_ours(source: CatalogSource) -> None:
    for setting, names in (("columns", source.columns), ("values", source.values)):
        for name in cast("Collection[str]", names):
            if name not in LOGICAL_COLUMNS:
                raise CatalogError(
                    f"{setting}: {name!r} is not one of our columns{_suggestion(name, LOGICAL_COLUMNS)}",
                    next_step=f"Ours are {', '.join(LOGICAL_COLUMNS)}; write ours first, then the catalog's own.",
                )


def _existing(ours: str, theirs: str, available: Sequence[str]) -> str:
    if theirs in available:
        return theirs
    raise CatalogError(
        f"columns: {ours} is mapped to {theirs!r}, which the catalog does not have{_suggestion(theirs, available)}",
        next_step=f"Its columns are {_listed(available)}.",
    )


def _namesake(ours: str, available: Sequence[str]) -> str | None:
    if ours in available:
        return ours
    alike = [name for name in available if name.strip().casefold() == ours]
    return alike[0] if len(alike) == 1 else None


def _suggestion(name: str, known: Sequence[str]) -> str:
    by_word = {_word(each): each for each in known}
    near = [by_word[word] for word in get_close_matches(_word(name), by_word, n=3)]
    return f" (did you mean {' or '.join(repr(each) for each in near)}?)" if near else ""


def _listed(names: Sequence[str], most: int = 40) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more
