"""Conditions of a mapping's `where` on cells of every type."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from catalogs.conditions import Condition

STATUS = pa.array(["active", " ACTIVE ", "draft", "", None, "N/A"])
NUMBERS = pa.array([1.0, 2.5, None, float("nan"), 0.0, 10.0])
TEXTS = pa.array(["1", "2.50", "1.0", " 1.00", "one", "10"])


def held(test: dict[str, Any], column: pa.Array[Any]) -> list[int]:
    """The places of the cells for which the test holds."""
    mask = Condition.model_validate({"column": "c", **test}).holds(column)

    assert mask.null_count == 0
    return [place for place, holds in enumerate(mask.to_pylist()) if holds]


@pytest.mark.parametrize(
    ("test", "column", "places"),
    [
        ({"is": "Active"}, STATUS, [0, 1]),
        ({"is_not": "active"}, STATUS, [2, 3, 4, 5]),
        ({"in": ["draft", "ACTIVE"]}, STATUS, [0, 1, 2]),
        ({"not_in": ["draft"]}, STATUS, [0, 1, 3, 4, 5]),
        ({"contains": "ACT"}, STATUS, [0, 1]),
        ({"contains": "."}, STATUS, []),
        ({"filled": True}, STATUS, [0, 1, 2]),
        ({"blank": True}, STATUS, [3, 4, 5]),
        ({"filled": False}, STATUS, [3, 4, 5]),
        ({"blank": False}, STATUS, [0, 1, 2]),
        ({"is": 1}, NUMBERS, [0]),
        ({"is": "1"}, NUMBERS, [0]),
        ({"in": [0, 2.5]}, NUMBERS, [1, 4]),
        ({"filled": True}, NUMBERS, [0, 1, 4, 5]),
        ({"is": 1}, TEXTS, [0, 2, 3]),
        ({"is": "1.0"}, TEXTS, [0, 2, 3]),
        ({"is": True}, pa.array([True, False, None]), [0]),
        ({"is": True}, pa.array(["TRUE", "yes", "no"]), [0, 1]),
        ({"in": [False, "SE"]}, pa.array(["NO", "se", "DK"]), [0, 1]),
        ({"is": "a"}, pa.array(["a", "b", None]).dictionary_encode(), [0]),
        ({"is": "a"}, pa.array(["a"], pa.large_string()), [0]),
        ({"is": "a"}, pa.array(["a"], pa.string_view()), [0]),
        ({"contains": "b"}, pa.array([["a", "b"], None, []]), [0]),
        ({"filled": True}, pa.array([["a", "b"], None, []]), [0]),
        ({"blank": True}, pa.nulls(2), [0, 1]),
        ({"is_not": "a"}, pa.nulls(2), [0, 1]),
        ({"contains": "x"}, pa.array(["x" * 20_000, "y" * 20_000]), [0]),
    ],
)
def test_a_condition_is_read_as_a_person_would(test: dict[str, Any], column: pa.Array[Any], places: list[int]) -> None:
    """Case, spaces and how a file stores its numbers make no difference; a blank cell is not anything."""
    assert places == held(test, column)


def test_broken_text_is_compared_as_far_as_it_can_be_read() -> None:
    """One byte of Latin-1 does not stop a run."""
    raw = pa.array([b"Ros\xe9", b"tea"])

    assert [1] == held({"is": "tea"}, pa.Array.from_buffers(pa.string(), 2, raw.buffers()))


@pytest.mark.parametrize("tests", [{}, {"is": "a", "blank": True}, {"is": "a", "is_not": "b"}])
def test_a_condition_has_one_test(tests: dict[str, Any]) -> None:
    """Two would leave open whether both or either is meant."""
    with pytest.raises(ValidationError, match="the condition on 'Status' needs exactly one of is, is_not, in"):
        Condition.model_validate({"column": "Status", **tests})


def test_a_condition_survives_the_way_to_prefect_and_back() -> None:
    """Parameters are kept as JSON, by the names that people write."""
    condition = Condition.model_validate({"column": "Status", "in": ["a", 1, True]})

    assert condition == Condition.model_validate(condition.model_dump(mode="json"))
    assert '"in":["a",1,true]' in condition.model_dump_json()
    assert condition == Condition.model_validate(condition.model_dump(by_alias=False))
