"""How a team's own catalog reads as ours: which of its columns is which, and what its values mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast, get_args

from pydantic import BaseModel, ConfigDict, Field

from blocks.errors import CatalogError
from blocks.operation import Gender
from catalogs.conditions import Condition

__all__ = [
    "LOGICAL_COLUMNS",
    "PICTURE_COLUMNS",
    "CatalogMapping",
    "CatalogSource",
    "as_gender",
    "constant_column",
    "did_you_mean",
    "map_columns",
    "namesakes",
    "shaping_columns",
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
    "woman": "woman women womens women's womenswear female females f w lady ladies",
    "man": "man men mens men's menswear male males m gentleman gentlemen",
}
_GENDERS: dict[str, Gender] = {word: gender for gender, words in _GENDER_WORDS.items() for word in words.split()}


class CatalogMapping(BaseModel):
    """How a catalog's own columns, rows and values read as ours."""

    # Column names and codes that are numbers in YAML are texts all the same.
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    columns: dict[str, str] = Field(
        default_factory=dict,
        description="The catalog's own name for a column, where it is not ours: {sku: product_id}. "
        f"Ours are {', '.join(LOGICAL_COLUMNS)}.",
    )
    values: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="What the catalog's own values mean, by our column: {gender: {Damen: woman, Herren: man}}.",
    )
    constants: dict[str, str | list[str]] = Field(
        default_factory=dict,
        description="What is the same for every product and in no column, by our column: {gender: woman}.",
    )
    blanks: list[str] = Field(
        default_factory=list,
        description="Words that stand for nothing in this catalog's text columns, such as NA or a dash.",
    )
    group_by: str | None = Field(
        default=None,
        min_length=1,
        description="The catalog's own column whose equal or blank cells in consecutive rows make one product.",
    )
    where: list[Condition] = Field(
        default_factory=list[Condition],
        description="Only products for which all of these hold: [{column: Status, is: active}].",
    )


def _address_first(schema: dict[str, Any]) -> None:
    fields = schema["properties"]
    schema["properties"] = {"uri": fields["uri"], **fields}


class CatalogSource(CatalogMapping):
    """A catalog, and how its columns, rows and values read as ours."""

    model_config = ConfigDict(json_schema_extra=_address_first)

    uri: str = Field(
        min_length=1,
        title="Catalog",
        description="A Parquet file or a folder of them, as a local path or an s3:// address.",
    )


def map_columns(source: CatalogSource, available: Sequence[str]) -> dict[str, str]:
    """
    Find the catalog's own column for each of ours that it has.

    A column that is not mapped is found by our name, in any case; a constant is found as `constant_column` names it.
    Raises `CatalogError` for a name of ours that does not exist, a column that the catalog does not have, and a
    catalog without a `sku`.
    """
    _check_ours(source)
    _check_constants(source)
    for setting, name in shaping_columns(source):
        _existing(setting, name, available)
    mapped = {ours: _existing(f"columns: {ours}", theirs, available) for ours, theirs in source.columns.items()}
    mapped |= {ours: constant_column(ours) for ours in source.constants}
    for ours in LOGICAL_COLUMNS:
        if ours not in mapped and (namesake := _namesake(ours, available)):
            mapped[ours] = namesake
    if "sku" not in mapped:
        raise CatalogError(
            f"the catalog has no column 'sku' (it has {_listed(available)})",
            next_step="Name the column that identifies a product, as in columns: {sku: product_id}.",
        )
    return mapped


def namesakes(source: CatalogMapping, available: Sequence[str]) -> dict[str, str]:
    """Of these columns, those that are ours by the mapping or by their name; what is missing is no error."""
    named = {ours: theirs for ours, theirs in source.columns.items() if theirs in available}
    taken = {*source.columns, *source.constants}
    alike = {ours: _namesake(ours, available) for ours in LOGICAL_COLUMNS if ours not in taken}
    return named | {ours: theirs for ours, theirs in alike.items() if theirs is not None}


def shaping_columns(source: CatalogMapping) -> list[tuple[str, str]]:
    """The catalog's own columns that decide which rows become which products, each after the setting that names it."""
    grouping = [("group_by", source.group_by)] if source.group_by is not None else []
    return grouping + [("where", condition.column) for condition in source.where]


def constant_column(ours: str) -> str:
    """What the column of a constant is called beside the catalog's own."""
    return f"{ours} (constant)"


def vocabulary(source: CatalogMapping) -> dict[str, dict[str, str]]:
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


def _check_ours(source: CatalogMapping) -> None:
    for setting in ("columns", "values", "constants"):
        for name in cast("Collection[str]", getattr(source, setting)):
            if name not in LOGICAL_COLUMNS:
                raise CatalogError(
                    f"{setting}: {name!r} is not one of our columns{did_you_mean(name, LOGICAL_COLUMNS)}",
                    next_step=f"Ours are {', '.join(LOGICAL_COLUMNS)}; write ours first, then the catalog's own.",
                )


def _check_constants(source: CatalogMapping) -> None:
    for ours, value in source.constants.items():
        if ours == "sku":
            raise CatalogError(
                "constants: sku can't be the same for every product",
                next_step="Name the column that identifies a product, as in columns: {sku: product_id}.",
            )
        if ours in source.columns:
            raise CatalogError(
                f"{ours!r} has a column ({source.columns[ours]!r}) and a constant ({value!r})",
                next_step="Leave one of them out; a constant is for every product.",
            )
        if ours == "gender" and (isinstance(value, list) or as_gender(value) is None):
            raise CatalogError(
                f"constants: gender is {value!r}, which is neither woman nor man",
                next_step="Write woman or man, or leave it out.",
            )


def _existing(setting: str, theirs: str, available: Sequence[str]) -> str:
    if theirs in available:
        return theirs
    raise CatalogError(
        f"{setting} is mapped to {theirs!r}, which the catalog does not have{did_you_mean(theirs, available)}"
        if setting.startswith("columns")
        else f"{setting} names {theirs!r}, which the catalog does not have{did_you_mean(theirs, available)}",
        next_step=f"Its columns are {_listed(available)}.",
    )


def _namesake(ours: str, available: Sequence[str]) -> str | None:
    if ours in available:
        return ours
    alike = [name for name in available if name.strip().casefold() == ours]
    return alike[0] if len(alike) == 1 else None


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """The known names nearest to one that is not, to follow it; nothing where none is near."""
    by_word = {_word(each): each for each in known}
    near = [by_word[word] for word in get_close_matches(_word(name), by_word, n=3)]
    return f" (did you mean {' or '.join(repr(each) for each in near)}?)" if near else ""


def _listed(names: Sequence[str], most: int = 40) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more
