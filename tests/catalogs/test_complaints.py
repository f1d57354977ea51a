"""How Pydantic's findings are told by the names of the document."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from catalogs.complaints import complaints


class Leaf(BaseModel):
    """One branch of a union."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["leaf"]
    size: int = Field(ge=1)


class Stem(BaseModel):
    """The other branch."""

    kind: Literal["stem"]
    long: bool


class Label(BaseModel):
    """A text with a colour."""

    text: str = Field(min_length=2)


class Shape(BaseModel):
    """A branch that is called like its own field."""

    prompt: Annotated[str, Field(min_length=3)] | Label
    steps: int = Field(default=1, le=9)


class Plant(BaseModel):
    """A document with lists, unions and plain fields."""

    name: str
    parts: list[Annotated[Leaf | Stem, Field(discriminator="kind")]] = []
    shape: Annotated[Annotated[Shape, Tag("prompt")], Discriminator(lambda _: "prompt")] | None = None


def told(document: Any) -> str:
    """What is said of a document that can't be used."""
    with pytest.raises(ValidationError) as caught:
        Plant.model_validate(document)
    return complaints(document, caught.value)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, "name: Field required"),
        (["a"], "Input should be a mapping of names to values (given: ['a'])"),
        ({"name": 7}, "name: Input should be a valid string (given: 7)"),
        (
            {"name": "a", "parts": [{"name": "tip", "kind": "leaf", "size": 0}]},
            (
                "parts.tip.size: Input should be greater than or equal to 1 (given: 0); "
                "parts.tip.name: Extra inputs are not permitted (given: 'tip')"
            ),
        ),
        ({"name": "a", "parts": [{"kind": "stem", "long": True}, {"kind": "leaf"}]}, "parts.1.size: Field required"),
        ({"name": "a", "parts": [{}]}, "parts.0: 'kind' is missing (given: {})"),
        (
            {"name": "a", "parts": [{"kind": "leav"}]},
            "parts.0: 'kind' 'leav' is none of leaf, stem (did you mean 'leaf'?)",
        ),
        ({"name": "a", "parts": [{"kind": "root"}]}, "parts.0: 'kind' 'root' is none of leaf, stem"),
        (
            {"name": "a", "shape": {"prompt": "ab"}},
            "shape.prompt: String should have at least 3 characters (given: 'ab')",
        ),
        (
            {"name": "a", "shape": {"prompt": {"text": "x"}}},
            "shape.prompt.text: String should have at least 2 characters (given: 'x')",
        ),
        (
            {"name": "a", "shape": {"prompt": "abc", "steps": 10}},
            "shape.steps: Input should be less than or equal to 9 (given: 10)",
        ),
    ],
)
def test_a_complaint_names_place_fault_and_value(document: Any, expected: str) -> None:
    """Unions tell of the branch that was meant, and their own tags are no places."""
    assert told(document) == expected


def test_a_long_value_is_cut_and_many_faults_are_counted() -> None:
    """A message stays readable, whatever was sent."""
    document = {"name": ["x" * 500], "parts": [{"name": f"n{number}", "kind": "leaf"} for number in range(4)]}

    assert told(document).startswith(f"name: Input should be a valid string (given: ['{'x' * 78}); parts.n0.size: ")
    assert told(document).endswith("; and 4 more")
