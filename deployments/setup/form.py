"""The form of a flow's parameters, as Prefect's pages show it and its server checks what was filled in."""

from __future__ import annotations

from typing import Any, cast

from prefect import Flow
from prefect.utilities.callables import parameter_schema

__all__ = ["form_of"]

BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern")
NOTHING = {"type": "null"}

Schema = dict[str, Any]


def form_of(flow: Flow[..., Any]) -> Schema:
    """The flow's parameters as JSON schema; Prefect's own lets a parameter that there is not pass."""
    told = parameter_schema(flow.fn).model_dump_for_openapi()
    return {**_in_order(told), "additionalProperties": False}


def _in_order(schema: Schema) -> Schema:
    """The schema and its definitions with fields that say their place: PostgreSQL keeps no order, and forms go by it."""
    fields = cast("dict[str, Schema]", schema.get("properties", {}))
    models = cast("dict[str, Schema]", schema.get("definitions", {}))
    ordered = {name: {**_bounded(field), "position": place} for place, (name, field) in enumerate(fields.items())}
    within = {name: _in_order(model) for name, model in models.items()}
    return {**schema, **({"properties": ordered} if fields else {}), **({"definitions": within} if models else {})}


def _bounded(field: Schema) -> Schema:
    """
    A field that may be empty, with its bounds beside its types instead of within them: they mean the same.

    A page then says "0 is less than the minimum of 1", and not "0 is not valid under any of the given schemas".
    """
    choices = cast("list[Schema]", field.get("anyOf", []))
    if len(choices) != 2 or NOTHING not in choices:  # noqa: PLR2004 - a type and nothing
        return field
    some = next(choice for choice in choices if choice != NOTHING)
    bounds = {name: bound for name, bound in some.items() if name in BOUNDS}
    unbounded = {name: value for name, value in some.items() if name not in BOUNDS}
    return {**field, **bounds, "anyOf": [unbounded if choice is some else choice for choice in choices]}
