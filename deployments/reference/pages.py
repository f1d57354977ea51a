"""The reference pages, each made from the code that it describes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from inspect import getdoc
from typing import Any, cast

import pyarrow as pa
from pydantic import BaseModel

from blocks.errors import CatwalkError
from blocks.operation import Operation
from blocks.operations import OPERATIONS, account_types
from blocks.storage import ObjectStorage
from catalogs.manifest import MEANINGS, PICTURE, SCHEMA
from catalogs.recipe import Outfit, Recipe, Stage, shipped_recipes
from deployments.cli.config import RunConfig
from deployments.reference.commands import commands_page
from deployments.reference.markdown import anchor, paragraphs, table
from deployments.reference.shapes import Shapes
from flows import parameters
from flows.accounts import NESTED, PLAIN

__all__ = ["NOTE", "PAGES"]

NOTE = "<!-- Made from the code by `make docs`; change it there. -->"
SUMS = ("Costs", "Next")

RECIPE_INTRO = (
    "A recipe is a YAML file, or the same as JSON in a run's parameters. What it does not name is the vendor's choice, "
    "or the default given here; what it misspells is refused before anything is paid. Texts are templates over the row's "
    "columns: `{column}`, or `{column|text}` with a text for blank rows; `{{` and `}}` are braces."
)
PARAMETERS_INTRO = (
    "What flows take as parameters in Prefect, the file given as `--config`, and the blocks and variables of accounts and "
    "storage. A name that is not here is refused. Commands have their own page: [cli.md](cli.md)."
)
ACCOUNTS_INTRO = (
    "A Prefect block each (`prefect block register -m blocks`), or variables of the environment. `…` stands for the vendor: "
    "`{prefixes}`. Limits, timeouts and prices are JSON there. A field without a variable is the block's alone."
)
MANIFEST_INTRO = (
    "`manifest.parquet` under the output, and `manifest.csv` with the same columns while it has at most 200,000 rows. A row says "
    "how one stage of one SKU stands, whichever run was the last to do something about it. Times are UTC. In CSV "
    "`pictures` is JSON."
)
ERRORS_INTRO = (
    "The tree of what can go wrong. The manifest's `error_kind` is the second column. What a message says comes first: it names the "
    "row, the cause, the vendor's own words and the next step. [reliability.md](../reliability.md) has the same by what happened on the "
    "wire, and what the ledger keeps."
)


def _recipe_page() -> str:
    options = [operation.options_type for operation in OPERATIONS.values()]
    shapes = Shapes(
        [Recipe, Stage, Outfit, *options], {"Options": "[options of the operation](#operations)"} | _stages()
    )
    operations = [_operation(name, operation, shapes) for name, operation in OPERATIONS.items()]
    return paragraphs(
        "# Recipes",
        RECIPE_INTRO,
        f"Shipped with Catwalk: {', '.join(f'`{name}`' for name in shipped_recipes())}.",
        *(
            part
            for model in (Recipe, Stage, Outfit)
            for part in (f"## {model.__name__}", shapes.words(model), shapes.fields(model))
        ),
        "## Operations",
        table(
            ("operation", "what it does"),
            ((f"[`{name}`](#{anchor(name)})", _first_sentence(each)) for name, each in OPERATIONS.items()),
        ),
        *operations,
        "## Parts of options",
        shapes.rest(),
    )


def _stages() -> dict[str, str]:
    """The schema has a type of stage for each operation, which all have a stage's fields."""
    names = ("".join(part.title() for part in name.replace("_", ".").split(".")) + "Stage" for name in OPERATIONS)
    return dict.fromkeys(names, "[Stage](#stage)")


def _operation(name: str, operation: Operation[Any, Any], shapes: Shapes) -> str:
    needs, takes = (
        ", ".join(f"`{slot}`" for slot in sorted(slots)) for slots in (operation.requires, operation.accepts)
    )
    return paragraphs(
        f"### {name}",
        getdoc(operation) or "",
        f"Needs {needs}." + (f" Takes {takes} as well." if takes else ""),
        shapes.fields(operation.options_type) or "It has no options.",
    )


def _first_sentence(operation: Operation[Any, Any]) -> str:
    return (getdoc(operation) or "").partition("\n")[0]


def _parameters_page() -> str:
    named = [getattr(parameters, name) for name in parameters.__all__]
    models = [kind for kind in named if isinstance(kind, type) and issubclass(kind, BaseModel)]
    kinds = account_types()
    shapes = Shapes([*models, RunConfig, ObjectStorage, *kinds], {"Recipe": "[Recipe](recipe.md#recipe)"})
    return paragraphs(
        "# Parameters",
        PARAMETERS_INTRO,
        *_sections(models, shapes),
        "## The file given as `--config`",
        shapes.words(RunConfig),
        shapes.fields(RunConfig),
        "## Accounts' blocks and variables",
        ACCOUNTS_INTRO.format(prefixes="`, `".join(kind.env_prefix for kind in kinds)),
        f"Variables: {', '.join(f'`…_{name.upper()}`' for name in ('api_key', *PLAIN, *NESTED))}.",
        *_sections(kinds, shapes),
        *_sections([ObjectStorage], shapes),
        "## Parts",
        shapes.rest(),
    )


def _sections(models: Iterable[type[BaseModel]], shapes: Shapes) -> Iterator[str]:
    for model in models:
        yield from (f"## {model.__name__}", shapes.words(model), shapes.fields(model))


def _manifest_page() -> str:
    rows = ((f"`{name}`", _type(cast("pa.DataType", SCHEMA.field(name).type)), MEANINGS[name]) for name in SCHEMA.names)
    parts = (f"`{PICTURE.field(place).name}`" for place in range(PICTURE.num_fields))
    return paragraphs(
        "# The manifest's columns",
        MANIFEST_INTRO,
        table(("column", "type", "meaning"), rows),
        f"Each of `pictures` has {', '.join(parts)}.",
    )


def _type(kind: pa.DataType) -> str:
    if isinstance(kind, pa.ListType):
        return "list of records"
    return "timestamp, UTC" if pa.types.is_timestamp(kind) else str(kind)


def _errors_page() -> str:
    return paragraphs(
        "# Errors",
        ERRORS_INTRO,
        table(
            ("class", "`error_kind`", "what it means", "what it costs", "what to do"),
            map(_error, _tree(CatwalkError, 0)),
        ),
    )


def _tree(kind: type[CatwalkError], depth: int) -> Iterator[tuple[int, type[CatwalkError]]]:
    # Those of the tree in blocks/errors.py in its order, then the others, whichever was imported first.
    for child in sorted(kind.__subclasses__(), key=lambda each: each.__module__.removeprefix(CatwalkError.__module__)):
        yield depth, child
        yield from _tree(child, depth + 1)


def _error(place: tuple[int, type[CatwalkError]]) -> tuple[str, ...]:
    depth, kind = place
    means = re.split(rf"^(?:{'|'.join(SUMS)}):", getdoc(kind) or "", flags=re.MULTILINE)[0]
    return "&nbsp;" * 4 * depth + f"`{kind.__name__}`", f"`{kind.kind()}`", means, *(_told(kind, head) for head in SUMS)


def _told(kind: type[CatwalkError], head: str) -> str:
    """What a class, or else the nearest one above it, says under this head."""
    for each in kind.__mro__:
        if found := re.search(rf"^{head}:(.+(?:\n .+)*)", getdoc(each) or "", re.MULTILINE):
            words = " ".join(found[1].split())
            return words[0].upper() + words[1:]
    return "As the message says."


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": commands_page,
    "parameters.md": _parameters_page,
    "recipe.md": _recipe_page,
    "manifest.md": _manifest_page,
    "errors.md": _errors_page,
}
