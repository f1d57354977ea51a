"""Which products of a catalog are wanted: conditions on its own columns, as a mapping's `where` lists them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self, cast

import pyarrow as pa
import pyarrow.compute
from pydantic import BaseModel, ConfigDict, Field, model_validator

from catalogs.cells import is_blank, plain_texts

__all__ = ["Condition", "Word"]

# Typed stubs take arrays and scalars for one another.
pc: Any = pyarrow.compute

Word = str | int | float | bool

# YAML reads yes, no, on and off as true and false.
_TRUTHS = {True: ("true", "yes", "on"), False: ("false", "no", "off")}
_WHOLE_NUMBER = r"^([+-]?\d+)\.0+$"


class Condition(BaseModel):
    """What one column must hold: upper or lower case and spaces around a cell make no difference."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )

    column: str = Field(description="The catalog's own name of the column.")
    is_: Word | None = Field(default=None, alias="is", description="The cell is this.")
    is_not: Word | None = Field(default=None, description="The cell is anything but this; it may be blank.")
    in_: list[Word] | None = Field(default=None, alias="in", min_length=1, description="The cell is one of these.")
    not_in: list[Word] | None = Field(
        default=None, min_length=1, description="The cell is none of these; it may be blank."
    )
    contains: str | None = Field(default=None, min_length=1, description="The cell has this somewhere in it.")
    filled: bool | None = Field(default=None, description="Whether the cell must hold something.")
    blank: bool | None = Field(default=None, description="Whether the cell must hold nothing.")

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        given = [name for name in type(self).model_fields if name != "column" and getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"the condition on {self.column!r} needs exactly one of is, is_not, in, not_in, contains, filled, blank"
            )
        return self

    def holds(self, column: pa.Array[Any]) -> pa.BooleanArray:
        """For each cell whether it is as wanted; never null."""
        if self.filled is not None or self.blank is not None:
            nothing = is_blank(column)
            return nothing if self.blank or self.filled is False else pc.invert(nothing)
        cells = plain_texts(column)
        if self.contains is not None:
            return _sure(pc.match_substring(cells, self.contains, ignore_case=True))
        wanted = self.in_ or self.not_in or [cast("Word", self.is_ if self.is_ is not None else self.is_not)]
        found = _sure(pc.is_in(_comparable(cells), value_set=pa.array(list(_spellings(wanted)), pa.string())))
        return found if self.in_ or self.is_ is not None else pc.invert(found)


def _spellings(words: Iterable[Word]) -> Iterable[str]:
    for word in words:
        if isinstance(word, bool):
            yield from _TRUTHS[word]
        else:
            yield str(_comparable(pa.array([str(word).strip()], pa.string()))[0])


def _comparable(cells: pa.StringArray) -> pa.StringArray:
    return pc.utf8_lower(pc.replace_substring_regex(cells, _WHOLE_NUMBER, r"\1"))


def _sure(mask: pa.BooleanArray) -> pa.BooleanArray:
    return pc.coalesce(mask, pa.scalar(False))
