"""Files of the local disk: whole or not there, also on a filesystem where every file needs a name from the start."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blocks.storage import disk
from blocks.storage.disk import create_file, extend_file, replace_file


@pytest.fixture(params=["nameless", "named"], autouse=True)
def filesystem(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux's nameless files, and the way without them."""
    if request.param == "named":
        monkeypatch.setattr(disk, "_NAMELESS", None)


def test_a_created_file_is_never_overwritten(tmp_path: Path) -> None:
    """Not even its folder needs to be there before, and nothing else stays in it."""
    file = tmp_path / "new" / "folder" / "file"
    create_file(str(file), b"first")

    with pytest.raises(FileExistsError):
        create_file(str(file), b"second")
    assert [(path.name, path.read_bytes()) for path in file.parent.iterdir()] == [("file", b"first")]


def test_one_of_many_creates_a_file(tmp_path: Path) -> None:
    """The filesystem decides, and the file holds what the winner wrote."""
    file = str(tmp_path / "file")

    def won(number: int) -> bool:
        try:
            create_file(file, b"%d" % number)
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        wins = list(threads.map(won, range(64)))

    assert wins.count(True) == 1
    assert Path(file).read_bytes() == b"%d" % wins.index(True)


def test_a_replaced_file_is_the_new_one(tmp_path: Path) -> None:
    """Whether there was one or not."""
    file = tmp_path / "file"
    replace_file(str(file), b"a longer first")
    replace_file(str(file), b"second")

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"second")]


def test_files_are_as_open_to_others_as_any(tmp_path: Path) -> None:
    """The user's umask decides, as for files made by other programs."""
    (tmp_path / "usual").write_bytes(b"")
    create_file(str(tmp_path / "created"), b"")
    replace_file(str(tmp_path / "created"), b"again")

    assert len({path.stat().st_mode for path in tmp_path.iterdir()}) == 1


def test_a_file_is_extended_by_what_is_new(tmp_path: Path) -> None:
    """It begins with the first of it, and its folder too."""
    file = tmp_path / "folder" / "file"
    extend_file(str(file), b"", b"first\n")
    extend_file(str(file), b"first\n", b"second\n")

    assert file.read_bytes() == b"first\nsecond\n"


def test_what_was_removed_is_not_extended(tmp_path: Path) -> None:
    """What it held would be missing from it."""
    with pytest.raises(FileNotFoundError):
        extend_file(str(tmp_path / "file"), b"first\n", b"second\n")
