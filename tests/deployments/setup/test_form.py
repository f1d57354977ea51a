"""What the form of a deployment says to Prefect's pages and server, beyond what Prefect says by itself."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from deployments.setup.form import form_of
from flows.parameters import RECIPE_NAMES, CatalogRun
from flows.process_catalog import process_catalog


@pytest.fixture(scope="module")
def form() -> dict[str, Any]:
    """The main job's."""
    return form_of(process_catalog)


def test_every_field_says_its_place(form: dict[str, Any]) -> None:
    """In the models' order, which a server on PostgreSQL would lose."""
    fields = form["definitions"]["CatalogRun"]["properties"]

    assert list(CatalogRun.model_fields) == sorted(fields, key=lambda name: fields[name]["position"])
    assert 0 == form["definitions"]["CatalogSource"]["properties"]["uri"]["position"]


def test_bounds_of_a_field_that_may_be_empty_stand_beside_its_types(form: dict[str, Any]) -> None:
    """So that what breaks them is named."""
    limit = form["definitions"]["Selection"]["properties"]["limit"]

    assert (1, [{"type": "integer"}, {"type": "null"}]) == (limit["minimum"], limit["anyOf"])


def test_a_recipe_is_a_shipped_one_or_a_file(form: dict[str, Any]) -> None:
    """As any text is a file's name, a misspelt recipe would be found out in the run."""
    recipe = form["definitions"]["CatalogRun"]["properties"]["recipe"]

    assert RECIPE_NAMES == recipe["pattern"]
    assert "^(on-model|preset-model|three-scenes|.+[.]ya?ml)$" == RECIPE_NAMES


def test_an_empty_output_is_refused() -> None:
    """It would be the worker's own folder."""
    with pytest.raises(ValidationError, match="output"):
        CatalogRun.model_validate({"catalog": {"uri": "catalog.parquet"}, "output": ""})
