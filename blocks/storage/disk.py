"""Files written so that neither a kill nor a power cut leaves half of one under its name."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

__all__ = ["PART_PREFIX", "copy_file", "create_file", "extend_file", "replace_file", "swap_file", "whole_file"]

# What a kill leaves behind under this name was never an object.
PART_PREFIX = ".catwalk-part-"
# A file that has no name until it is whole: Linux's, and not on every filesystem.
_NAMELESS = getattr(os, "O_TMPFILE", None)

# Plain strings and descriptors below: this is on the way of every ledger entry, and pathlib would double its cost.


@contextmanager
def whole_file(target: Path) -> Generator[BinaryIO]:
    """Write `target` beside itself, then put it in place of any older file: on the disk, and whole, before it shows."""
    name = str(target)
    folder = os.path.dirname(name)  # noqa: PTH120
    part = _part_in(folder)
    placed = False
    try:
        with os.fdopen(_opened(part, os.O_CREAT | os.O_EXCL, folder), "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, name)  # noqa: PTH105
        placed = True
    finally:
        if not placed:
            _discard(part)
    _sync_folder(folder)


def replace_file(target: str, data: bytes) -> None:
    """Put a file there, over any older one."""
    if not os.path.exists(target):  # noqa: PTH110
        # Most are new, and cost half as much by this way.
        with suppress(FileExistsError):
            create_file(target, data)
            return
    with whole_file(Path(target)) as out:
        out.write(data)


def copy_file(source: Path, target: Path) -> None:
    """Put a copy of a file there, over any older one."""
    with source.open("rb") as file, whole_file(target) as out:
        shutil.copyfileobj(file, out, length=1 << 20)


def swap_file(source: Path, target: Path, is_expected: Callable[[], bool]) -> bool:
    """
    Put a copy of a file there if what is there, or is not, is as expected; False if it is not.

    All who swap a file do it one after the other; the lock of one that is killed ends with it. Its file stays.
    """
    lock = f"{target.parent}/{PART_PREFIX}lock-{target.name}"
    with os.fdopen(_opened(lock, os.O_CREAT, str(target.parent)), "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not is_expected():
            return False
        copy_file(source, target)
        return True


def create_file(target: str, data: bytes) -> None:
    """Put a file there, whole at once; raises `FileExistsError` when there is one, for all but one of any callers."""
    folder = os.path.dirname(target)  # noqa: PTH120
    if not _linked_nameless(target, folder, data):
        _linked_part(target, folder, data)
    _sync_folder(folder)


def extend_file(target: str, held: bytes, more: bytes) -> None:
    """Let a file that holds `held` hold `held + more`; an interrupted call may leave it with part of `more`."""
    if not held:
        replace_file(target, more)
        return
    descriptor = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        _write_all(descriptor, more)
    finally:
        os.close(descriptor)


def _linked_nameless(target: str, folder: str, data: bytes) -> bool:
    """Give a nameless file its name; False on a system or filesystem that has no such thing."""
    if _NAMELESS is None:
        return False
    try:
        descriptor = _opened(folder, _NAMELESS, folder)
    except (NotADirectoryError, PermissionError, FileNotFoundError):
        raise
    except OSError:
        return False
    try:
        _write_all(descriptor, data)
        # Given a descriptor, Python asks for linkat(2), which alone follows the link to the nameless file.
        os.link(f"/proc/self/fd/{descriptor}", target, src_dir_fd=descriptor, follow_symlinks=True)
    except FileNotFoundError:
        return False
    finally:
        os.close(descriptor)
    return True


def _linked_part(target: str, folder: str, data: bytes) -> None:
    part = _part_in(folder)
    try:
        descriptor = _opened(part, os.O_CREAT | os.O_EXCL, folder)
        try:
            _write_all(descriptor, data)
        finally:
            os.close(descriptor)
        os.link(part, target)
    finally:
        _discard(part)


def _part_in(folder: str) -> str:
    return f"{folder}/{PART_PREFIX}{uuid4().hex}"


def _opened(name: str, flags: int, folder: str) -> int:
    try:
        return os.open(name, flags | os.O_WRONLY | os.O_CLOEXEC, 0o666)
    except FileNotFoundError:
        _make_folder(Path(folder))
        return os.open(name, flags | os.O_WRONLY | os.O_CLOEXEC, 0o666)


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)


def _make_folder(folder: Path) -> None:
    # A folder's name is on the disk only when its parent is; fsync of the file alone would not keep it.
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(str(folder.parent))


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _discard(part: str) -> None:
    with suppress(OSError):
        os.unlink(part)  # noqa: PTH108
