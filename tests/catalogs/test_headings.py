"""Names by which every column of a file can be meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogs.headings import usable_names


@pytest.mark.parametrize(
    ("names", "usable"),
    [
        (["sku", "title"], ["sku", "title"]),
        (["title", "title", "title"], ["title", "title (2)", "title (3)"]),
        (["title", "title", "title (2)"], ["title", "title (3)", "title (2)"]),
        (["", "sku", " ", ""], ["column 1", "sku", "column 3", "column 4"]),
        (["column 2", ""], ["column 2", "column 2 (2)"]),
        ([" Title ", "Title"], [" Title ", "Title"]),
        ([], []),
    ],
)
def test_a_name_that_is_there_twice_or_empty_is_made_up(names: list[str], usable: list[str]) -> None:
    """A column's own name is kept wherever it can be."""
    assert usable == usable_names(names)


@given(st.lists(st.sampled_from(["", " ", "a", "a (2)", "column 1", "column 2 (2)", "b"]), max_size=9))
def test_each_name_is_there_once(names: list[str]) -> None:
    """Whatever the file calls its columns."""
    usable = usable_names(names)

    assert len(names) == len(set(usable)) == len(usable)
    assert all(name.strip() for name in usable)
