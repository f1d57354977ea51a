"""Looks: the ways in which a recipe shows every item, each with columns and options of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from blocks.errors import RecipeError
from catalogs.mapping import as_gender
from catalogs.rows import Item, read_texts
from catalogs.template import columns_in, filled

__all__ = ["Look", "LookColumns", "patched"]

Overrides = dict[str, JsonValue]


class Look(BaseModel):
    """One way to show every item: what its row says otherwise in this look, and what its stages do otherwise."""

    # Codes that are numbers in YAML are texts all the same.
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,23}$",
        description="What the look is called in tables and file names.",
        examples=["beach"],
    )
    columns: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="What columns say in this look, whatever the row says: ours, the catalog's own, or new ones for "
        "prompts. Texts may name the row's columns, as in '{color} wall'.",
        examples=[{"person_image": "models/anna.jpg", "gender": "woman", "backdrop": "sunny beach"}],
    )
    options: dict[str, Overrides] = Field(
        default_factory=dict[str, Overrides],
        description="Options of stages that differ in this look, by the stage's name; what is not named stays, and "
        "null takes an option away.",
        examples=[{"scene": {"scene": {"aspect_ratio": "1:1"}}}],
    )

    @model_validator(mode="after")
    def _columns_work(self) -> Self:
        if "sku" in self.columns:
            raise ValueError(f"look {self.name!r} sets the column sku, which tells items apart; leave it out.")
        try:
            columns_in(dict(self.columns))
        except RecipeError as error:
            raise ValueError(f"look {self.name!r}: {error}") from error
        gender = self.columns.get("gender", "")
        if gender and not columns_in(gender) and as_gender(gender) is None:
            raise ValueError(f"look {self.name!r}: the gender {gender!r} is neither woman nor man.")
        return self


class LookColumns:
    """
    A look's columns, put in the place of a row's.

    `own_names` are the catalog's names for our columns: either name of a column sets it.
    """

    def __init__(self, look: Look, own_names: Mapping[str, str]) -> None:
        self._name = look.name
        aliases: dict[str, str] = {}
        for name, text in look.columns.items():
            ours = [each for each, own in own_names.items() if own == name]
            aliases |= dict.fromkeys([*ours, own_names.get(name, name)], text)
        self._texts = aliases | look.columns
        self._fixed = None if columns_in(dict(self._texts)) else self._read({})

    def dress(self, item: Item) -> Item:
        """The row's item in this look; raises `Blank` or `CellError` where a text can't be filled from the row."""
        texts, fields = self._fixed or self._read(item.columns)
        return replace(item, look=self._name, columns={**item.columns, **texts}, **fields)

    def _read(self, columns: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        texts = {name: filled(text, columns) for name, text in self._texts.items()}
        fields = read_texts(texts)
        return (texts | {"gender": fields["gender"] or texts["gender"]} if "gender" in fields else texts), fields


def patched(value: JsonValue, patch: JsonValue) -> JsonValue:
    """The value with what the patch names replaced, and what it has as null taken away (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    whole = dict(value) if isinstance(value, dict) else {}
    for name, inner in patch.items():
        if inner is None:
            whole.pop(name, None)
        else:
            whole[name] = patched(whole.get(name), inner)
    return whole
