"""What the pages print can be typed: commands, files in YAML, parameters, variables and links are those that exist."""

from __future__ import annotations

import importlib
import json
import re
from inspect import signature
from itertools import pairwise
from pathlib import Path
from typing import Any, cast, get_type_hints

import pytest
import typer
import yaml
from prefect import Flow
from prefect.settings import get_current_settings
from pydantic import BaseModel, TypeAdapter

from blocks.operations import OPERATIONS
from catalogs.recipe import Recipe
from deployments.cli.app import app
from deployments.cli.config import RunConfig
from flows.accounts import NESTED, PLAIN
from tests.pages import PAGES, REPOSITORY, Page, commands_in

CATWALK: Any = typer.main.get_command(app)
VENDORS = {operation.account_type.env_prefix for operation in OPERATIONS.values()}
SETTINGS = {name.upper() for name in ("api_key", *PLAIN, *NESTED)}
ROOMS = ("blocks", "catalogs", "flows", "deployments", "sandbox", "tests", ".ci")
MAKEFILE = (REPOSITORY / "Makefile").read_text("utf-8")
# In an example the reader's own words stand in its place.
ELLIPSIS = "…"

PARTS_OF_AUTOMATIONS = {"name", "trigger", "actions"}


def refusal(words: list[str], *, whole: bool) -> str | None:
    """Why the command line would not be understood; what is missing counts only of a `whole` one."""
    given = [word for word in words[1:] if ELLIPSIS not in word]
    if not given or given[0] in ("-h", "--help", "--version"):
        return None
    command = CATWALK.commands.get(given[0])
    if command is None:
        return f"no command {given[0]!r}"
    try:
        command.make_context(given[0], given[1:])
    except Exception as error:  # noqa: BLE001 - Typer brings Click's classes under names of its own
        missing = type(error).__name__ == "MissingParameter" or "requires an argument" in str(error)
        understood = type(error).__name__ == "Exit" or (missing and not (whole and len(given) == len(words) - 1))
        return None if understood else f"{' '.join(words)}: {error}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_command_is_understood(page: Page) -> None:
    """Its options exist, and their values are such as they take."""
    said = [refusal(words, whole=True) for words in page.commands() if words[0].rpartition("/")[2] == "catwalk"]

    assert [] == [why for why in said if why]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_command_that_prose_mentions_exists(page: Page) -> None:
    """As do its options; arguments may be left to the reader."""
    named = [words for snippet in page.snippets() if snippet.startswith("catwalk ") for words in commands_in(snippet)]

    assert [] == [why for words in named if (why := refusal(words, whole=False))]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_target_of_make_exists(page: Page) -> None:
    """In blocks and in prose."""
    named = {words[1] for words in page.commands() if words[0] == "make" and len(words) > 1}
    named |= {snippet.split()[1] for snippet in page.snippets() if re.fullmatch(r"make [a-z-]+", snippet)}

    assert [] == [target for target in sorted(named) if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)]


def check_yaml(document: dict[str, Any]) -> None:
    """Raise unless the document is a recipe, a part of one, a `--config` file, or an automation of Prefect's."""
    if document.keys() <= PARTS_OF_AUTOMATIONS:
        return
    if "stages" in document:
        Recipe.model_validate(document)
    elif document.keys() <= Recipe.model_fields.keys():
        for name, value in document.items():
            TypeAdapter[Any](cast("Any", Recipe.model_fields[name].annotation)).validate_python(value)
    else:
        RunConfig.model_validate(document)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_yaml_block_is_valid(page: Page) -> None:
    """It can be copied into a file and used."""
    for block in page.blocks("yaml"):
        check_yaml(yaml.safe_load(block.text))


def flows() -> dict[str, Flow[Any, Any]]:
    """The flows of `deployments/prefect.yaml`, by name."""
    document = yaml.safe_load((REPOSITORY / "deployments" / "prefect.yaml").read_text("utf-8"))
    found: dict[str, Flow[Any, Any]] = {}
    for deployment in document["deployments"]:
        module, _, name = deployment["entrypoint"].replace("/", ".").replace(".py:", ":").rpartition(":")
        module, name = (module, name) if module else name.rsplit(".", 1)
        flow = getattr(importlib.import_module(module), name)
        found[flow.name] = flow
    return found


def test_every_parameter_of_a_deployment_is_valid() -> None:
    """What is given as `--param` fits the flow's parameter of that name."""
    runs = [words for page in PAGES for words in page.commands() if words[:3] == ["prefect", "deployment", "run"]]
    checked = 0
    for words in runs:
        flow = flows()[words[3].partition("/")[0]]
        for option, given in pairwise(words):
            if option == "--param":
                name, _, value = given.partition("=")
                kind = get_type_hints(flow.fn, include_extras=True)[name]
                assert name in signature(flow.fn).parameters
                TypeAdapter(kind).validate_python(json.loads(value))
                checked += 1

    assert checked


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_within_the_project_leads_somewhere(page: Page) -> None:
    """To a file or folder that exists, and to a heading of it."""
    dead: list[str] = []
    for link in page.links():
        file, _, fragment = link.partition("#")
        target = (page.path.parent / file).resolve() if file else page.path
        if not target.exists() or (fragment and fragment not in Page(target).anchors()):
            dead.append(link)

    assert [] == dead


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_variable_exists(page: Page) -> None:
    """Those of accounts, of Catwalk and of Prefect are read by somebody; others are other people's."""
    named = set(re.findall(r"\b(?:CLAID|VMAKE|AILABTOOLS|CATWALK|PREFECT)_[A-Z0-9_]*[A-Z0-9]\b", page.text))
    code = "\n".join(path.read_text("utf-8") for path in _sources()) if named else ""
    of_prefect = set(get_current_settings().to_environment_variables())

    def is_read(name: str) -> bool:
        vendor, _, setting = name.partition("_")
        return (vendor in VENDORS and setting in SETTINGS) or name in of_prefect or name in code

    assert [] == sorted(name for name in named if not is_read(name))
    endings = set(re.findall(r"…_([A-Z][A-Z0-9_]*[A-Z0-9])", page.text))
    assert [] == [each for each in sorted(endings) if not any(name.endswith(each) for name in SETTINGS)]


def _sources() -> list[Path]:
    return [
        path
        for room in ROOMS
        for path in (REPOSITORY / room).rglob("*")
        if path.suffix in {".py", ""} and path.is_file()
    ]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_python_block_compiles(page: Page) -> None:
    """It is whole enough to be pasted."""
    for block in page.blocks("python"):
        compile(block.text, str(page), "exec")


@pytest.mark.parametrize(
    ("line", "understood"),
    [
        ("catwalk run c.parquet --output out --limit 3", True),
        ("KEY=x catwalk run c.parquet --output out | tail -1", True),
        ("catwalk run …yours… --output out", True),
        ("catwalk run c.parquet --output out --limits 3", False),
        ("catwalk run c.parquet --output out --limit none", False),
        ("catwalk run c.parquet", False),
        ("make demo && catwalk rum", False),
    ],
)
def test_a_wrong_command_would_be_found(line: str, understood: bool) -> None:
    """The checks above see what they are there for."""
    [words] = [words for words in commands_in(line) if words[0] == "catwalk"]

    assert understood is (refusal(words, whole=True) is None)


def test_a_wrong_option_in_yaml_would_be_found() -> None:
    """In a recipe and in a file given as `--config`."""
    stage = {"name": "scene", "operation": "claid.scene", "options": {"scene": {"prompts": "beach"}}}
    for document in (
        {"name": "x", "stages": [stage]},
        {"column": {"sku": "id"}},
        {"outfits": {"woman": {"shoe": "x"}}},
    ):
        with pytest.raises(ValueError, match="validation error"):
            check_yaml(document)


def test_models_of_parameters_refuse_what_they_do_not_know() -> None:
    """Else a misspelt parameter in an example would pass."""
    kinds = [kind for flow in flows().values() for name, kind in get_type_hints(flow.fn).items() if name != "return"]
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]

    assert [] == [model for model in models if model.model_config.get("extra") != "forbid"]
