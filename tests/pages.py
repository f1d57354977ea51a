"""The project's pages as their readers use them: blocks of code, commands in them, headings and links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deployments.reference.markdown import anchor

__all__ = ["PAGES", "REPOSITORY", "Block", "Page", "commands_in", "unfolded"]

REPOSITORY = Path(__file__).parent.parent
SHELLS = ("console", "sh", "crontab")
OPERATORS = frozenset({";", "&&", "||", "|", "&", "do", "then"})

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HERE_DOCUMENT = re.compile(r"(<<'?(\w+)'?[^\n]*)\n.*?^\2$", re.MULTILINE | re.DOTALL)
_ASSIGNMENT = re.compile(r"\w+=.*", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code: its language and its text."""

    language: str
    text: str


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(REPOSITORY))

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text("utf-8")

    @cached_property
    def prose(self) -> str:
        """It without its blocks."""
        return _BLOCK.sub("", self.text)

    def blocks(self, *languages: str) -> list[Block]:
        """Its blocks in these languages."""
        found = [Block(language, text) for _, language, text in _BLOCK.findall(self.text)]
        return [block for block in found if block.language in languages]

    def snippets(self) -> list[str]:
        """What stands between backticks in its prose."""
        return _CODE.findall(self.prose)

    def commands(self) -> list[list[str]]:
        """The words of every simple command in its blocks for a shell."""
        return [words for block in self.blocks(*SHELLS) for words in commands_in(block.text)]

    def anchors(self) -> set[str]:
        """The fragments of its headings."""
        return {anchor(_LINK.sub("]", heading).replace("[", "")) for heading in _HEADING.findall(self.prose)}

    def links(self) -> list[str]:
        """Where it points to, within the project."""
        return [link for link in _LINK.findall(_CODE.sub("", self.prose)) if "://" not in link]


def unfolded(text: str) -> str:
    """A script without here-documents' bodies, and each command on one line."""
    return _HERE_DOCUMENT.sub(r"\1", text).replace("\\\n", " ")


def commands_in(text: str) -> Iterator[list[str]]:
    """The words of each simple command of a script, without variables that are set for it alone."""
    # Quoted texts may hold line ends, so the lines that belong together are found by reading on.
    waiting = ""
    for line in unfolded(text).splitlines():
        waiting += line + "\n"
        try:
            reader = shlex.shlex(waiting, posix=True, punctuation_chars=True)
            reader.wordchars += "…{}:,@%+$"
            words = list(reader)
        except ValueError:
            continue
        waiting = ""
        yield from _split(words)


def _split(words: list[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in [*words, ";"]:
        if word in OPERATORS:
            if command:
                yield command
            command = []
        elif command or not _ASSIGNMENT.fullmatch(word):
            command.append(word)


PAGES = [
    Page(path)
    for path in sorted(
        [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("[dst]*/README.md")]
    )
]
