"""Files that are either whole or absent: written beside, synced, then renamed into place; and files shredded."""

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


ASIDE = "erasing-"
"""Second names, in the workshop, of files on their way to being overwritten; a kill leaves them to ``sweep``."""


def replace_shredded(path: Path, data: bytes | None, workshop: Path) -> None:
    """As ``write_whole`` (None: the file goes), and overwrites the bytes that stood there before with zeros.

    Overwriting reaches what the file system keeps in place; copies made by it, by snapshots or backups it cannot.
    """
    workshop.mkdir(parents=True, exist_ok=True)
    aside = workshop / f"{ASIDE}{os.getpid()}-{path.name}"
    aside.unlink(missing_ok=True)
    os.link(path, aside)
    if data is None:
        path.unlink()
        _sync_folder(path.parent)
    else:
        write_whole(path, data, workshop)
    _shred(aside)


def sweep(workshop: Path) -> None:
    """Shreds what an interrupted erasure set aside, and unfinished files whose writer is gone."""
    for path in sorted(workshop.glob("*")):
        writer = path.name.partition("-")[0]
        if path.name.startswith(ASIDE) or (writer.isdigit() and not Path(f"/proc/{writer}").exists()):
            _shred(path)


def _shred(path: Path) -> None:
    left = path.stat().st_size
    with path.open("r+b") as out:
        while left > 0:
            left -= out.write(bytes(min(left, 1 << 20)))
        out.flush()
        os.fsync(out.fileno())
    path.unlink()


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


FILE, NONE = "a file", "no file"


def kind_of(path: Path) -> str:
    """What stands at ``path``, without following a link: a file, no file, a folder, a link, a pipe or device."""
    if path.is_symlink():
        return "a link"
    if path.is_dir():
        return "a folder"
    if path.is_file():
        return FILE
    return "a pipe or device" if path.exists() else NONE


def is_file(subject: str) -> bool:
    """Whether a statement's subject is a file of the audit folder; others carry a scheme, as in 'model:candidate/…'."""
    return ":" not in subject


def folder_files(folder: Path) -> dict[str, Path]:
    """Every file below ``folder`` by its relative POSIX path; links are not followed and not taken."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path for path in files}
