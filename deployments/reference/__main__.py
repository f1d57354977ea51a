"""Write the reference pages: `python -m deployments.reference [FOLDER]`, from the repository's root."""

from __future__ import annotations

import sys
from pathlib import Path

from deployments.reference.pages import NOTE, PAGES

__all__ = ["main"]

FOLDER = Path("docs") / "reference"


def main(folder: Path) -> None:
    """Write every page into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(f"{NOTE}\n\n{page()}", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
