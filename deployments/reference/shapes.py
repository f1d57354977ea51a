"""Pydantic models as tables of their fields: name, type with its bounds, default, meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import models_json_schema

from deployments.reference.markdown import anchor, paragraphs, table

__all__ = ["Shapes"]

HEAD = ("field", "type", "default", "meaning")
BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
}
FORMATS = {"password": "secret", "date-time": "time with its zone", "date": "date", "uri": "http(s) address"}


class Shapes:
    """
    The schemas of some models and of all that is in them.

    `elsewhere` are Markdown links to models that are shown elsewhere, by name.
    """

    def __init__(self, models: Iterable[type[BaseModel]], elsewhere: Mapping[str, str] | None = None) -> None:
        names, document = models_json_schema([(model, "validation") for model in models])
        self._names = {model: names[model, "validation"]["$ref"].rpartition("/")[2] for model in models}
        self._definitions: dict[str, dict[str, Any]] = document["$defs"]
        self._elsewhere = dict(elsewhere or {})
        self._mentioned: list[str] = []
        self._told = set(self._names.values())

    def fields(self, model: type[BaseModel]) -> str:
        """A table of a model's fields; what it mentions is told by `rest`."""
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        return self._table(self._names[model], fields)

    def words(self, model: type[BaseModel]) -> str:
        """What a model says of itself."""
        return _words(self._definitions[self._names[model]])

    def rest(self, level: str = "###") -> str:
        """A section for each model that was mentioned and not told, with those that these mention in turn."""
        sections: list[str] = []
        while self._mentioned:
            name = self._mentioned.pop(0)
            if name not in self._told:
                self._told.add(name)
                sections.append(paragraphs(f"{level} {name}", _words(self._definitions[name]), self._table(name, {})))
        return "\n".join(sections)

    def _table(self, name: str, fields: Mapping[str, FieldInfo]) -> str:
        definition = self._definitions[name]
        required = definition.get("required", ())
        rows = definition.get("properties", {}).items()
        return table(HEAD, (self._row(each, schema, fields.get(each), each in required) for each, schema in rows))

    def _row(self, name: str, schema: Mapping[str, Any], field: FieldInfo | None, required: bool) -> tuple[str, ...]:
        wire = field.serialization_alias if field else None
        title = f"`{name}`" + (f" or `{wire}`" if wire and wire != name else "")
        default = field.get_default(call_default_factory=True) if field and not required else schema.get("default")
        words = schema.get("description") or (field.description if field else None) or ""
        return title, self._type(schema), "required" if required else _default(default), words

    def _type(self, schema: Mapping[str, Any]) -> str:
        if reference := schema.get("$ref"):
            return self._link(reference.rpartition("/")[2])
        for several in ("anyOf", "oneOf", "allOf"):
            if several in schema:
                kinds = [self._type(each) for each in schema[several] if each.get("type") != "null"]
                return " or ".join(dict.fromkeys(kinds))
        if values := schema.get("enum", [schema["const"]] if "const" in schema else []):
            return ", ".join(f"`{value}`" for value in values)
        return ", ".join([self._plain(schema), *_bounds(schema)])

    def _plain(self, schema: Mapping[str, Any]) -> str:
        match schema.get("type"):
            case "array":
                return f"list of {self._type(schema.get('items', {}))}"
            case "object":
                values, names = schema.get("additionalProperties"), schema.get("propertyNames", {})
                by = self._type(names) if "enum" in names or "$ref" in names else "name"
                return (
                    f"{self._type(cast('dict[str, Any]', values))}, by {by}" if isinstance(values, dict) else "mapping"
                )
            case "string":
                return FORMATS.get(schema.get("format", ""), "text")
            case None:
                return "any value"
            case kind:
                return str(kind)

    def _link(self, name: str) -> str:
        if name in self._elsewhere:
            return self._elsewhere[name]
        definition = self._definitions[name]
        if "properties" not in definition:
            return self._type(definition)
        self._mentioned.append(name)
        return f"[{name}](#{anchor(name)})"


def _default(value: Any) -> str:
    """A default as YAML writes it; empty for nothing, and of a model only what it was given."""
    given = value.model_dump(exclude_unset=True, exclude_none=True) if isinstance(value, BaseModel) else value
    return "" if given in (None, "", [], {}) else f"`{_yaml(given)}`"


def _yaml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case dict():
            return f"{{{', '.join(f'{name}: {_yaml(each)}' for name, each in cast('dict[str, Any]', value).items())}}}"
        case list():
            return f"[{', '.join(map(_yaml, cast('list[Any]', value)))}]"
        case _:
            return str(value)


def _words(definition: Mapping[str, Any]) -> str:
    return str(definition.get("description", "")).partition("Example:")[0].strip()


def _bounds(schema: Mapping[str, Any]) -> list[str]:
    told = [
        "not empty" if _asks_for_any(schema, name) else words.format(f"{schema[name]:,}")
        for name, words in BOUNDS.items()
        if name in schema
    ]
    return told + ([f"of the form `{schema['pattern']}`"] if "pattern" in schema else [])


def _asks_for_any(schema: Mapping[str, Any], bound: str) -> bool:
    return bound in ("minLength", "minItems") and schema[bound] == 1
