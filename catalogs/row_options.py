"""A stage's options for row after row: what rows have in common is made and checked once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring  # a text as `json.dumps(…, ensure_ascii=False)` has it
from typing import Annotated, Any, cast

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from blocks.operation import Options
from catalogs.template import filled, render_options, wire_of
from catalogs.unit_key import canonical_json

__all__ = ["RowOptions", "options_json"]


@dataclass(frozen=True, slots=True)
class _Text:
    """A text option that is a template, and what its own field allows."""

    template: str
    allowed: TypeAdapter[Any]


class RowOptions:
    """
    A stage's options as JSON for any row: as the plan has them and as unit keys have them.

    A filled text is checked against its own field alone, since no operation's options check what a text says
    against another option; where that isn't possible, or fails, the row's options are made and checked whole.
    `constant`: they are the same for all rows.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        wire = wire_of(options)
        templates = list(_templates(wire, options))
        self.constant = not templates
        self._simple = all(text is not None for text in templates)
        self._checks = [(text.template, text.allowed.validator.validate_python) for text in templates if text]
        marked = _marked(wire, iter(range(len(templates))))
        self._shown = _split(options_json(marked), len(templates))
        self._canonical = _split(canonical_json(marked), len(templates))

    def of_row(self, columns: Mapping[str, Any]) -> tuple[str, str]:
        """
        As plan and manifest have them, and canonical.

        Raises what `render_options` does.
        """
        if self.constant:
            return self._shown[0][0], self._canonical[0][0]
        texts = self._texts(columns) if self._simple else None
        if texts is None:
            wire = wire_of(render_options(self._options, columns))
            return options_json(wire), canonical_json(wire)
        return _joined(self._shown, texts), _joined(self._canonical, texts)

    def _texts(self, columns: Mapping[str, Any]) -> list[str] | None:
        """The filled texts in JSON; None where one has to be looked at as part of the whole."""
        texts: list[str] = []
        try:
            for template, check in self._checks:
                text = filled(template, columns)
                if check(text) != text:
                    return None
                texts.append(encode_basestring(text))
        except ValidationError:
            return None
        return texts


def options_json(wire: JsonValue) -> str:
    """Options as plan and manifest show them."""
    return json.dumps(wire, ensure_ascii=False, sort_keys=True)


def _is_template(value: JsonValue) -> bool:
    return isinstance(value, str) and ("{" in value or "}" in value)


def _templates(wire: JsonValue, holder: object) -> Iterator[_Text | None]:
    """Each template in the order of the wire form; None for one that is in no plain text field of a model."""
    if isinstance(wire, dict):
        names = _field_names(holder)
        for name, value in wire.items():
            inner = getattr(holder, names[name]) if name in names else None
            if isinstance(value, str) and _is_template(value) and inner == value and isinstance(holder, BaseModel):
                field = type(holder).model_fields[names[name]]
                allowed = _adapter(field)
                yield _Text(value, allowed)
            else:
                yield from _templates(value, inner)
    elif isinstance(wire, list):
        for value in wire:
            yield from _templates(value, None)
    elif _is_template(wire):
        yield None


def _adapter(field: FieldInfo) -> TypeAdapter[Any]:
    """What checks a value as the field does."""
    kind: Any = field.annotation
    if field.metadata:
        kind = cast("Any", Annotated)[(kind, *field.metadata)]
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    return adapter


def _field_names(holder: object) -> dict[str, str]:
    """A model's fields by their names on the wire."""
    if not isinstance(holder, BaseModel):
        return {}
    fields = type(holder).model_fields
    return {field.serialization_alias or field.alias or name: name for name, field in fields.items()}


def _marked(wire: JsonValue, numbers: Iterator[int]) -> JsonValue:
    """The wire form with a mark in the place of each template."""
    if isinstance(wire, dict):
        return {name: _marked(value, numbers) for name, value in wire.items()}
    if isinstance(wire, list):
        return [_marked(value, numbers) for value in wire]
    return _mark(next(numbers)) if _is_template(wire) else wire


def _mark(number: int) -> str:
    # A recipe is written in YAML, which has no such character.
    return f"\0{number}\0"


def _split(document: str, gaps: int) -> tuple[list[str], list[int]]:
    """The document in pieces around its marks, and the numbers of the texts that come between them."""
    marks = {document.index(encode_basestring(_mark(number))): number for number in range(gaps)}
    pieces: list[str] = []
    end = 0
    for start in sorted(marks):
        pieces.append(document[end:start])
        end = start + len(encode_basestring(_mark(marks[start])))
    return [*pieces, document[end:]], [marks[start] for start in sorted(marks)]


def _joined(split: tuple[list[str], list[int]], texts: list[str]) -> str:
    pieces, order = split
    if len(order) == 1:
        return f"{pieces[0]}{texts[0]}{pieces[1]}"
    between = [texts[number] for number in order]
    return "".join([part for pair in zip(pieces, [*between, ""], strict=True) for part in pair])
