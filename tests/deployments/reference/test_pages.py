"""docs/reference says what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from blocks import errors
from blocks.operations import OPERATIONS
from catalogs.manifest import MEANINGS, SCHEMA
from deployments.reference.markdown import anchor, table
from deployments.reference.pages import PAGES

REPOSITORY = Path(__file__).parents[3]
COMMITTED = REPOSITORY / "docs" / "reference"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as `make docs` would write them now, in a process that knows no test's classes."""
    folder = tmp_path_factory.mktemp("reference")
    subprocess.run([sys.executable, "-m", "deployments.reference", folder], cwd=REPOSITORY, check=True, timeout=100)
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_up_to_date(made: Path, name: str) -> None:
    """Whoever changes an option, a parameter, a column or an error runs `make docs`."""
    assert (made / name).read_text("utf-8") == (COMMITTED / name).read_text("utf-8"), "run `make docs` and commit it"


def test_no_other_page_lies_there() -> None:
    """A page that is not made any more would stay for ever."""
    assert set(PAGES) == {path.name for path in COMMITTED.iterdir()}


def test_every_column_of_the_manifest_has_a_meaning() -> None:
    """In the order of the schema."""
    assert SCHEMA.names == list(MEANINGS)


def test_every_option_of_every_operation_is_told(made: Path) -> None:
    """Under the vendor's own names."""
    page = (made / "recipe.md").read_text("utf-8")
    fields = (field for operation in OPERATIONS.values() for field in operation.options_type.model_fields.items())

    assert [] == [name for name, field in fields if f"`{field.serialization_alias or name}` |" not in page]


def test_every_error_says_what_it_costs_and_what_to_do(made: Path) -> None:
    """Those of blocks/errors.py in so many words; the table has no empty cell."""
    rows = [line for line in (made / "errors.md").read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    told = [row for row in rows if any(f"`{name}`" in row for name in errors.__all__)]

    assert len(errors.__all__) - 1 == len(told)
    assert [] == [row for row in told if "As the message says" in row]
    assert [] == [row for row in rows if "|  |" in row]


def test_a_cell_stays_in_its_place() -> None:
    """Line ends and bars in a text would break the table."""
    assert "| a |\n|---|\n| b c \\| d |" == table(["a"], [["b\n c | d"]])
    assert table(["a"], []) == ""


@pytest.mark.parametrize(
    ("heading", "fragment"),
    [
        ("What can't be closed", "what-cant-be-closed"),
        ("claid.fashion_models", "claidfashion_models"),
        ("A `b` C", "a-b-c"),
    ],
)
def test_anchors_are_those_of_github(heading: str, fragment: str) -> None:
    """Links into a page depend on it."""
    assert fragment == anchor(heading)
