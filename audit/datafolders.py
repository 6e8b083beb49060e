"""Where the data folders stand: beside the code in a checkout, inside the package in an installed copy."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def data_folder(name: str) -> Path:
    """The folder ``templates`` or ``validation_sets``; raises ``FileNotFoundError`` where neither place has it."""
    for folder in (PACKAGE.parent / name, PACKAGE / "_data" / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"data folder '{name}' stands neither beside nor inside the package {PACKAGE}")
