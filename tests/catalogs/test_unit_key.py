"""What unit keys depend on, and what they must not."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs.unit_key import result_identity, source_identity, unit_key

TEXTS = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=12)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
DOCUMENTS = st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4)
# What `PictureSources.resolve` can give: no control characters.
ADDRESSES = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)

GOLDEN = ("claid.scene", 1, {"scene": {"prompt": "Straße, 7 €"}, "steps": 10}, {"picture": ["https://a/b.png"]})
GOLDEN_KEY = "2d774ffd1f4a8c97509455658608ddffccf079a2619cc0b3b0e0ec2a7517c6a7"


def reversed_inside(value: Any) -> Any:
    """The same document with every mapping in the opposite order."""
    if isinstance(value, dict):
        return {name: reversed_inside(inner) for name, inner in reversed(value.items())}
    return [reversed_inside(inner) for inner in value] if isinstance(value, list) else value


def changed(value: Any) -> Any:
    """The value with one leaf changed."""
    if value and isinstance(value, dict):
        first = next(iter(value))
        return value | {first: changed(value[first])}
    if value and isinstance(value, list):
        return [changed(value[0]), *value[1:]]
    if isinstance(value, bool):
        return not value
    return f"{value}x"


def test_the_key_stays_the_same_over_releases() -> None:
    """A change here pays for every picture again: raise an operation's version instead, where only that one changed."""
    assert unit_key(*GOLDEN) == GOLDEN_KEY


def test_the_key_is_the_same_in_every_process() -> None:
    """Python's own hash differs between processes; the key does not."""
    code = f"from catalogs.unit_key import unit_key; print(unit_key(*{GOLDEN!r}))"
    environment = os.environ | {"PYTHONHASHSEED": "12345", "PYTHONPATH": os.getcwd(), "PYTHONUTF8": "1"}  # noqa: PTH109
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert printed.stdout.strip() == GOLDEN_KEY


@given(DOCUMENTS, DOCUMENTS)
@settings(deadline=None)
def test_the_order_of_names_does_not_matter(options: dict[str, Any], inputs: dict[str, Any]) -> None:
    """The same inputs have the same key, however their mappings are ordered."""
    expected = unit_key("claid.edit", 1, options, inputs)

    assert unit_key("claid.edit", 1, reversed_inside(options), reversed_inside(inputs)) == expected


@given(DOCUMENTS, DOCUMENTS)
@settings(deadline=None)
def test_any_single_change_makes_another_key(options: dict[str, Any], inputs: dict[str, Any]) -> None:
    """Operation, version, an option, an input: each decides the picture."""
    keys = {
        unit_key("claid.edit", 1, options, inputs),
        unit_key("claid.scene", 1, options, inputs),
        unit_key("claid.edit", 2, options, inputs),
        unit_key("claid.edit", 1, changed(options), inputs),
        unit_key("claid.edit", 1, options, changed(inputs)),
        unit_key("claid.edit", 1, options | {"another": 1}, inputs | {"yet another": 1}),
    }

    assert len(keys) == 6


@given(st.integers(min_value=-(2**53), max_value=2**53))
def test_a_whole_number_has_one_spelling(number: int) -> None:
    """A form sends 1 for what YAML reads as 1.0; neither is paid for twice."""
    whole, pointed = ({"extra": {"strength": [value]}} for value in (number, float(number)))

    assert unit_key("vmake.fashion_model", 1, pointed, {}) == unit_key("vmake.fashion_model", 1, whole, {})


def test_true_is_not_one() -> None:
    """A switch and a number are different options."""
    assert unit_key("x", 1, {"a": True}, {}) != unit_key("x", 1, {"a": 1}, {})


@given(ADDRESSES, st.none() | TEXTS, ADDRESSES, st.none() | TEXTS)
@settings(deadline=None)
def test_no_two_versions_of_addresses_are_mixed_up(
    uri: str, version: str | None, other: str, other_version: str | None
) -> None:
    """`a@b` in version `c` is not `a` in version `b@c`; a blank version is none."""
    same = source_identity(uri, version) == source_identity(other, other_version)

    assert same == (uri == other and (version or None) == (other_version or None))


@pytest.mark.parametrize(
    ("signed", "plain"),
    [
        (
            "https://b.s3.amazonaws.com/a.png?X-Amz-Algorithm=AWS4&versionId=7&X-Amz-Expires=900&X-Amz-Signature=abc",
            "https://b.s3.amazonaws.com/a.png?versionId=7",
        ),
        (
            "https://cdn.example/a.png?w=800&Expires=1777&Signature=abc~&Key-Pair-Id=K1",
            "https://cdn.example/a.png?w=800",
        ),
        (
            "https://storage.googleapis.com/b/a.png?X-Goog-Date=1&X-Goog-Signature=2",
            "https://storage.googleapis.com/b/a.png",
        ),
        (
            "https://x.blob.core.windows.net/c/a.png?sv=2026&se=2026-05-01&sr=b&sp=r&sig=a%2Fb",
            "https://x.blob.core.windows.net/c/a.png",
        ),
    ],
)
def test_a_link_signed_anew_is_the_same_picture(signed: str, plain: str) -> None:
    """A catalog exported every night with fresh links is not paid for every night."""
    assert source_identity(signed, None) == plain


@pytest.mark.parametrize(
    "uri",
    [
        "https://cdn.example/a.png?expires=never&policy=wide",
        "https://cdn.example/a.png?v=2&se=1",
        "https://cdn.example/signature=1.png",
        "s3://bucket/a.png?sig=1&se=2",
        "https://cdn.example/a.png?",
    ],
)
def test_an_address_that_is_not_signed_is_kept_whole(uri: str) -> None:
    """Whatever else a query says may decide which picture is meant."""
    assert source_identity(uri, None) == uri


def test_a_result_is_known_by_its_unit_and_the_pick() -> None:
    """Another candidate of the same unit is another picture, and no result looks like an address."""
    assert len({result_identity("k", 1), result_identity("k", 2), result_identity("l", 1)}) == 3
    assert result_identity("k", 1).startswith("unit:")
