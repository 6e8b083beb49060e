"""The files of a registered version: ``data/`` holds what the format reads."""

from __future__ import annotations

from pathlib import Path

from audit.model_refs import Version
from audit.records import BadInput

DATA = "data"


def only_file(folder: Path, suffixes: tuple[str, ...], ref: Version) -> Path:
    """The only file of one of these kinds in the version's ``data/``; raises ``BadInput`` for none or several."""
    found = [path for path in sorted((folder / DATA).rglob("*")) if path.is_file() and path.suffix in suffixes]
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise BadInput(
            f"model {ref.name} version {ref.version}: one file {' or '.join(suffixes)} was expected among its files, "
            f"found {names}; register it again."
        )
    return found[0]
