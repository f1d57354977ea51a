"""Recipes: the ordered stages an item goes through, refused before anything is paid when they can't work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, Union, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, create_model, model_validator

from blocks.errors import RecipeError
from blocks.operation import Gender, Operation, Options, Slot
from blocks.operations import OPERATIONS
from catalogs.complaints import complaints
from catalogs.looks import Look, patched
from catalogs.mapping import LOGICAL_COLUMNS, did_you_mean
from catalogs.template import columns_in, columns_of, unknown_columns, wire_of

__all__ = ["AnyStage", "Outfit", "Recipe", "Stage", "load_recipe", "parse_recipe", "shipped_recipes"]

PictureFrom = Literal["previous", "product_image", "person_image"]

SHIPPED = files("catalogs") / "recipes"
MOST_COLUMNS_TOLD = 40


class Stage(BaseModel):
    """One step of a recipe: a name, an operation with its options, and the picture it works on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="What the stage is called in tables and file names."
    )
    operation: str = Field(description="The vendor endpoint that does the work.")
    options: Options = Field(description="The vendor's own options; texts may name columns, as in '{color} {title}'.")
    picture: PictureFrom | None = Field(
        default=None,
        description="The picture to work on: the previous stage's result, or one of the row's own. "
        "Empty means the previous stage's result, and the product image in a first stage.",
    )
    pick: int = Field(default=1, ge=1, le=4, description="Which of several candidates the next stage works on.")
    allow_random_model: bool = Field(
        default=False, description="Let the vendor choose a person where the row and the recipe name none."
    )

    def work(self) -> Operation[Any, Any]:
        """The operation itself."""
        return OPERATIONS[self.operation]

    def takes(self, slot: Slot) -> bool:
        """Whether the operation has a place for this."""
        return slot in self.work().requires | self.work().accepts

    def needs(self, slot: Slot) -> bool:
        """Whether a unit can't go without this."""
        if slot is Slot.PERSON and self.allow_random_model:
            return False
        return slot in self.work().requires


def _stage_type(operation: Operation[Any, Any]) -> type[Stage]:
    options_type = operation.options_type
    needs_options = any(field.is_required() for field in options_type.model_fields.values())
    told = {name: field.description for name, field in Stage.model_fields.items()}
    options: Any = Field(description=told["options"])
    if not needs_options:
        options = Field(default_factory=options_type, description=told["options"])
    model = create_model(  # pyright: ignore[reportCallIssue, reportUnknownVariableType] - built from a registry
        "".join(part.title() for part in operation.name.replace("_", ".").split(".")) + "Stage",
        __base__=Stage,
        __doc__=f"A stage done by {operation.name}.",
        operation=(Literal[operation.name], Field(description=told["operation"])),  # pyright: ignore[reportArgumentType]
        options=(options_type, options),
    )
    return cast("type[Stage]", model)


if TYPE_CHECKING:
    AnyStage = Stage
else:
    AnyStage = Annotated[
        Union[tuple(_stage_type(operation) for operation in OPERATIONS.values())],  # noqa: UP007 - built from a registry
        Field(discriminator="operation"),
    ]


class Outfit(BaseModel):
    """What an item is worn by and with where its row says nothing; vendors otherwise choose at random."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person_image: str | None = Field(default=None, description="The model's photo.")
    top_garment: str | None = Field(default=None, description="The top worn with a bottom.")
    bottom_garment: str | None = Field(default=None, description="The bottom worn with a top.")


class Recipe(BaseModel):
    """The ordered stages an item goes through; each works on what the one before it made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="What the recipe is called in tables.")
    description: str = Field(default="", description="What it makes, for the people who choose it.")
    stages: list[AnyStage] = Field(min_length=1, max_length=20, description="The stages, in order.")
    outfits: dict[Gender, Outfit] = Field(
        default_factory=dict[Gender, Outfit],
        description="What an item is worn by and with where its row says nothing, by gender.",
    )
    one_piece: list[str] = Field(
        default=["dress", "jumpsuit", "overall", "suit"],
        description="Categories that are a whole outfit, so that nothing is added to them.",
    )
    looks: list[Look] = Field(
        default_factory=list[Look],
        max_length=50,
        description="The ways in which every item is shown, each through all stages; none means once, as its row is.",
        examples=[[{"name": "beach", "columns": {"backdrop": "sunny beach"}}]],
    )

    @model_validator(mode="after")
    def _order_works(self) -> Self:
        _check_names("stages", [stage.name for stage in self.stages])
        for position, stage in enumerate(self.stages):
            _check_alone(stage)
            _check_place(stage, self.stages[position - 1] if position else None)
        _check_names("looks", [look.name for look in self.looks])
        for look in self.looks:
            for stage in self.in_look(look).stages:
                _check_alone(stage, look)
        return self

    def in_look(self, look: Look | None) -> Recipe:
        """What the recipe is for the items of one of its looks; for None, what it is without any."""
        overrides = look.options if look else {}
        if look and (unknown := sorted(overrides.keys() - {stage.name for stage in self.stages})):
            raise ValueError(f"look {look.name!r} has options for a stage {unknown[0]!r}, which the recipe has not.")
        stages = [
            _overridden(stage, look, overrides[stage.name]) if look and stage.name in overrides else stage
            for stage in self.stages
        ]
        return self.model_copy(update={"stages": stages, "looks": []})

    def columns(self) -> set[str]:
        """The columns that the texts of stages and looks name."""
        stages = [stage for look in (None, *self.looks) for stage in self.in_look(look).stages]
        named = {column for stage in stages for column in columns_of(stage.options)}
        return named.union(*(columns_in(dict(look.columns)) for look in self.looks))

    def check_columns(self, known: Iterable[str]) -> None:
        """Raise `RecipeError` where a text names a column that neither catalog nor look has, or a look sets one in vain."""
        columns = sorted(known)
        for look in self.looks or [None]:
            place = f"recipe {self.name!r}, look {look.name!r}" if look else f"recipe {self.name!r}"
            own = dict(look.columns) if look else {}
            used = [*LOGICAL_COLUMNS, *sorted(self.columns()), *columns]
            for name, text in own.items():
                if name not in used:
                    raise RecipeError(
                        f"{place}: nothing uses the column {name!r}{did_you_mean(name, used)}",
                        next_step="Set one of ours, one of the catalog's, or one that a text of the recipe names.",
                    )
                _check_known(f"{place}, column {name!r}", text, columns)
            for stage in self.in_look(look).stages:
                _check_known(f"{place}, stage {stage.name!r}", wire_of(stage.options), sorted({*columns, *own}))


def _check_known(place: str, value: JsonValue, columns: Sequence[str]) -> None:
    if missing := unknown_columns(value, columns):
        more = f" and {len(columns) - MOST_COLUMNS_TOLD} more" if len(columns) > MOST_COLUMNS_TOLD else ""
        raise RecipeError(
            f"{place}: the catalog has no column {', '.join(missing)}",
            next_step=f"Its columns are: {', '.join(columns[:MOST_COLUMNS_TOLD])}{more}.",
        )


def _check_names(things: str, names: Sequence[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two {things} are called {twice[0]!r}; give each its own name.")


def _overridden(stage: Stage, look: Look, overrides: Mapping[str, JsonValue]) -> Stage:
    """The stage with a look's options in the place of its own."""
    document = stage.model_dump(mode="json", by_alias=True, exclude_unset=True)
    # Vmake's options go by two names each, and both must not be given.
    wire = {name: field.serialization_alias for name, field in type(stage.options).model_fields.items()}
    by_wire: JsonValue = {wire.get(name) or name: value for name, value in overrides.items()}
    document["options"] = patched(document.get("options"), by_wire)
    try:
        return type(stage).model_validate(document)
    except ValidationError as error:
        raise ValueError(f"look {look.name!r}, stage {stage.name!r}: {complaints(document, error)}") from error


def _check_alone(stage: Stage, look: Look | None = None) -> None:
    operation, candidates = stage.work(), stage.work().candidates(stage.options)
    name = f"{stage.name!r} in look {look.name!r}" if look else repr(stage.name)
    try:
        columns_of(stage.options)
    except RecipeError as error:
        raise ValueError(f"stage {name}: {error}") from error
    if stage.pick > candidates:
        raise ValueError(
            f"stage {name} makes {candidates} picture(s), so pick can't be {stage.pick}; "
            f"pick at most {candidates}, or ask for more pictures."
        )
    if stage.picture and not stage.takes(Slot.PICTURE):
        raise ValueError(f"stage {name} has a picture, but {operation.name} works on none; leave 'picture' out.")
    if stage.allow_random_model and (not stage.takes(Slot.PERSON) or operation.follows_a_result):
        raise ValueError(
            f"stage {name} allows a random model, but {operation.name} never chooses one; "
            "leave 'allow_random_model' out."
        )


def _check_place(stage: Stage, before: Stage | None) -> None:
    operation = stage.work()
    if before is None:
        if stage.picture == "previous" or operation.follows_a_result:
            raise ValueError(
                f"stage {stage.name!r} is first, but {operation.name} works on a previous stage's result; "
                "put a stage that makes one before it."
            )
        return
    if not stage.takes(Slot.PICTURE) or stage.picture not in (None, "previous"):
        raise ValueError(
            f"stage {stage.name!r} ({operation.name}) does not use what stage {before.name!r} makes, so that would "
            "be paid for and dropped; make it the first stage, or a recipe of its own."
        )


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with Catwalk."""
    return sorted(Path(entry.name).stem for entry in SHIPPED.iterdir() if entry.name.endswith(".yaml"))


def load_recipe(name: str) -> Recipe:
    """
    Read a shipped recipe by name, or any recipe from a YAML file.

    Raises `RecipeError` naming the field, its place in the file and what is allowed there.
    """
    if name in shipped_recipes():
        return parse_recipe((SHIPPED / f"{name}.yaml").read_text("utf-8"), source=f"the shipped recipe {name!r}")
    path = Path(name)
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"no recipe {name!r}: it is neither a shipped one nor a readable YAML file ({error})",
            next_step=f"Shipped recipes: {', '.join(shipped_recipes())}.",
        ) from error
    return parse_recipe(text, source=str(path))


def parse_recipe(text: str, *, source: str) -> Recipe:
    """Read a recipe from YAML text; `source` names it in messages."""
    try:
        document: object = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # PyYAML makes dates of what looks like one
        raise RecipeError(
            f"{source} is not YAML: {error}", next_step="Correct it there; texts with special signs need quotes."
        ) from error
    try:
        return Recipe.model_validate(document)
    except ValidationError as error:
        raise RecipeError(
            f"{source} can't be used: {complaints(document, error)}",
            next_step="docs/reference/recipe.md has every option.",
        ) from error
