"""The rooms: who may import whom, and what every module promises."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Each may import itself and those after it.
ORDER = ("deployments", "flows", "catalogs", "blocks")
ROOMS = (*ORDER, "sandbox")
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc", "core"}
LONGEST_MODULE = 320


def modules_of(*rooms: str) -> list[Path]:
    """The Python files of some rooms."""
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def name_of(path: Path) -> str:
    """`catalogs/plan.py`."""
    return str(path.relative_to(ROOT))


def imports_of(path: Path) -> Iterator[str]:
    """Top-level packages that a module imports, wherever in it; a relative import is its own room's."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0] if node.module and not node.level else path.relative_to(ROOT).parts[0]


def bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Names that a module binds at its top level, also under a condition."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Import() | ast.ImportFrom():
                yield from ((alias.asname or alias.name) for alias in node.names)
            case ast.Assign() | ast.AnnAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = (part for target in targets for part in ast.walk(target))
                yield from (name.id for name in names if isinstance(name, ast.Name))
            case ast.If() | ast.Try():
                yield from bound([*node.body, *node.orelse])
            case _:
                pass


def public_names(tree: ast.Module) -> list[str] | None:
    """What `__all__` lists; None without one."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__":
            return ast.literal_eval(node.value)
    return None


def names_from_other_rooms(path: Path) -> Iterator[tuple[str, str]]:
    """Modules and the names that a module takes from them."""
    others = {*ROOMS} - {path.relative_to(ROOT).parts[0]}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in others:
            yield from ((node.module, alias.name) for alias in node.names)


def listed_by(module: str) -> list[str]:
    """The public names of `room.module` or of the package of that name."""
    place = ROOT / module.replace(".", "/")
    module_file = place.with_suffix(".py")
    home = module_file if module_file.exists() else place / "__init__.py"
    return public_names(ast.parse(home.read_text("utf-8"))) or []


def is_empty(path: Path) -> bool:
    """An `__init__.py` that only makes its folder a package."""
    return not ast.parse(path.read_text("utf-8")).body


MODULES = [path for path in modules_of(*ROOMS) if not is_empty(path)]


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room: str) -> None:
    """Deployments, flows, catalogs, blocks; the sandbox is a second reading of the contracts and imports none."""
    allowed = {room, *ORDER[ORDER.index(room) :]} if room in ORDER else {room}
    allowed |= {"sandbox"} if room == "deployments" else set()
    forbidden = {*ROOMS, "tests", "benchmarks"} - allowed
    found = {name_of(path): forbidden & set(imports_of(path)) for path in modules_of(room)}

    assert {name: names for name, names in found.items() if names} == {}


def test_no_test_folder_is_a_package() -> None:
    """An `__init__.py` under tests would shadow the packages under test."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_lists_its_public_names(path: Path) -> None:
    """`__all__` is there, it names nothing twice, and every name in it exists."""
    tree = ast.parse(path.read_text("utf-8"))
    names = public_names(tree)

    assert names is not None
    assert len(names) == len(set(names))
    assert set(names) - set(bound(tree.body)) == set()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_uses_only_what_others_list(room: str) -> None:
    """A name is imported from the module that lists it in its `__all__`."""
    unlisted = [
        f"{name_of(path)}: {module}.{name}"
        for path in modules_of(room)
        for module, name in names_from_other_rooms(path)
        if name not in listed_by(module) and not list(ROOT.glob(f"{module.replace('.', '/')}/{name}*"))
    ]

    assert unlisted == []


@pytest.mark.parametrize("path", modules_of(*ROOMS), ids=name_of)
def test_a_module_has_a_telling_name_and_one_reason_to_change(path: Path) -> None:
    """Nothing is called utils, and nothing grows past a few screens."""
    assert VAGUE_NAMES & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts} == set()
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_MODULE


def test_nothing_private_leaves_the_project() -> None:
    """No file that git tracks or would add is a scratch file, and no source speaks of one machine's folders."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.md", "*.yaml", "*.toml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    needle = "/" + "work" + "/"
    speaking = [name for name in listed if (ROOT / name).exists() and needle in (ROOT / name).read_text("utf-8")]

    assert speaking == []
