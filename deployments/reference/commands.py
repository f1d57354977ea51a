"""The commands, with their arguments and options, as a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import EnumType
from inspect import Parameter as Declared
from inspect import cleandoc, signature
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, OptionInfo

from deployments.cli.app import app
from deployments.reference.markdown import paragraphs, table

__all__ = ["Parameter", "commands", "commands_page", "parameters_of"]

INTRO = (
    "`catwalk run --help` says the same in a terminal, as do the others. What takes several values as an option is given several times.\n\n"
    "Exit codes, where a command does not say otherwise: 0 it did its job; 1 it could not, and a message says why and "
    "what to do; 2 the command was not understood; 3 finished, but not all is delivered; 130 interrupted."
)
HEAD = ("argument or option", "value", "default", "meaning")
KINDS: dict[Any, str] = {bool: "switch", int: "integer", float: "number", Path: "path"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument or an option of a command, as its function declares it; `kind` without None and lists."""

    name: str
    info: ArgumentInfo | OptionInfo
    kind: Any
    several: bool
    default: Any

    @property
    def is_argument(self) -> bool:
        """Whether it is given by its place."""
        return isinstance(self.info, ArgumentInfo)

    @property
    def required(self) -> bool:
        """Whether the command can't go without it."""
        return self.default is Declared.empty

    @property
    def title(self) -> str:
        """What a person writes, or in whose place."""
        if not self.is_argument:
            return ", ".join(self.info.param_decls or [f"--{self.name.replace('_', '-')}"])
        name = self.name.upper() + ("..." if self.several else "")
        return name if self.required else f"[{name}]"


def commands() -> dict[str, Callable[..., None]]:
    """The functions of all commands, by name, in the order of `catwalk --help`."""
    registered = [(info.name, cast("Callable[..., None]", info.callback)) for info in app.registered_commands]
    return {name or function.__name__: function for name, function in registered}


def parameters_of(command: Callable[..., None]) -> Iterator[Parameter]:
    """A command's parameters, in their order."""
    hints = get_type_hints(command, include_extras=True)
    for name, parameter in signature(command).parameters.items():
        kind, info = _unwrapped(hints[name])
        several = get_origin(kind) is list
        yield Parameter(name, info, get_args(kind)[0] if several else kind, several, parameter.default)


def _unwrapped(hint: Any) -> tuple[Any, Any]:
    # A default of None may have been put around what was annotated.
    while get_origin(hint) is not Annotated:
        hint = _without_none(hint)
    kind, info, *_ = get_args(hint)
    return _without_none(kind), info


def _without_none(kind: Any) -> Any:
    rest = [each for each in get_args(kind) if each is not NoneType]
    return rest[0] if NoneType in get_args(kind) else kind


def commands_page() -> str:
    """`docs/reference/cli.md`."""
    sections = (_section(name, command) for name, command in commands().items())
    return paragraphs("# Commands", INTRO, *sections)


def _section(name: str, command: Callable[..., None]) -> str:
    parameters = sorted(parameters_of(command), key=lambda parameter: not parameter.is_argument)
    arguments = [parameter.title for parameter in parameters if parameter.is_argument]
    options = ["[OPTIONS]"] if len(arguments) < len(parameters) else []
    return paragraphs(
        f"## catwalk {name}",
        "```text\n" + " ".join(["catwalk", name, *arguments, *options]) + "\n```",
        cleandoc(command.__doc__ or ""),
        table(HEAD, map(_row, parameters)),
    )


def _row(parameter: Parameter) -> tuple[str, ...]:
    variable = f" Variable: `{parameter.info.envvar}`." if parameter.info.envvar else ""
    title = ", ".join(f"`{name}`" for name in parameter.title.split(", "))
    return title, _value(parameter), _default(parameter), (parameter.info.help or "") + variable


def _value(parameter: Parameter) -> str:
    kind, info = parameter.kind, parameter.info
    if isinstance(kind, EnumType):
        words = " or ".join(f"`{each}`" for each in kind)
    else:
        words = info.metavar.lower() if info.metavar else KINDS.get(kind, "text")
    low = "" if info.min is None else f", at least {info.min:g}"
    high = "" if info.max is None else f", at most {info.max:,.0f}"
    return words + low + high + (", several" if parameter.several else "")


def _default(parameter: Parameter) -> str:
    match parameter.default:
        case _ if parameter.required:
            return "required"
        case None | False:
            return ""
        case float() as number:
            return f"`{number:g}`"
        case value:
            return f"`{value}`"
