"""The file given as `--config`, right and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.errors import CatalogError
from catalogs.conditions import Condition
from deployments.cli.config import load_config

MAPPING = """
columns: { sku: Handle, garments: Image Src, title: 2024 }
values: { gender: { Damen: woman, "NO": woman } }
constants: { category: dress }
blanks: [NA, "-"]
group_by: Handle
where:
  - { column: Status, is: active }
  - { column: Country, in: [NO, SE] }
"""


def written(folder: Path, text: str) -> Path:
    """A file with this text."""
    path = folder / "mapping.yaml"
    path.write_text(text)
    return path


def test_a_mapping_reads_as_it_is_written(tmp_path: Path) -> None:
    """All of it reaches the catalog."""
    source = load_config(written(tmp_path, MAPPING)).source("catalog.parquet")

    assert source.uri == "catalog.parquet"
    assert source.columns == {"sku": "Handle", "garments": "Image Src", "title": "2024"}
    assert (source.constants, source.blanks, source.group_by) == ({"category": "dress"}, ["NA", "-"], "Handle")
    assert source.where == [
        Condition.model_validate({"column": "Status", "is": "active"}),
        Condition.model_validate({"column": "Country", "in": [False, "SE"]}),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("columnz: {}", "columnz: there is no such field (did you mean 'columns'?)"),
        ("where: [{columnz: a, is: b}]", "where.0.columnz: there is no such field (did you mean 'column'?)"),
        ("where: [{column: a, isnot: b}]", "where.0.isnot: there is no such field (did you mean 'is_not'?)"),
        ("where: [{column: a}]", "where.0: the condition on 'a' needs exactly one of is, is_not, in"),
        ("where: {column: a}", "where: Input should be a valid list"),
        ("values: {gender: {yes: woman}}", "values.gender.1.[key]: Input should be a valid string; YAML reads yes"),
        ("columns: [sku]", "columns: Input should be a valid dictionary"),
        ("- a", "the file: "),
    ],
)
def test_a_mistake_is_named_by_its_place(tmp_path: Path, text: str, says: str) -> None:
    """With what was meant, and the fields there are."""
    with pytest.raises(CatalogError) as caught:
        load_config(written(tmp_path, text))

    assert f"can't be used: {says}" in str(caught.value)
    assert "Its fields are: columns, values, constants, blanks, group_by, where, accounts" in str(caught.value)
