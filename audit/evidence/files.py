"""Files that are either whole or absent: written beside, synced, then renamed into place."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from audit.records import BadInput


def write_whole(path: Path, data: bytes, workshop: Path) -> None:
    """Puts ``data`` at ``path``; after a kill or power loss the file is the old one, the new one or absent.

    ``workshop`` is a folder on the same file system for the unfinished file.
    """
    workshop.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = workshop / f"{os.getpid()}-{path.name}"
    with unfinished.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def inside(folder: Path, relative: str) -> Path:
    """``folder/relative``; raises ``BadInput`` for a path that leaves the folder or is no plain relative path."""
    parts = PurePosixPath(relative).parts
    if not parts or relative.startswith("/") or ".." in parts or any(sign in relative for sign in (":", "\\", "\0")):
        raise BadInput(f"'{relative}' is not a plain path inside the audit folder; use names and '/' only.")
    return folder.joinpath(*parts)


def is_file(subject: str) -> bool:
    """Whether a statement's subject is a file of the audit folder; others carry a scheme, as in 'model:candidate/…'."""
    return ":" not in subject


def folder_files(folder: Path) -> dict[str, Path]:
    """Every file below ``folder`` by its relative POSIX path; links are not followed and not taken."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path for path in files}
