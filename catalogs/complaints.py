"""What Pydantic finds wrong with a document, told by the document's own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

__all__ = ["complaints"]

MOST_TOLD = 5
GIVEN_LIMIT = 80


@dataclass(frozen=True, slots=True)
class _Complaint:
    place: tuple[str, ...]
    text: str
    of_kind: bool
    """Whether it only says that the value is of another kind, which each branch of a union says of the others."""


def complaints(document: object, error: ValidationError) -> str:
    """
    The first five as `place: what is wrong (given: value)`, joined by `;`.

    List entries are called by their `name`; what only Pydantic knows of, such as the branches of a union, is left out.
    """
    found = [_complaint(document, problem) for problem in error.errors(include_url=False)]
    telling = [complaint for complaint in found if not _is_noise(complaint, found)] or found[:1]
    texts = [f"{'.'.join(complaint.place)}: {complaint.text}".removeprefix(": ") for complaint in telling[:MOST_TOLD]]
    more = len(telling) - len(texts)
    return "; ".join(texts) + (f"; and {more} more" if more else "")


def _is_noise(complaint: _Complaint, among: Sequence[_Complaint]) -> bool:
    depth = len(complaint.place)
    near = [other for other in among if other.place[:depth] == complaint.place]
    return complaint.of_kind and any(not other.of_kind for other in near)


def _complaint(document: object, problem: ErrorDetails) -> _Complaint:
    place = _place(document, problem["loc"], missing=problem["type"] == "missing")
    return _Complaint(place, _text(problem), of_kind=problem["type"].endswith("_type"))


def _place(document: object, loc: Sequence[int | str], *, missing: bool) -> tuple[str, ...]:
    names: list[str] = []
    value = document
    for index, part in enumerate(loc):
        following = loc[index + 1 : index + 2]
        if _holds(value, part) and not _is_tag(value, part, following):
            value = _inside(value, part)
            names.append(str(value["name"]) if isinstance(part, int) and _holds(value, "name") else str(part))
        elif missing and not following:
            names.append(str(part))
    return tuple(names)


def _is_tag(value: Any, part: int | str, following: Sequence[int | str]) -> bool:
    """A union's branch may be called like a field: then what follows lies beside that field, not within it."""
    return bool(following) and _holds(value, following[0]) and not _holds(_inside(value, part), following[0])


def _holds(value: object, part: int | str) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(cast("list[Any]", value))


def _inside(value: Any, part: int | str) -> Any:
    return value[part]


def _text(problem: ErrorDetails) -> str:
    message = problem["msg"].removeprefix("Value error, ").removesuffix(".")
    context = problem.get("ctx", {})
    match problem["type"]:
        case "union_tag_not_found":
            message = f"{context['discriminator']} is missing"
        case "union_tag_invalid":
            return _no_such_tag(context)
        case "model_type":
            message = "Input should be a mapping of names to values"
        case _:
            pass
    given = "" if problem["type"] in {"value_error", "missing"} else f" (given: {problem['input']!r:.{GIVEN_LIMIT}})"
    return message + given


def _no_such_tag(context: Mapping[str, Any]) -> str:
    tag, expected = context["tag"], context["expected_tags"].strip("'").split("', '")
    near = get_close_matches(tag, expected, n=1, cutoff=0.75)
    meant = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{context['discriminator']} {tag!r} is none of {', '.join(expected)}{meant}"
